# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbouncer_pool
short_description: Pause, resume, reconnect or look at a pool of PgBouncer, never leaving it paused for ever
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Speaks to the admin console of one PgBouncer instance of the role C(pgbouncer) over its Unix socket, as root.
  - A paused pool keeps its clients connected and holds their next query. Nobody gets an error for it.
  - A pause has a lease. Before the pool is paused, a timer of systemd on the load balancer itself is started that
    resumes the pool when the lease is over. Pausing again renews the lease, resuming ends it.
options:
  pool:
    description: The instance.
    type: str
    choices: [read_write, read_only]
    required: true
  state:
    description:
      - V(shown) looks.
      - V(paused) holds clients' queries once their transactions are over, for at most I(lease).
      - V(resumed) lets them go and ends the lease. Without I(databases), it ends a PAUSE or SUSPEND by hand as well.
      - V(reconnected) has connections to servers replaced as soon as their transactions are over.
    type: str
    choices: [shown, paused, resumed, reconnected]
    default: shown
  databases:
    description: Databases of the pooler that are meant; all of them by default.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - With O(state=paused), seconds that running transactions have to end. If they do not, the pool is resumed, and
        the module fails and names the clients.
    type: float
    default: 5.0
  lease:
    description:
      - With O(state=paused), seconds after which the pool resumes by itself. Longer than I(timeout), and shorter than
        PgBouncer's C(query_wait_timeout), after which clients get an error.
    type: float
    default: 15.0
  by:
    description: With O(state=paused), who asks, for people who find the lease.
    type: str
    default: ""
attributes:
  check_mode:
    description: Looks at the pool and says what would be done. Whether transactions end in time is not tried.
    support: full
  diff_mode:
    description: Shows which databases are paused.
    support: full
  idempotent:
    description:
      - A pool that is as wanted is left as it is; a new lease is no change. V(reconnected) acts whenever there are
        connections.
    support: partial
"""

EXAMPLES = r"""
- name: Look at the pool
  sre.ha_recovery.pgbouncer_pool:
    pool: read_write

- name: Hold clients' queries for at most ten seconds
  sre.ha_recovery.pgbouncer_pool:
    pool: read_write
    state: paused
    timeout: 3
    lease: 10
    by: switchover on the control node

- name: Let them go
  sre.ha_recovery.pgbouncer_pool:
    pool: read_write
    state: resumed
"""

RETURN = r"""
pooler:
  description: >-
    The pool after the call; in check mode, as it is. C(state) is active, pausing (a transaction still runs), paused,
    partly_paused, suspended, stopped or unknown (no answer). C(configured) is false on a host without pooler. Counts
    are connections, times are in seconds. C(lease) is null where there is none.
  returned: always
  type: dict
  sample:
    pool: read_write
    configured: true
    running: true
    state: paused
    error: null
    version: 1.24.1
    databases:
      - {name: app, paused: true, disabled: false, clients_active: 3, clients_waiting: 5, servers_active: 0,
         servers_idle: 0, max_wait_s: 0.12}
    lease: {remaining_s: 9.93, seconds: 10.0, by: switchover on the control node}
commands:
  description: Commands given at the console; in check mode, those that would be given.
  returned: always
  type: list
  elements: str
  sample: [PAUSE app]
seconds:
  description: With O(state=paused), how long the running transactions took to end.
  returned: with state paused
  type: float
  sample: 0.004
holders:
  description: When transactions did not end in time, the clients they belong to, longest quiet first.
  returned: on failure
  type: list
  elements: dict
  sample:
    - {user: app, database: app, address: "192.0.2.9:40912", application: nightly report, quiet_s: 41.0}
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import HostRunner
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.state_store import Busy
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer import operate
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.console import ConsoleError, NotRunning
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.instance import POOLS, Instance, LeaseError
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.operate import PauseTimedOut
from ansible_collections.sre.ha_recovery.plugins.module_utils._pgbouncer.state import Refusal

ARGUMENTS = {
    "pool": {"type": "str", "choices": list(POOLS), "required": True},
    "state": {"type": "str", "choices": ["shown", "paused", "resumed", "reconnected"], "default": "shown"},
    "databases": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "float", "default": 5.0},
    "lease": {"type": "float", "default": 15.0},
    "by": {"type": "str", "default": ""},
}


def main() -> None:
    """Read the request, carry it out, answer."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    instance = Instance(module.params["pool"])
    unit = f"pgbouncer@{instance.pool}"
    try:
        answer = carry_out(instance, module.params, module.check_mode)
    except NotRunning as error:
        module.fail_json(msg=f"{error}. Next: systemctl status {unit}; systemctl start {unit}")
    except PauseTimedOut as error:
        module.fail_json(msg=str(error), holders=[asdict(one) for one in error.holders])
    except Refusal as error:
        module.fail_json(msg=str(error))
    except LeaseError as error:
        module.fail_json(msg=f"{error}. Nothing was paused. Next: run the role pgbouncer on this host")
    except Busy as error:
        module.fail_json(msg=f"{error}: a lease is ending just now. Next: run this again")
    except (ConsoleError, OSError) as error:
        module.fail_json(msg=f"{error}. Next: journalctl -u {unit} -n 50")
    else:
        module.exit_json(**answer)


def carry_out(instance: Instance, wanted: dict, check_mode: bool) -> dict:
    """What the module returns."""
    runner = HostRunner()
    before = operate.info(runner, instance)
    paused = {one["name"] for one in before["databases"] if one["paused"]}
    if wanted["state"] == "shown":
        return {"changed": False, "commands": [], "pooler": before, "diff": difference(paused, paused)}
    acts = {"paused": operate.pause, "resumed": operate.resume, "reconnected": operate.reconnect}
    times = {key: wanted[name] for key, name in (("timeout_s", "timeout"), ("lease_s", "lease"), ("by", "by"))}
    more = times if wanted["state"] == "paused" else {}
    done = acts[wanted["state"]](runner, instance, wanted["databases"], check_mode=check_mode, **more)
    answer = {key: done[key] for key in ("changed", "commands", "seconds") if key in done}
    after = {"paused": paused | set(done["databases"]), "resumed": paused - set(done["databases"])}
    answer["pooler"] = before if check_mode else operate.info(runner, instance)
    answer["diff"] = difference(paused, after.get(wanted["state"], paused))
    return answer


def difference(before: set, after: set) -> dict:
    """The paused databases before and after."""
    return {"before": {"paused": sorted(before)}, "after": {"paused": sorted(after)}}


if __name__ == "__main__":
    main()
