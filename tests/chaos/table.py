"""`python -m tests.chaos.table [--since 2026-03-01]`: write the results that were seen into docs/chaos.md.

Only results of artifacts/chaos.json count, failed ones too; an experiment without one has a row without figures.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.chaos.control_node import ROOT
from tests.chaos.experiment import Experiment
from tests.chaos.experiments import ALL
from tests.chaos.results import seen

DOCUMENT = ROOT / "docs" / "chaos.md"
BEGIN, END = "<!-- made by python -m tests.chaos.table -->", "<!-- end -->"
LIST = "<!-- the experiments, made by python -m tests.chaos.table -->"
HEAD = (
    "| experiment | held | no acknowledged write for, s | acknowledged | lost | duplicated | served by two "
    "| old primary alone for, s | last seen, seeds |",
    "|---|---|---|---|---|---|---|---|---|",
)


def spread(values: Sequence[float]) -> str:
    """Minimum / median / maximum; of one value, itself."""
    if not values:
        return "-"
    three = (min(values), statistics.median(values), max(values))
    return f"{three[0]:.2f}" if len(values) == 1 else " / ".join(f"{value:.2f}" for value in three)


def alone(result: dict[str, Any]) -> float:
    """For how long the old primary and another host were both writable."""
    return float(sum(seconds for _one, _other, seconds in result["two_writable"]))


def total(results: Sequence[dict[str, Any]], key: str) -> str:
    """The sum; a result that does not know it shows."""
    values = [result.get(key) for result in results]
    return "not known" if None in values else f"{sum(int(value) for value in values if value is not None)}"


def lost(results: Sequence[dict[str, Any]]) -> str:
    """Orders; and without synchronous replication the bytes, with those that were quoted."""
    losses = [result["loss"] for result in results if result.get("loss")]
    text = total(results, "lost")
    bytes_ = "; ".join(f"{loss['wal_bytes']} of {loss['quoted_bytes']} bytes quoted" for loss in losses)
    return f"{text} ({bytes_})" if bytes_ else text


def row(experiment: Experiment, results: Sequence[dict[str, Any]]) -> str:
    """One experiment, all of its results."""
    if not results:
        return f"| `{experiment.name}` | not seen yet | - | - | - | - | - | - | - |"
    gaps = [float(one["write_gap_s"]) for one in results if one["write_gap_s"] is not None]
    seeds = ", ".join(str(seed) for seed in sorted({one["seed"] for one in results}))
    cells = [
        f"`{experiment.name}`",
        f"{sum(one['ok'] for one in results)} of {len(results)}",
        spread(gaps),
        total(results, "acknowledged"),
        lost(results),
        total(results, "duplicated"),
        f"{sum(bool(one['served_by_two']) for one in results)}",
        spread([alone(one) for one in results]) if experiment.alone else "-",
        f"{max(one['date'] for one in results)[:10]}, seed {seeds}",
    ]
    return f"| {' | '.join(cells)} |"


def table(results: Sequence[dict[str, Any]]) -> str:
    """The whole table, and below it what did not hold."""
    lines = [*HEAD]
    for experiment in ALL:
        lines.append(row(experiment, [one for one in results if one["name"] == experiment.name]))
    wrong = [f"- `{one['name']}`, seed {one['seed']}: {'; '.join(one['wrong'])}" for one in results if not one["ok"]]
    return "\n".join([*lines, *(["", "What did not hold:", "", *wrong] if wrong else [])])


def described() -> str:
    """What each experiment does."""
    lines = ["| experiment | what happens | what a person does |", "|---|---|---|"]
    for one in ALL:
        star = " \\*" if one.telling else ""
        lines.append(f"| `{one.name}`{star} | {one.happens} | {one.operator} |")
    return "\n".join([*lines, "", "\\* part of `pytest tests/chaos --telling`"])


def put(document: str, begin: str, made: str) -> str:
    """The document with a table between its marks."""
    before, _begin, rest = document.partition(begin)
    _old, _end, after = rest.partition(END)
    return f"{before}{begin}\n{made}\n{END}{after}"


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--since", default="", help="only results from this moment on (UTC, 2026-03-01T03:12)")
    parser.add_argument("--results", type=Path, default=ROOT / "artifacts" / "chaos.json")
    arguments = parser.parse_args()
    results = [one for one in seen(arguments.results) if one["date"] >= arguments.since]
    document = put(DOCUMENT.read_text(), LIST, described())
    DOCUMENT.write_text(put(document, BEGIN, table(results)))


if __name__ == "__main__":
    main()
