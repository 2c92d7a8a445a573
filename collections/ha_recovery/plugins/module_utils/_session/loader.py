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
import threading
import zipfile
from functools import lru_cache
from pathlib import Path

PACKAGE = "ansible_collections/sre/ha_recovery/plugins/module_utils"
CACHE = "/run/ha_recovery/agent"
GREETING = "HA_RECOVERY"
HAVE, NEED = "HAVE", "NEED"

# Runs as root on the host. Everything it needs comes over stdin; argv holds no secret.
LOADER = """
import os, sys
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
    import io, shutil, tempfile, time, zipfile
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


_once = threading.Lock()


def digest() -> str:
    """What names the code: the same sources always give the same. Worked out once, however many sessions begin."""
    with _once:
        return _digest()


def bundle() -> bytes:
    """The collection's module_utils as a zip archive, for a host that does not have them."""
    with _once:
        return _bundle()


def _sources() -> list[tuple[str, bytes]]:
    """Names in the archive and contents, always in the same order."""
    root = Path(__file__).resolve().parent.parent
    empty = ["ansible_collections", "ansible_collections/sre", "ansible_collections/sre/ha_recovery"]
    found = [(f"{folder}/__init__.py", b"") for folder in [*empty, "ansible_collections/sre/ha_recovery/plugins"]]
    found += [(f"{PACKAGE}/{one.relative_to(root)}", one.read_bytes()) for one in sorted(root.rglob("*.py"))]
    if not (root / "__init__.py").exists():
        found.append((f"{PACKAGE}/__init__.py", b""))
    return found


@lru_cache(maxsize=1)
def _digest() -> str:
    made = hashlib.sha256()
    for name, content in _sources():
        made.update(f"{name} {len(content)}\n".encode() + content)
    return made.hexdigest()[:16]


@lru_cache(maxsize=1)
def _bundle() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in _sources():
            archive.writestr(zipfile.ZipInfo(name), source, zipfile.ZIP_DEFLATED)
    return content.getvalue()
