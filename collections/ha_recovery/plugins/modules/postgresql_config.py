# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_config
short_description: Put a Postgres cluster's configuration files in place, tried first, and reload the server
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Tries new settings with C(postgres -C) on a copy before any file is replaced.
  - A running server then reads the new files on trial through C(pg_hba_file_rules) and C(pg_file_settings). When it
    finds an error, the old files are put back and the module fails; the server was never told to reload.
  - Reloads the server when a file that it reads is newer than its last reload, so a run killed half-way is made good.
  - Never restarts a server. Settings that wait for a restart are returned.
options:
  version:
    description: Major version.
    type: str
    required: true
  cluster:
    description: Debian name of the cluster.
    type: str
    default: main
  port:
    description: Port of the server.
    type: int
    default: 5432
  files:
    description: Configuration files, each whole.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where it belongs.
        type: path
        required: true
      content:
        description: All of its text.
        type: str
        required: true
      mode:
        description: Permissions, octal.
        type: str
        default: "0644"
      owner:
        description: User that owns it.
        type: str
        default: postgres
  secrets:
    description:
      - Files whose content is never shown or logged, such as password files. Path to all of its text.
      - Only their owner may read them, C(postgres) in the cluster's configuration directory and C(root) elsewhere.
    type: dict
    default: {}
  watch:
    description: Further files that the server reads, such as certificates; a newer one leads to a reload.
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    description: Tries the settings and says what would change.
    support: full
  diff_mode:
    description: Shows the files before and after, secrets left out.
    support: full
  idempotent:
    description: Files that are right and loaded are left alone.
    support: full
"""

EXAMPLES = r"""
- name: Put the settings in place
  sre.ha_recovery.postgresql_config:
    version: "17"
    files:
      - path: /etc/postgresql/17/main/conf.d/10-ha_recovery.conf
        content: "{{ lookup('ansible.builtin.template', '10-ha_recovery.conf.j2') }}"
"""

RETURN = r"""
files:
  description: Files that were, or in check mode would be, written.
  returned: always
  type: list
  elements: str
  sample: [/etc/postgresql/17/main/pg_hba.conf]
reloaded:
  description: The server was, or in check mode would be, told to read its files again.
  returned: always
  type: bool
  sample: true
pending_restart:
  description: Settings that take effect at the next restart only.
  returned: always
  type: list
  elements: str
  sample: [shared_buffers]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import config
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout, postmaster_pid


def wanted_files(params: dict, layout: Layout) -> list:
    """The files that the parameters describe, secrets last."""
    plain = [
        config.File(item["path"], item["content"], int(item["mode"], 8), item["owner"]) for item in params["files"]
    ]
    return plain + [
        config.File(
            path, content, 0o600, "postgres" if layout.config_dir in Path(path).parents else "root", secret=True
        )
        for path, content in params["secrets"].items()
    ]


def main() -> None:
    """Read, try, write, let the server judge, reload."""
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str", "required": True},
            "cluster": {"type": "str", "default": "main"},
            "port": {"type": "int", "default": 5432},
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "content": {"type": "str", "required": True},
                    "mode": {"type": "str", "default": "0644"},
                    "owner": {"type": "str", "default": "postgres"},
                },
            },
            # A dictionary, so that only the contents, not paths and owners, are taken for secrets in what is shown.
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "watch": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    params = module.params
    runner = HostRunner()
    layout = Layout(params["version"], params["cluster"])
    wanted = wanted_files(params, layout)
    found = config.changes(wanted)
    running = postmaster_pid(layout.data_directory()) is not None
    # psql reads password files, the server does not: they are no reason to reload.
    read_by_server = [item.path for item in wanted if not item.secret] + params["watch"]
    result = {"files": [change.file.path for change in found], "reloaded": False, "pending_restart": []}
    if module._diff:
        result["diff"] = config.diff(found)
    try:
        config.check_settings(runner, layout, found)
        if not module.check_mode:
            config.apply(runner, layout, found, port=params["port"], running=running)
        if running:
            state = config.server_state(runner, layout, params["port"])
            stale = any(not change.file.secret for change in found)
            result["reloaded"] = stale or not config.read_since(read_by_server, state["loaded_at"])
            if result["reloaded"] and not module.check_mode:
                state = config.reload(runner, layout, params["port"], state["loaded_at"])
            result["pending_restart"] = state["pending_restart"]
    except config.ConfigRefused as refusal:
        module.fail_json(msg=str(refusal), **result)
    module.exit_json(changed=bool(found) or result["reloaded"], **result)


if __name__ == "__main__":
    main()
