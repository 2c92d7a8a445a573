# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures for Prometheus's textfile collector. Pure; imports of the collection only what lies beside it on the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Row = tuple[str, Mapping[str, str], float]

HELP = {
    "pgbackrest_up": "1 when the repository could be read.",
    "pgbackrest_backup_age_seconds": "Seconds since the newest backup ended.",
    "pgbackrest_backup_stale": "1 when a repository has no backup within the allowed time.",
    "pgbackrest_repository_up": "1 when this repository could be read and knows the cluster.",
    "pgbackrest_repository_backup_age_seconds": "Seconds since the newest backup in this repository ended.",
    "pgbackrest_backups": "Backups in the repository.",
    "pgbackrest_last_backup_bytes": "Size of the newest backup in the repository.",
    "pgbackrest_verify_good": "1 when the last check of every file found nothing missing or damaged.",
    "pgbackrest_verify_time_seconds": "When that check ended.",
    "pgbackrest_drill_stale": "1 when the last good restore drill is older than allowed.",
    "pgbackrest_drill_good": "1 when the last restore drill found nothing wrong.",
    "pgbackrest_drill_time_seconds": "When that drill ended.",
    "pgbackrest_drill_last_good_time_seconds": "When the last good restore drill ended.",
    "pgbackrest_drill_rto_seconds": "Seconds from nothing to a server that takes queries, in the last good drill.",
    "pgbackrest_drill_commit_age_seconds": "Age of the last commit that came back, at the beginning of that drill.",
    "pgbackrest_drill_archive_age_seconds": "Age of the newest archived segment, at the beginning of that drill.",
    "pgbackrest_drill_restore_bytes_per_second": "How fast that drill copied the backup.",
}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def render(rows: Sequence[Row]) -> str:
    """Text in the exposition format, in the order of :data:`HELP`."""
    lines = []
    for name, told in HELP.items():
        found = [row for row in rows if row[0] == name]
        if found:
            lines += [f"# HELP {name} {told}", f"# TYPE {name} gauge"]
        for _name, labels, value in found:
            inside = ",".join(f'{key}="{_escaped(labels[key])}"' for key in sorted(labels))
            lines.append(f"{name}{{{inside}}} {value:.15g}")
    return "".join(f"{line}\n" for line in lines)
