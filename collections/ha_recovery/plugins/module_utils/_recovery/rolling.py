# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose turn is it? One host at a time, decided anew from what is seen before every turn; first row that fits.

==================================================================  ================================================
observed                                                            turn
==================================================================  ================================================
several systems, two primaries, no primary                          refuse
a host that an earlier turn of this runbook left out                finish: it is brought back
nothing is due on any host in service                               none
preflight blocks                                                    refuse
the primary lowers one setting that standbys must not have lower,   refuse: no order of restarts serves both; two rounds
and raises another
the primary lowers one                                              restart_primary: in place, while the pools hold
a standby has something due                                         turn of the first by name
only the primary has                                                switchover: then it is a standby, and has had or
                                                                    gets its turn
a load balancer has something due                                   turn: those without the virtual IP first
==================================================================  ================================================

What is due: settings that wait for a restart (or a server older than its program), or packages with a newer version. A
host that is out for maintenance is not touched: what is due there is due when it is back. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.preflight_query import STANDBY_SETTINGS
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.maintenance import (
    Asked,
    Seen,
    host_plan,
    without_one_primary,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.refusal import Refusal
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import SITE, topology_of


@dataclass(frozen=True)
class Due:
    """What is due on one host. ``lines`` for people; ``lowers``, ``raises``: of the settings that standbys must not
    have lower; ``packages``: to be brought up to date."""

    lines: tuple[str, ...] = ()
    lowers: tuple[str, ...] = ()
    raises: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


def restart_due(answer: Mapping[str, Any] | None) -> Due:
    """From the answer of the call C(restart_due): ``settings`` that change, ``running`` and ``installed`` version."""
    lines: list[str] = []
    lowers: list[str] = []
    raises: list[str] = []
    for one in (answer or {}).get("settings") or ():
        name, old, new = str(one["name"]), one["setting"], one["pending"]
        lines.append(f"{name} {old} -> {'its default' if new is None else new}")
        if name in STANDBY_SETTINGS and str(old).isdigit() and str(new).isdigit():
            (lowers if int(new) < int(old) else raises).append(name)
    running, installed = (answer or {}).get("running"), (answer or {}).get("installed")
    if running and installed and running != installed:
        lines.append(f"Postgres {running} -> {installed}")
    return Due(tuple(lines), tuple(lowers), tuple(raises))


def update_due(answer: Mapping[str, Any] | None) -> Due:
    """From the answer of the call C(packages_due): ``packages``, the version ``installed`` and the ``newer`` one."""
    found = (answer or {}).get("packages") or ()
    lines = tuple(f"{one['name']} {one['installed']} -> {one['newer']}" for one in found)
    return Due(lines, packages=tuple(str(one["name"]) for one in found))


@dataclass(frozen=True)
class Round:
    """What the runbook is: its name, what is due by host, hosts that did not say, and the pools that run, by host."""

    runbook: str
    due: Mapping[str, Due]
    unknown: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Turn:
    """The decision. ``maintenance``: the plan by which the host leaves and comes back."""

    action: str
    headline: str
    host: str | None = None
    primary: str | None = None
    candidate: str | None = None
    maintenance: Mapping[str, Any] | None = None
    packages: tuple[str, ...] = ()
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def acts(self) -> bool:
        """True when hosts are to be touched."""
        return self.action in {"turn", "finish", "restart_primary", "switchover"}

    def as_dict(self) -> dict[str, Any]:
        """Plain data with lists."""
        plain = asdict(self)
        plain["packages"], plain["order"] = list(self.packages), list(self.order)
        plain["pools"] = {host: list(names) for host, names in self.pools.items()}
        plain["refusals"] = [{**asdict(one), "line": one.line} for one in self.refusals]
        lines = [self.headline, *(f"  {one.line}" for one in self.refusals), *(f"  {line}" for line in self.order)]
        return {**plain, "lines": lines, "acts": self.acts}


def _refuse(headline: str, *refusals: Refusal) -> Turn:
    return Turn("refuse", f"refused: {headline}", refusals=refusals)


def _note(seen: Seen, host: str) -> Mapping[str, Any]:
    node, balancer = seen.node(host), seen.balancer(host)
    found = node.maintenance if node is not None else balancer.maintenance if balancer is not None else None
    return found or {}


def _order(seen: Seen, due: Mapping[str, Due], primary: str) -> tuple[str, ...]:
    """Hosts in the order of their turns, with what is due."""
    return tuple(
        f"{host}: {', '.join(due[host].lines)}{' (the primary)' if host == primary else ''}"
        for host in _queue(seen, due, primary)
    )


def _queue(seen: Seen, due: Mapping[str, Due], primary: str) -> list[str]:
    standbys = [node.host for node in seen.nodes if node.host != primary]
    balancers = sorted(seen.balancers, key=lambda one: (bool(one.holds_vip), one.host))
    return [host for host in [*standbys, primary, *(one.host for one in balancers)] if host in due]


def _turn(seen: Seen, the: Round, host: str, primary: str, order: tuple[str, ...], *, begun: bool = False) -> Turn:
    plan = host_plan(seen, Asked(host), "out", primary, begun=begun)
    due = the.due.get(host, Due())
    what = ", ".join(due.lines) or "what an earlier run left"
    words = f"{host} is brought back: {what}" if begun else f"{host}: {what}"
    action = "finish" if begun else "turn"
    return Turn(action, words, host, primary, None, plan.as_dict(), due.packages, order=order)


def plan_turn(seen: Seen, the: Round) -> Turn:
    """See the table at the top."""
    topology = topology_of(seen.nodes)
    bad = without_one_primary(the.runbook, topology)
    if bad is not None or topology.primary is None:
        return _refuse("there is not one primary", *(bad.refusals if bad is not None else ()))
    primary = topology.primary
    ours = [host for host in the.hosts if _note(seen, host).get("reason") == the.runbook]
    if ours:
        return _turn(seen, the, ours[0], primary, (), begun=True)
    due = {host: one for host, one in the.due.items() if one.lines and not _note(seen, host)}
    silent = {host: why for host, why in the.unknown.items() if not _note(seen, host)}
    if silent:
        return _refuse(
            "not every host said what is due there",
            *(Refusal(host, why, "an answer", SITE) for host, why in sorted(silent.items())),
        )
    if not due:
        return Turn("none", "nothing to do: nothing is due on any host in service", primary=primary)
    if seen.blocks:
        return _refuse(f"{', '.join(sorted(due))} would be next", *seen.blocks)
    order = _order(seen, due, primary)
    mine = due.get(primary, Due())
    if mine.lowers and mine.raises:
        names = f"{', '.join(mine.lowers)} lower and {', '.join(mine.raises)} higher"
        expected = "one direction at a time: a standby must not have less than its primary"
        fix = f"postpone one of them in postgresql_settings, {SITE}, then the same command; then the other"
        return _refuse("no order of restarts serves both", Refusal(primary, names, expected, fix))
    if mine.lowers:
        plan = host_plan(seen, Asked(primary), "out", primary)
        words = (
            f"{primary}: restarted in place while the pools hold queries, for {', '.join(mine.lowers)} becomes lower"
        )
        standby = plan.verify_from if plan.verify_from != primary else None
        return Turn("restart_primary", words, primary, primary, standby, plan.as_dict(), (), the.pools, order)
    host = _queue(seen, due, primary)[0]
    if host != primary:
        return _turn(seen, the, host, primary, order)
    if seen.candidate is None:
        why = Refusal(primary, "it is the primary, and no standby can take over", "a streaming standby", SITE)
        return _refuse(f"{primary} would be next", why)
    words = f"{primary}: {', '.join(mine.lines)}; {seen.candidate} becomes primary first"
    return Turn("switchover", words, primary, primary, seen.candidate, order=order)
