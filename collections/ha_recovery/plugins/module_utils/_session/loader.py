# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the agent on a host: the few lines that the remote Python runs, and the code that they ask for.

The code is kept below /run on the host, in a folder named by its own hash, so that a second session starts without
sending or compiling it again. Other versions go after an hour: until then another session may run from one, or be about
to put its own there. Lines before the greeting are skipped: a password that sudo did not want must not be
taken for a request.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from functools import lru_cache
from pathlib import Path

PACKAGE = "ansible_collections/sre/ha_recovery/plugins/module_utils"
CACHE = "/run/ha_recovery/agent"
GREETING = "HA_RECOVERY"
HAVE, NEED = "HAVE", "NEED"

# Runs as root on the host. Everything it needs comes over stdin; argv holds no secret.
LOADER = """
import io, os, shutil, sys, tempfile, time, zipfile
take, say = sys.stdin.buffer, sys.stdout.buffer
line = take.readline()
while line and not line.startswith(b"HA_RECOVERY "):
    line = take.readline()
if not line:
    sys.exit("no greeting came")
cache, digest = "@CACHE@", line.split()[1].decode()
home = os.path.join(cache, digest)
have = os.path.isdir(home)
say.write(b"HAVE\\n" if have else b"NEED\\n")
say.flush()
if not have:
    size = int(take.readline())
    os.makedirs(cache, mode=0o700, exist_ok=True)
    for name in os.listdir(cache):
        old = os.path.join(cache, name)
        if time.time() - os.lstat(old).st_mtime > 3600:
            shutil.rmtree(old, ignore_errors=True)
    fresh = tempfile.mkdtemp(dir=cache)
    zipfile.ZipFile(io.BytesIO(take.read(size))).extractall(fresh)
    try:
        os.rename(fresh, home)
    except OSError:
        home = fresh
sys.path.insert(0, home)
from ansible_collections.sre.ha_recovery.plugins.module_utils._session.agent import main
main()
""".replace("@CACHE@", CACHE)


@lru_cache(maxsize=1)
def bundle() -> tuple[str, bytes]:
    """The collection's module_utils as a zip archive, and its hash. The same sources always give the same bytes."""
    root = Path(__file__).resolve().parent.parent
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in ("ansible_collections", "ansible_collections/sre", "ansible_collections/sre/ha_recovery"):
            archive.writestr(zipfile.ZipInfo(f"{folder}/__init__.py"), "")
        archive.writestr(zipfile.ZipInfo("ansible_collections/sre/ha_recovery/plugins/__init__.py"), "")
        for source in sorted(root.rglob("*.py")):
            name = f"{PACKAGE}/{source.relative_to(root)}"
            archive.writestr(zipfile.ZipInfo(name), source.read_bytes(), zipfile.ZIP_DEFLATED)
        if not (root / "__init__.py").exists():
            archive.writestr(zipfile.ZipInfo(f"{PACKAGE}/__init__.py"), "")
    data = content.getvalue()
    return hashlib.sha256(data).hexdigest()[:16], data
