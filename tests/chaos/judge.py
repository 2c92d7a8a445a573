"""Was it right? Pure: what was seen goes in, a list of what was wrong comes out. Nothing wrong is an empty list.

Two laws are told apart on purpose. *Two nodes writable at once*, seen by asking every node itself each 50 ms, past
every proxy. And *two nodes that served clients of the virtual IP*, seen by the clients: each acknowledged order carries
the address of the server that acknowledged it. An old primary that nobody can reach, to stop it, stays writable for
itself; an experiment says so where that is so. No experiment may say so of the second law.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.experiment import Experiment, Type
from tests.chaos.sampler import Samples, overlaps

# The orders of a storm come every few milliseconds: without any for this long at its end, writes never came back.
SERVED_S = 5.0


@dataclass(frozen=True)
class Run:
    """What a command came to: done, refused or failed; what it showed; the record that it wrote."""

    runbook: str
    ended: str
    seconds: float
    words: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Loss:
    """Without synchronous replication: what was quoted before the failover acted, and what was lost then.

    ``wal_bytes``: what the old primary had written beyond the fork, read from its disk. ``quoted_since``, ``first``:
    seconds since 1970; the last commit that the candidate had, and when the first lost order had been acknowledged.
    """

    quoted_bytes: int | None
    wal_bytes: int | None
    quoted_since: float | None
    first: float | None


@dataclass(frozen=True)
class Evidence:
    """Everything that was seen of one experiment."""

    roles: Mapping[str, str]
    runs: Sequence[tuple[Type, Run]]
    storm: Mapping[str, Any]
    acked_by: Mapping[str, Sequence[float]]
    samples: Sequence[Samples]
    status: Mapping[str, Any]
    rival: Mapping[str, Any] | None = None
    rival_acked_late: int = 0
    loss: Loss | None = None
    broke_off: str = ""


def served_by_two(acked_by: Mapping[str, Sequence[float]]) -> list[tuple[str, str, float]]:
    """Pairs of servers that acknowledged orders of the same storm in the same stretch of time, and for how long."""
    return overlaps([Samples(server, [(at, True) for at in acks]) for server, acks in acked_by.items()])


def judge_runs(runs: Sequence[tuple[Type, Run]], roles: Mapping[str, str]) -> list[str]:
    """Each command ended as it may, and said what it must say."""
    wrong = []
    for typed, run in runs:
        if run.ended not in typed.ends:
            why = "; ".join(run.record.get("problems") or run.words.splitlines()[-3:])
            wrong.append(
                f"{run.runbook}: {run.ended}, expected {' or '.join(typed.ends)}" + (f" ({why})" if why else "")
            )
        for words in typed.says:
            wanted = words.format_map(roles)
            if wanted not in run.words:
                wrong.append(f"{run.runbook}: does not say {wanted!r}")
    return wrong


def judge_writable(experiment: Experiment, evidence: Evidence) -> list[str]:
    """Never two writable nodes; where an old primary may be alone with itself, only with it."""
    wrong = [
        f"{server} and {other} both served clients of the virtual IP for {seconds} s"
        for server, other, seconds in served_by_two(evidence.acked_by)
    ]
    old = evidence.roles.get("primary")
    for host, other, seconds in overlaps(evidence.samples):
        if not (experiment.alone and old in (host, other)):
            wrong.append(f"{host} and {other} were both writable for {seconds} s")
    wrong += [f"{one.host} was never sampled" for one in evidence.samples if not one.answers]
    return wrong


def judge_orders(experiment: Experiment, evidence: Evidence) -> list[str]:
    """Nothing acknowledged is lost with synchronous replication, nothing is duplicated, and writes came back."""
    wrong = _orders("", evidence.storm, lossless=experiment.mode == "sync")
    if evidence.rival is not None:
        wrong += _orders("rival: ", evidence.rival, lossless=experiment.mode == "sync", ends_served=False)
        if evidence.rival_acked_late:
            late = evidence.rival_acked_late
            wrong.append(f"rival: {late} orders acknowledged by the old primary after another was promoted")
    return wrong


def _orders(who: str, report: Mapping[str, Any], *, lossless: bool, ends_served: bool = True) -> list[str]:
    audit = report.get("audit")
    if not audit:
        return [f"{who}the orders were not audited"]
    wrong = []
    if not report["acknowledged"]:
        wrong.append(f"{who}no order was acknowledged at all")
    if lossless and audit["lost"]:
        wrong.append(f"{who}{audit['lost']} acknowledged orders lost")
    for key in ("duplicated", "failed_committed", "unexpected"):
        if audit[key]:
            wrong.append(f"{who}{audit[key]} orders {key.replace('_', ', but ')}")
    trailing = report["trailing_gap_s"]
    if ends_served and (trailing is None or trailing > SERVED_S):
        wrong.append(f"{who}no write acknowledged in the last {trailing} s")
    return wrong


def judge_loss(experiment: Experiment, evidence: Evidence) -> list[str]:
    """Without synchronous replication no more is lost than was quoted: in bytes, and in time."""
    if experiment.mode == "sync":
        return []
    loss = evidence.loss
    if loss is None or loss.quoted_bytes is None or loss.wal_bytes is None:
        return ["the loss was not quoted, or not measured"]
    wrong = []
    if loss.wal_bytes > loss.quoted_bytes:
        wrong.append(f"{loss.wal_bytes} bytes of WAL lost, {loss.quoted_bytes} quoted")
    if loss.first is not None and (loss.quoted_since is None or loss.first < loss.quoted_since):
        wrong.append("orders lost that had been acknowledged before the time that was quoted")
    return wrong


def judge_end(evidence: Evidence) -> list[str]:
    """The estate is healthy again, and no pool is left paused."""
    status = evidence.status
    wrong = []
    if status.get("verdict") != "green":
        reasons = "; ".join(
            f"{one.get('host')}: {one.get('observed', one)}"
            for one in status.get("reasons", [])
            if isinstance(one, dict)
        )
        wrong.append(f"at the end the estate is {status.get('verdict')}: {reasons}")
    wrong += [
        f"{host['host']}: a pool is left paused"
        for host in status.get("hosts", [])
        if "paused" in str(host.get("detail", ""))
    ]
    return wrong


def judge(experiment: Experiment, evidence: Evidence) -> list[str]:
    """Everything that was wrong."""
    wrong = [f"broke off: {evidence.broke_off}"] if evidence.broke_off else []
    wrong += judge_runs(evidence.runs, evidence.roles)
    wrong += judge_writable(experiment, evidence)
    wrong += judge_orders(experiment, evidence)
    wrong += judge_loss(experiment, evidence)
    return wrong + judge_end(evidence)
