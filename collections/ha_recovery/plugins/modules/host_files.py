# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
short_description: Put all files of a role in place in one step, each tried first
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Makes folders, files, links and small Python programs as they should be, compared by content, owner, group and mode.
  - In the order given. A new content is tried by its own program first; a refusal leaves that file, and those after it,
    as they were. The programs of the step come before all files, because they may be what tries.
  - Does in one round trip what a task a file does in as many.
options:
  files:
    description: Paths in the order in which they are made, folders before what lies in them, and what tries before it.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where it belongs.
        type: path
        required: true
      state:
        description: What it should be.
        type: str
        choices: [file, directory, link, absent]
        default: file
      content:
        description: All of its text. A file without one takes it from O(secrets).
        type: str
      target:
        description: Where a link points to.
        type: str
        default: ''
      owner:
        description: User that owns it.
        type: str
        default: root
      group:
        description: Group that owns it.
        type: str
        default: root
      mode:
        description: Permissions, octal. V(0755) for a folder when it is not given.
        type: str
      validate:
        description: Command that tries a new content; C(%s) stands for a copy under the same name. No shell.
        type: str
        default: ''
  secrets:
    description: Contents that are never shown or logged. Path to all of its text.
    type: dict
    default: {}
  programs:
    description:
      - Small Python programs, each a folder of source files. Folder to file name to content. See
        M(sre.ha_recovery.program_directory).
      - No secret; it is kept out of the journal because a program does not belong there.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Tries new contents where their program is installed, says what would change, and touches nothing.
    support: full
  diff_mode:
    description: Shows contents before and after, secrets left out, and of programs the checksums.
    support: full
  idempotent:
    description: What is right is left alone.
    support: full
"""

EXAMPLES = r"""
- name: Put the files of HAProxy in place, once HAProxy itself accepts its configuration
  sre.ha_recovery.host_files:
    files:
      - path: /var/lib/ha_recovery
        state: directory
      - path: /etc/haproxy/haproxy.cfg
        content: "{{ lookup('ansible.builtin.template', 'haproxy.cfg.j2') }}"
        group: haproxy
        mode: "0640"
        validate: /usr/sbin/haproxy -c -f %s
"""

RETURN = r"""
written:
  description: Paths that were, or in check mode would be, made, replaced or removed; of a program its folder.
  returned: always
  type: list
  elements: str
  sample: [/etc/haproxy/haproxy.cfg]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common import host_files, program_directory
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner


def wanted_files(params: dict) -> list:
    """The paths that the parameters describe. Raises FilesRefused for a file whose content nobody gave."""
    found = []
    for item in params["files"]:
        path, state = item["path"], item["state"]
        content, secret = item["content"], False
        if state == host_files.FILE and content is None:
            if path not in params["secrets"]:
                raise host_files.FilesRefused(f"{path} has neither content nor an entry in secrets")
            content, secret = params["secrets"][path], True
        mode = int(item["mode"] or ("0755" if state == host_files.DIRECTORY else "0644"), 8)
        found.append(
            host_files.Wanted(
                path,
                state,
                content or "",
                item["target"],
                item["owner"],
                item["group"],
                mode,
                item["validate"],
                secret,
            )
        )
    return found


class Programs:
    """The small programs of the step."""

    def __init__(self, wanted: dict) -> None:
        self.wanted = {Path(path): {str(k): str(v) for k, v in files.items()} for path, files in wanted.items()}
        self.seen = {path: program_directory.observe(path) for path in self.wanted}
        self.plans = {path: program_directory.plan(files, *self.seen[path]) for path, files in self.wanted.items()}

    @property
    def changed(self) -> list:
        """Folders to touch."""
        return [str(path) for path, todo in self.plans.items() if todo.changed]

    def apply(self) -> None:
        """Install them."""
        for path, todo in self.plans.items():
            if todo.changed:
                program_directory.apply(path, self.wanted[path], todo)

    def diff(self) -> list:
        """Checksums before and after."""
        result = []
        for path, todo in self.plans.items():
            if todo.changed:
                before = {name: one.digest[:16] for name, one in self.seen[path][1].items()}
                after = {name: program_directory.digest(text.encode())[:16] for name, text in self.wanted[path].items()}
                result.append(
                    {
                        "before": "".join(f"{before[name]} {name}\n" for name in sorted(before)),
                        "after": "".join(f"{after[name]} {name}\n" for name in sorted(after)),
                        "before_header": str(path),
                        "after_header": str(path),
                    }
                )
        return result


def main() -> None:
    """Read, plan, try, apply, read again."""
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "state": {
                        "type": "str",
                        "choices": ["file", "directory", "link", "absent"],
                        "default": "file",
                    },
                    "content": {"type": "str"},
                    "target": {"type": "str", "default": ""},
                    "owner": {"type": "str", "default": "root"},
                    "group": {"type": "str", "default": "root"},
                    "mode": {"type": "str"},
                    "validate": {"type": "str", "default": ""},
                },
            },
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "programs": {"type": "dict", "default": {}, "no_log": True},
        },
        supports_check_mode=True,
    )
    result = {"written": []}
    try:
        wanted = wanted_files(module.params)
        programs = Programs(module.params["programs"])
        changes = host_files.plan(wanted, {one.path: host_files.look(one.path) for one in wanted})
        result["written"] = programs.changed + [one.wanted.path for one in changes]
        if module._diff:
            result["diff"] = programs.diff() + host_files.diff(changes)
        runner = HostRunner()
        if module.check_mode:
            for one in host_files.can_be_tried(changes):
                host_files.try_out(runner, one)
        else:
            programs.apply()
            host_files.apply(runner, changes)
            left = host_files.plan(wanted, {one.path: host_files.look(one.path) for one in wanted})
            if left:
                names = ", ".join(one.wanted.path for one in left)
                module.fail_json(msg=f"not as they were written: {names}", **result)
    except (host_files.FilesRefused, program_directory.NotAProgram, OSError) as problem:
        module.fail_json(msg=str(problem), **result)
    module.exit_json(changed=bool(result["written"]), **result)


if __name__ == "__main__":
    main()
