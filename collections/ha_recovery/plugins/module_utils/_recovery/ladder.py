# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fencing ladder: which rungs of it were climbed for a lost primary, and which of them are proven. Pure.

====  =============  ============================================================  ==============================
rung  name           what it does                                                  when
====  =============  ============================================================  ==============================
1     server         marker, unit masked, Postgres stopped, on the host itself     the host lets us in
2     balancers      maintenance on each load balancer, kept across restarts       each that is reachable
3     network        packets to and from Postgres dropped on the host itself       it does not let itself be stopped
4     hook           the user's command switches the host off from outside         1 and 3 are not proven
5     waiver         a person knows that what was not reached is off               a load balancer was not reached
====  =============  ============================================================  ==============================

One of 1, 3 and 4 fences the host wherever clients come from. Rung 2 fences it for clients who come through the load
balancers, which is enough when every one of them is proven. 5 stands in for a load balancer that nobody reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.proof import balancer_proof

Answers = Mapping[str, Mapping[str, Any]]

PROVEN, FAILED, WAIVED, UNTRIED = "proven", "failed", "waived", "not tried"


@dataclass(frozen=True)
class Rung:
    """One rung for one host: what came of it, and what says so."""

    name: str
    host: str
    state: str
    why: str

    def as_dict(self) -> dict[str, str]:
        """Plain data, for the record."""
        return asdict(self)


def _server(host: str, plan: Mapping[str, Any], answer: Mapping[str, Any]) -> Rung:
    if host not in plan["fence_hosts"]:
        return Rung("server", host, UNTRIED, "the host does not let us in")
    if answer.get("fenced") is True and not answer.get("failed"):
        return Rung("server", host, PROVEN, "marker and mask are there, and no server process")
    return Rung("server", host, FAILED, str(answer.get("msg") or "it did not say that it is fenced"))


def _network(host: str, plan: Mapping[str, Any], answer: Mapping[str, Any]) -> Rung:
    if answer.get("isolated") is True:
        return Rung("network", host, PROVEN, "nft drops what comes to its port and from it, and the unit is masked")
    if host not in plan["fence_hosts"]:
        return Rung("network", host, UNTRIED, "the host does not let us in")
    if answer.get("fenced") is True and not answer.get("failed"):
        return Rung("network", host, UNTRIED, "not needed: the server is stopped")
    return Rung("network", host, FAILED, str(answer.get("msg") or "it did not say that its port is cut off"))


def _balancer(name: str, host: str, plan: Mapping[str, Any], answers: Answers) -> Rung:
    if name in (plan.get("skipped_load_balancers") or ()):
        if "unfenced_load_balancer" in (plan.get("waived") or ()):
            return Rung("waiver", name, WAIVED, "unfenced_load_balancer: a person says that it is off")
        return Rung("balancers", name, UNTRIED, "not reachable")
    missing = balancer_proof(name, answers.get(name, {}).get("balancer") or {}, [host])
    if missing:
        return Rung("balancers", name, FAILED, "; ".join(missing))
    return Rung("balancers", name, PROVEN, f"{host} is in maintenance, written to disk")


def _hook(host: str, plan: Mapping[str, Any], answer: Mapping[str, Any]) -> Rung:
    method = (plan.get("fencing_methods") or {}).get(host, "none")
    if method == "none":
        return Rung("hook", host, UNTRIED, "fencing_method is none")
    if not answer:
        return Rung("hook", host, UNTRIED, "not needed: it is fenced on the host itself")
    state = PROVEN if answer.get("proven") is True else FAILED
    return Rung("hook", host, state, f"{method}: {answer.get('detail') or 'no word'}")


def lost(plan: Mapping[str, Any]) -> list[str]:
    """Hosts that are to be fenced in one way or another."""
    return list(dict.fromkeys([*plan["fence_servers"], *plan["fence_hosts"]]))


def rungs_of(plan: Mapping[str, Any], answers: Answers) -> list[Rung]:
    """Every rung for every lost primary, in the ladder's order."""
    found = []
    for host in lost(plan):
        told = answers.get(host, {})
        fence = told.get("fence") or {}
        found.append(_server(host, plan, fence))
        names = (
            [*plan["fence_load_balancers"], *(plan.get("skipped_load_balancers") or ())]
            if host in plan["fence_servers"]
            else []
        )
        found += [_balancer(name, host, plan, answers) for name in names]
        found.append(_network(host, plan, fence))
        found.append(_hook(host, plan, told.get("hook") or {}))
    return found


def out_of_reach(plan: Mapping[str, Any], answers: Answers) -> list[str]:
    """Lost primaries that neither their own host nor the network on it stopped: what the hook is for."""
    stopped = {one.host for one in rungs_of(plan, answers) if one.name in ("server", "network") and one.state == PROVEN}
    return [host for host in lost(plan) if host not in stopped]


def unfenced(plan: Mapping[str, Any], answers: Answers) -> list[str]:
    """Lost primaries that no rung stopped wherever clients come from."""
    hooked = {one.host for one in rungs_of(plan, answers) if one.name == "hook" and one.state == PROVEN}
    return [host for host in out_of_reach(plan, answers) if host not in hooked]


def missing_proofs(plan: Mapping[str, Any], answers: Answers) -> list[str]:
    """Everything that keeps the plan's promotion from being safe; an empty list means go.

    Every reachable load balancer has to be proven. A load balancer that was skipped without a waiver wants each lost
    primary stopped; with a waiver, those at least that let us in.
    """
    rungs = rungs_of(plan, answers)
    missing = [one.why for one in rungs if one.name == "balancers" and one.state == FAILED]
    still = unfenced(plan, answers)
    waived = "unfenced_load_balancer" in (plan.get("waived") or ())
    if missing or plan.get("skipped_load_balancers"):
        wanted = [host for host in still if host in plan["fence_hosts"] or not waived]
        missing += [line for host in wanted for line in _why(host, rungs)]
    return missing


def refused(plan: Mapping[str, Any], missing: list[str]) -> str:
    """Why nothing is promoted, for a person: what was seen, what was expected, and what lets it go on."""
    away = [str(name) for name in plan.get("skipped_load_balancers") or ()]
    hosts = ", ".join(lost(plan))
    seen = "; ".join([*missing, *(f"{name}: not reachable, so it may send writes to {hosts}" for name in away)])
    balancers = f"{hosts} in maintenance on every load balancer"
    stopped = f"{hosts} stopped, cut off or switched off, with proof"
    again = "ansible-playbook playbooks/failover.yml"
    said = f"{plan['candidate']} was not promoted, for the old primary is not proven to be fenced: {seen}; expected "
    if not away:
        return f"{said}{balancers}, or {stopped}. Next: put that right, then {again}"
    said += (
        f"{balancers}, and, where one is not reachable, {stopped}. Next: switch {hosts} off by hand in a way that its "
    )
    said += f"status shows, or restore {', '.join(away)}, then {again}"
    if "unfenced_load_balancer" in (plan.get("waived") or ()):
        return said
    return f"{said}; or, when you know that {', '.join(away)} is off: {again} -e failover_waive=unfenced_load_balancer"


def unfenced_hosts(plan: Mapping[str, Any], answers: Answers) -> list[str]:
    """Hosts that let us in and did not prove their fence; told even when the load balancers make it safe."""
    rungs = rungs_of(plan, answers)
    return [line for host in unfenced(plan, answers) if host in plan["fence_hosts"] for line in _why(host, rungs)]


def _why(host: str, rungs: list[Rung]) -> list[str]:
    """In one line: the server's own words, and the hook's when there is one."""
    said = [one.why for one in rungs if one.host == host and one.name in ("server", "hook") and one.state == FAILED]
    return [f"{host}: {'; '.join(said) or 'nothing proves that it is stopped'}"]
