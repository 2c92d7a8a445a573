# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: program_directory
short_description: Install a small Python program of several files as one unit
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Makes a directory hold the given Python source files, owned by root and writable by nobody else.
  - Source files that the program no longer has are removed. Other files in the directory are left alone.
  - Does in one step what a loop over M(ansible.builtin.copy) does in as many steps as there are files.
options:
  path:
    description: The directory. It and its parents are made as needed.
    type: path
    required: true
  files:
    description:
      - File name to content.
      - No secret; it is kept out of the journal because a program does not belong there.
    type: dict
    required: true
attributes:
  check_mode:
    description: Says what would be written and removed, and touches nothing.
    support: full
  diff_mode:
    description: Shows the files' names and checksums before and after.
    support: full
  idempotent:
    description: A file whose content, owner and mode are right is left alone.
    support: full
"""

EXAMPLES = r"""
- name: Install the role probe's program
  sre.ha_recovery.program_directory:
    path: /usr/local/lib/ha_recovery/role_probe
    files:
      __main__.py: "{{ lookup('ansible.builtin.file', 'role_probe/__main__.py', rstrip=false) }}"
      config.py: "{{ lookup('ansible.builtin.file', 'role_probe/config.py', rstrip=false) }}"
"""

RETURN = r"""
written:
  description: Files that were written, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [config.py]
removed:
  description: Source files that were removed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [old_name.py]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.program_directory import (
    NotAProgram,
    apply,
    digest,
    observe,
    plan,
)


def main() -> None:
    """Read, plan, apply."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "files": {"type": "dict", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    wanted = {str(name): str(content) for name, content in module.params["files"].items()}
    result = {}
    try:
        directory, found = observe(path)
        todo = plan(wanted, directory, found)
        if module._diff:
            before = {name: file.digest[:16] for name, file in found.items()}
            after = {name: digest(content.encode())[:16] for name, content in wanted.items()}
            result["diff"] = {
                "before": "".join(f"{before[name]} {name}\n" for name in sorted(before)),
                "after": "".join(f"{after[name]} {name}\n" for name in sorted(after)),
                "before_header": str(path),
                "after_header": str(path),
            }
        if not module.check_mode and todo.changed:
            apply(path, wanted, todo)
            again = plan(wanted, *observe(path))
            if again.changed:
                module.fail_json(msg=f"{path} is not as it was written; still to write: {', '.join(again.write)}")
    except (NotAProgram, OSError) as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(changed=todo.changed, written=list(todo.write), removed=list(todo.remove), **result)


if __name__ == "__main__":
    main()
