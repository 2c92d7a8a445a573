# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pg_controldata says of a cluster that does not run.

Source: pg_controldata(1) and src/bin/pg_controldata/pg_controldata.c; the C locale fixes the labels.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# Cluster states that a primary leaves behind; the others are a standby's (src/include/catalog/pg_control.h, DBState).
PRIMARY_STATES = frozenset({"shut down", "shutting down", "in crash recovery", "in production"})


@dataclass(frozen=True)
class ControlData:
    """The fields that decisions need. LSNs are 'X/Y'; ``timeline`` is the newest one the control file knows."""

    system_identifier: str
    state: str
    timeline: int
    checkpoint_lsn: str
    redo_lsn: str
    min_recovery_lsn: str | None
    data_checksums: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain data for a module's answer."""
        return asdict(self)


def parse_controldata(text: str) -> ControlData | None:
    """Read pg_controldata's output; None when it is not one (a damaged control file, another program)."""
    fields = {}
    for line in text.splitlines():
        label, colon, value = line.partition(":")
        if colon:
            fields[label.strip()] = value.strip()
    try:
        minimum = fields.get("Minimum recovery ending location", "0/0")
        return ControlData(
            system_identifier=str(int(fields["Database system identifier"])),
            state=fields["Database cluster state"],
            timeline=max(
                int(fields["Latest checkpoint's TimeLineID"]),
                int(fields.get("Min recovery ending loc's timeline", "0")),
            ),
            checkpoint_lsn=fields["Latest checkpoint location"],
            redo_lsn=fields["Latest checkpoint's REDO location"],
            min_recovery_lsn=None if minimum in {"0/0", "0/00000000"} else minimum,
            data_checksums=fields.get("Data page checksum version", "0") != "0",
        )
    except (KeyError, ValueError):
        return None
