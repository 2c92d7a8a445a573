# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a journal back into what happened. Tolerates the torn last line of a storm that died in the middle of a
write."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from .journal import VERSION, JournalError
from .model import STOPPED


class Fate(Enum):
    """What the client knows about an order it meant to send."""

    ACKNOWLEDGED = "acknowledged"  # the server answered COMMIT
    IN_DOUBT = "in_doubt"  # COMMIT may have reached the server, no answer did
    FAILED = "failed"  # failed before COMMIT was sent: must not be in the database


@dataclass
class History:
    """One run as its journal tells it. ``acks`` and all ``_m`` values are seconds since the run began."""

    run: str
    table: str
    target: str
    writers: int
    think_time: float
    wall: float
    fates: dict[str, Fate] = field(default_factory=dict)
    acks: list[float] = field(default_factory=list)
    acked_at: dict[str, float] = field(default_factory=dict)
    acked_by: dict[str, list[float]] = field(default_factory=dict)  # address of a server: when it acknowledged
    errors: Counter[str] = field(default_factory=Counter)
    errors_by_phase: Counter[str] = field(default_factory=Counter)
    samples: dict[str, str] = field(default_factory=dict)
    abandoned: int = 0
    last_m: float = 0.0
    stopped_m: float | None = None
    end_reason: str | None = None
    torn: bool = False

    def ids(self, fate: Fate) -> frozenset[str]:
        return frozenset(order for order, its in self.fates.items() if its is fate)


def read_journal(path: Path) -> History:
    """Read the journal at ``path``. Raises :class:`JournalError` when it is missing, corrupt or not a journal."""
    try:
        with path.open("rb") as lines:
            return parse(lines, str(path))
    except OSError as error:
        raise JournalError(f"journal {path} cannot be read: {error.strerror}") from error


def parse(lines: Iterable[bytes], name: str = "journal") -> History:
    """The history in ``lines`` (each with its newline). A last line without one is torn and does not count, even if it
    happens to be whole JSON: to take an acknowledgement for missing is safe, to take a torn one for true is not."""
    history: History | None = None
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            if history is not None:
                history.torn = True
            break
        try:
            record = json.loads(line)
            if history is None:
                history = _begin(record)
            else:
                _apply(history, record)
        except (ValueError, KeyError, TypeError) as error:
            raise JournalError(f"{name} line {number} is not a storm record ({error}); the file is damaged") from error
    if history is None:
        raise JournalError(f"{name} holds no storm: its first line is missing or torn")
    for moments in (history.acks, *history.acked_by.values()):
        moments.sort()  # writers note their acknowledgements in almost, not exactly, the order in which they came
    return history


def _begin(record: Any) -> History:
    if record["e"] != "run" or record["version"] != VERSION:
        raise ValueError(f"the first line must be a run record of version {VERSION}")
    keys = ("run", "table", "target", "writers", "think_time", "wall")
    return History(**{key: record[key] for key in keys})


def _apply(history: History, record: Any) -> None:
    event, moment = record["e"], float(record["m"])
    history.last_m = max(history.last_m, moment)
    if event == "intent":
        # From here until told otherwise the order is in doubt: the storm may have died right after sending it.
        if history.fates.get(record["id"]) in (None, Fate.FAILED):
            history.fates[record["id"]] = Fate.IN_DOUBT
    elif event == "ack":
        history.fates[record["id"]] = Fate.ACKNOWLEDGED
        history.acks.append(moment)
        history.acked_at[record["id"]] = moment
        history.acked_by.setdefault(str(record.get("by", "")), []).append(moment)
    elif event == "error":
        _apply_error(history, record)
    elif event == "end":
        history.stopped_m, history.end_reason = float(record["stopped"]), str(record["reason"])
    else:
        raise ValueError(f"unknown event {event!r}")


def _apply_error(history: History, record: Any) -> None:
    error_class = str(record["class"])
    if "id" in record and not record["in_doubt"]:
        history.fates[record["id"]] = Fate.FAILED
    if error_class == STOPPED:
        history.abandoned += 1  # the storm's own doing, not an error that a client would have seen
        return
    history.errors[error_class] += 1
    history.errors_by_phase[str(record["phase"])] += 1
    history.samples.setdefault(error_class, str(record["message"]))
