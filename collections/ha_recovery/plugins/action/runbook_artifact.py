# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control-node side of M(sre.ha_recovery.runbook_artifact)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.files import replace_file
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.observe import read_text


class ActionModule(ActionBase):
    """Compare, write."""

    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            {"directory": {"type": "path", "required": True}, "files": {"type": "dict", "required": True}}
        )
        directory = Path(args["directory"])
        files = {directory / name: str(text) for name, text in args["files"].items()}
        stale = [path for path, text in files.items() if read_text(path) != text]
        if stale and not self._task.check_mode:
            try:
                directory.mkdir(parents=True, exist_ok=True)
                for path in stale:
                    replace_file(path, files[path], mode=0o644, owner="")
            except OSError as problem:
                raise AnsibleActionFail(
                    f"{problem.filename or directory}: {problem.strerror}; free space or choose another place"
                ) from problem
        return {**result, "changed": bool(stale), "paths": [str(path) for path in files]}
