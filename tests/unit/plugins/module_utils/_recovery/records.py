"""Sample records: every kind of end, from hand-made parts and from a failover's plan."""

from __future__ import annotations

from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record import build_record
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_failover import failover_parts
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_writes import writes_of

from tests.unit.plugins.module_utils._recovery.test_proof import FAILED, GOOD, PLAN

BEGAN, ENDED = "2026-03-01T03:12:09.250Z", "2026-03-01T03:12:13.250Z"
EPOCH = 1772334729.25  # BEGAN
WHO = {"cluster": "orders", "who": "anna", "control_host": "ops1", "started_at": BEGAN, "ended_at": ENDED}
EVIL = '<script>alert("1 & 2")</script> | `x`'


def journal(*acks: float, wall: float = EPOCH - 10) -> list[str]:
    """A load's journal with acknowledgements at these seconds since BEGAN."""
    lines = [f'{{"e":"run","version":1,"run":"r","wall":{wall}}}']
    for ack in acks:
        lines += ['{"e":"intent","m":0,"id":"a","w":0,"s":1}', f'{{"e":"ack","m":{ack + EPOCH - wall:.6f},"id":"a"}}']
    return lines


def writes(*acks: float) -> dict[str, Any]:
    """``writes`` of a record with these acknowledgements."""
    return writes_of(journal(*acks), source="drill.jsonl", began=EPOCH, ended=EPOCH + 4)


def switchover(**changes: Any) -> dict[str, Any]:
    """A whole record with everything in it."""
    parts: dict[str, Any] = {
        "headline": "pg2 becomes primary in place of pg1",
        "evidence": {"candidates": [{"host": "pg2", "eligible": True, "lag_bytes": 0}], "observed": {"deep": []}},
        "verdicts": [
            {"check": "clock", "host": "pg3", "level": "warn", "observed": "0.8 s", "expected": "0.5 s", "fix": "x"},
            {"check": "base_backup", "host": "pg1", "level": "waived", "observed": "runs"},
        ],
        "waivers": [{"name": "base_backup", "accepts": "a running base backup is lost"}],
        "plan": ["stop pg1", "promote pg2"],
        "steps": [
            {"name": "preflight", "started_s": 0.0, "seconds": 1.5, "result": "ok"},
            {"name": "stop", "host": "pg1", "started_at": "2026-03-01T03:12:10.750Z", "seconds": 0.1, "changed": True},
            {"name": "promote", "host": "pg2", "started_at": "2026-03-01T03:12:11Z", "seconds": 0.05, "result": "ok"},
            {"name": "follow", "host": "pg1", "seconds": 1.1, "changed": True},
        ],
        "old_primary": "pg1", "new_primary": "pg2", "timeline_before": 1, "timeline_after": 2,
        "lsn": {"shutdown": "0/5000028", "promoted": "0/50000A0"}, "possible_loss_bytes": 0,
        "verified": {"address": "192.0.2.100", "seconds": 0.02, "server_address": "192.0.2.22", "timeline": 2},
        "next": "nothing",
    }  # fmt: skip
    options: dict[str, Any] = {"runbook": "switchover", "status": "done", **WHO}
    for name in [*options, "writes"]:
        if name in changes:
            options[name] = changes.pop(name)
    return build_record(parts | changes, **options)


def failover(status: str, **plan: Any) -> dict[str, Any]:
    """A failover's record."""
    answers = {"done": GOOD, "failed": GOOD | {"pg2": {"promote": FAILED}, "pg3": {}}}.get(status, {})
    problems = ["no answer within 2 s"] if status == "failed" else []
    made = failover_parts(PLAN | plan, answers, {"nodes": []}, status=status, address="192.0.2.100", problems=problems)
    return build_record(made, runbook="failover", status=status, **WHO)


REFUSAL = {"host": "pg1", "observed": "alive", "expected": "dead", "next": "go home", "waiver": ""}
SAMPLES: dict[str, dict[str, Any]] = {
    "nothing but who and when": build_record({}, runbook="lb_failover", status="started", **WHO),
    "nothing to do": build_record({"headline": "nothing to do"}, runbook="failover", status="none", **WHO),
    "switchover": switchover(),
    "switchover under a load": switchover(writes=writes(-3, -2, -1, 0.5, 2.0, 3, 4, 5)),
    "writes never came back": switchover(status="failed", problems=["no write"], writes=writes(-1, 0.5)),
    "an outage that began long before": switchover(writes=writes(-600, -500, 2.0, 3.9)),
    "a load without any write": switchover(writes=writes()),
    "markup in everything": switchover(
        headline=EVIL, cluster=EVIL, who=EVIL, problems=[EVIL], plan=[EVIL], next=EVIL, evidence={EVIL: [{EVIL: EVIL}]},
        steps=[{"name": EVIL, "host": EVIL, "started_s": 1, "seconds": 1, "result": "failed", "detail": EVIL}],
        waivers=[{"name": EVIL, "accepts": EVIL}], verdicts=[{"check": EVIL, "observed": EVIL, "fix": EVIL}],
    ),
    "failover begun": failover("started"),
    "failover done": failover("done"),
    "failover failed": failover("failed"),
    "failover refused": failover("refused", action="refuse", refusals=[REFUSAL]),
}  # fmt: skip
