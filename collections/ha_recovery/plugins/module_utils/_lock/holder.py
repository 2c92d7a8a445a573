# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a cluster, and what somebody else is told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

LOCK_FILE = "/run/ha_recovery/runbook.lock"
# An agent that hears nothing from its control node lets go within so many seconds (`_session.agent`).
SILENCE_S = 10


@dataclass(frozen=True)
class Holder:
    """One run of a runbook. ``pid`` and ``began`` name its ansible-playbook on ``control_host`` beyond doubt."""

    cluster: str
    runbook: str
    who: str
    control_host: str
    pid: int
    began: str
    since: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def is_run(self, other: Holder) -> bool:
        """Whether both are the same run."""
        return (self.control_host, self.pid, self.began) == (other.control_host, other.pid, other.began)


def holder_from(raw: Mapping[str, Any] | None) -> Holder | None:
    """As a host told it; None when it could not tell."""
    if not raw:
        return None
    try:
        given = {one.name: raw[one.name] for one in fields(Holder)}
        return Holder(**{**given, "pid": int(given["pid"])})
    except (KeyError, TypeError, ValueError):
        return None


def held_by(holder: Holder | None) -> str:
    """The holder in words."""
    if holder is None:
        return "by a runbook that has not said yet who it is"
    return (
        f"by {holder.runbook} of cluster {holder.cluster}, begun by {holder.who} on {holder.control_host} "
        f"(process {holder.pid}) at {holder.since}"
    )


def refusal(host: str, holder: Holder | None) -> str:
    """What the second runbook says."""
    where = "" if holder is None else f"ps -p {holder.pid} on {holder.control_host} shows it; "
    return (
        f"refused: {host} is held {held_by(holder)}; expected no other runbook under way. Nothing was done.\n"
        f"Next: {where}when it has ended, run the same command again. "
        f"The lock of a run that died ends by itself, within {SILENCE_S} s at the latest"
    )


def nobody_reached(why: Mapping[str, str]) -> str:
    """Without any host nothing keeps a second runbook away."""
    lines = [f"  {host}: {reason}" for host, reason in sorted(why.items())]
    return "\n".join(
        [
            "refused: no host could be asked for the runbook lock; expected one at least. Nothing was done.",
            *lines,
            "Next: ansible-playbook playbooks/status.yml",
        ]
    )


def order(hosts: Iterable[str]) -> list[str]:
    """In which order every run asks for the hosts' locks, one after another.

    With one order for all, two runs that begin at once never turn each other away: whoever is refused meets a run that
    has passed every host before that one.
    """
    return sorted(set(hosts))
