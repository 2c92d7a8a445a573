# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One psql that stays open: where every millisecond counts, its start (30 to 50 ms) is paid beforehand."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import as_user


class LiveError(Exception):
    """The server did not answer, or answered with an error, which the message is."""


def psql_command(layout: Layout, port: int = 5432, database: str = "postgres") -> list[str]:
    """psql as the operating system user postgres over the local socket."""
    argv = [str(layout.bin_dir / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(layout.socket_dir)]
    return as_user("postgres", [*argv, "-p", str(port), "-U", "postgres", "-d", database])


class LivePsql:
    """Ask with :meth:`ask`; an error ends it. Not for use from two threads at once."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env={**os.environ, "LC_ALL": "C", "PGAPPNAME": "ha_recovery", "PGCONNECT_TIMEOUT": "3"},
            start_new_session=True,
        )
        self._rest = b""

    def ask(self, sql: str, timeout: float = 2.0) -> Any:
        """The one JSON value that ``sql`` (one statement without its semicolon) yields. Raises LiveError."""
        stdin = self._process.stdin
        try:
            if stdin is None:
                raise LiveError("psql has no input")
            stdin.write(sql.encode() + b";\n")
            stdin.flush()
        except (OSError, ValueError) as error:
            raise LiveError(self._last_words()) from error
        return json.loads(self._line(time.monotonic() + timeout, timeout))

    def _line(self, deadline: float, timeout: float) -> bytes:
        stdout = self._process.stdout
        if stdout is None:
            raise LiveError("psql has no output")
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    self.close()
                    raise LiveError(f"no answer within {timeout:g} s")
                chunk = os.read(stdout.fileno(), 65536)
                if not chunk:
                    raise LiveError(self._last_words())
                self._rest += chunk
        line, _newline, self._rest = self._rest.partition(b"\n")
        return line

    def _last_words(self) -> str:
        try:
            _out, err = self._process.communicate(timeout=0.5)
        except (subprocess.TimeoutExpired, ValueError, OSError):
            err = b""
        self.close()
        lines = err.decode(errors="replace").strip().splitlines()
        return lines[0] if lines else "psql ended"

    def close(self) -> None:
        """End psql."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(timeout=2)
