# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks on every host: facts could be had, rights, service, clock, certificates."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.topology import SITE

from .check import BLOCK, BLOCK_PLANNED, PLANNED, WARN, Check, Finding, fine, levels, unknown
from .facts import HostFacts
from .look import PURPOSES, Look

_DAY = 86400.0


def _hosts(look: Look) -> Iterator[tuple[str, HostFacts | None]]:
    """Every host that answered at all, with its facts if it gave any."""
    for node in look.nodes:
        if node.reachable:
            yield node.host, look.facts.get(node.host)
    for one in look.balancers:
        if one.reachable:
            yield one.host, look.balancer_facts.get(one.host)


def facts(look: Look) -> Iterator[Finding]:
    """What the other checks look at could be had; where it could not, they have nothing to say, and this one does."""
    for host, found in _hosts(look):
        level = BLOCK if look.matters(host) else WARN
        node = look.node(host)
        running = node is not None and (node.is_primary or node.is_standby)
        if found is None:
            why = look.errors.get(host) or "it was not asked"
            observed = f"gave no facts: {why}"
            yield Finding(host, level, observed, "an answer", "see why, then run preflight again")
        elif running and look.asked(host) is None:
            why = look.facts[host].sql_error or "no answer"
            observed = f"Postgres did not answer preflight's question: {why}"
            yield Finding(host, level, observed, "an answer", f"look at the log of Postgres on {host}")
        else:
            yield fine(host, "answered")


def privilege(look: Look) -> Iterator[Finding]:
    """root on every host, and the user postgres on database hosts."""
    for host, found in _hosts(look):
        if found is None:
            continue
        database = look.node(host) is not None and look.node(host).role != "absent"  # type: ignore[union-attr]
        if not found.root:
            observed = "we are not root there"
            yield Finding(host, BLOCK, observed, "root, by sudo without a question", f"put sudo right on {host}")
        elif database and found.user is not True:
            observed = f"cannot become postgres: {found.privilege_error or 'not tried'}"
            yield Finding(host, BLOCK, observed, "root may become postgres", f"setpriv --reuid=postgres id on {host}")
        else:
            yield fine(host, "root" + (", postgres" if database else ""))


def service_masked(look: Look) -> Iterator[Finding]:
    """A server that runs and whose unit is masked does not come back from a restart."""
    for node in look.nodes:
        if not (node.is_primary or node.is_standby):
            continue
        if node.masked:
            level = BLOCK if node.is_primary else WARN
            fix = f"systemctl unmask postgresql@*-main on {node.host}, once you know who masked it and why"
            yield Finding(node.host, level, "Postgres runs, but its unit is masked", "not masked", fix)
        else:
            yield fine(node.host, "its unit is not masked")


def clock_skew(look: Look) -> Iterator[Finding]:
    """Against the control node's clock, as exactly as the question's travelling time allows."""
    limits = look.limits
    for host, found in _hosts(look):
        if found is None:
            continue
        if found.skew is None:
            yield unknown(host, "how far its clock is off")
            continue
        off, give = found.skew.ahead_s, found.skew.uncertain_s
        observed = (
            f"{abs(off):.2f} s {'ahead of' if off >= 0 else 'behind'} the control node, give or take {give:.2f} s"
        )
        surely = max(0.0, abs(off) - give)
        fix = f"timedatectl on {host} and on the control node: which of them is not synchronised?"
        expected = f"at most {limits.clock_warn_seconds:g} s"
        if surely > limits.clock_block_seconds:
            yield Finding(host, BLOCK, observed, expected, fix)
        elif surely > limits.clock_warn_seconds:
            yield Finding(host, WARN, observed, expected, fix)
        elif abs(off) + give > limits.clock_block_seconds:
            yield Finding(host, WARN, f"{observed}: too slow an answer to tell", expected, "run preflight again")
        else:
            yield fine(host, observed)


def certificate(look: Look) -> Iterator[Finding]:
    """Connections to a server with an expired certificate are refused by everybody who verifies it."""
    limits = look.limits
    for host, found in _hosts(look):
        if found is None or (look.node(host) is not None and look.node(host).role == "absent"):  # type: ignore[union-attr]
            continue
        left = []
        for one in found.certificates:
            if one.expires_at is None:
                yield unknown(host, f"when {one.path} expires ({one.error or 'no answer'})")
                continue
            days = (one.expires_at - look.now) / _DAY
            if days <= 0:
                observed = f"{one.path} expired {-days:.0f} days ago"
                yield Finding(host, BLOCK, observed, f"{limits.certificate_warn_days:g} days left", f"{SITE} renews it")
            elif days < limits.certificate_warn_days:
                observed = f"{one.path} expires in {days:.0f} days"
                yield Finding(host, WARN, observed, f"{limits.certificate_warn_days:g} days left", f"{SITE} renews it")
            else:
                left.append(days)
        if left:
            yield fine(host, f"certificates last {min(left):.0f} days and more")
        elif not found.certificates and look.node(host) is None:
            yield fine(host, "has no certificate of its own")
        elif not found.certificates:
            yield unknown(host, "when its certificates expire")


CHECKS = (
    Check("facts", facts, levels(block=PLANNED, warn=("lb_failover", "failover")), "What is not known is not fine."),
    Check(
        "privilege",
        privilege,
        levels(block=PURPOSES),
        "A change that loses its rights half-way leaves the estate half-way.",
    ),
    Check(
        "service_masked",
        service_masked,
        BLOCK_PLANNED,
        "The demoted primary is started again, and would not start.",
        "the server does not start again until its unit is unmasked",
    ),
    Check(
        "clock_skew",
        clock_skew,
        levels(block=PLANNED, warn=("lb_failover", "failover")),
        "Records, lag in seconds and recovery to a point in time all rest on the clocks.",
        "times in records and logs do not fit together",
    ),
    Check(
        "certificate",
        certificate,
        BLOCK_PLANNED | levels(block=("lb_failover",)),
        "A standby and a client that verify the certificate are refused once it has expired.",
        "whoever verifies that certificate is refused",
    ),
)
