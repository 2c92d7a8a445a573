# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit: what the client was promised against what the database holds. Pure: sets of ids in, a verdict out."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

IDS_SHOWN = 100
"""At most this many ids of each kind are spelled out in a report; the counts are always complete."""


@dataclass(frozen=True)
class AuditResult:
    """The verdict, as sets of order ids.

    lost: acknowledged, but absent. duplicated: more than one row. in_doubt_committed / in_doubt_absent: what became of
    the orders whose COMMIT got no answer; both are legitimate. failed_committed: stored although COMMIT was never
    sent. unexpected: rows of this run that the journal does not know.
    """

    lost: frozenset[str]
    duplicated: frozenset[str]
    in_doubt_committed: frozenset[str]
    in_doubt_absent: frozenset[str]
    failed_committed: frozenset[str]
    unexpected: frozenset[str]

    @property
    def clean(self) -> bool:
        """Nothing lost and nothing duplicated."""
        return not self.lost and not self.duplicated

    def as_dict(self) -> dict[str, object]:
        """The counts, ``clean``, and up to 100 ids of each kind that needs an explanation (``lost_ids``, …)."""
        kinds = ("lost", "duplicated", "in_doubt_committed", "in_doubt_absent", "failed_committed", "unexpected")
        result: dict[str, object] = {"clean": self.clean}
        result.update({kind: len(getattr(self, kind)) for kind in kinds})
        for kind in ("lost", "duplicated", "failed_committed", "unexpected"):
            result[f"{kind}_ids"] = sorted(getattr(self, kind))[:IDS_SHOWN]
        return result


def audit_orders(
    *, acknowledged: Set[str], in_doubt: Set[str], failed: Set[str], stored: Mapping[str, int]
) -> AuditResult:
    """Compare what the journal knows with ``stored``: how many rows each order id of the run has.

    ``stored`` must have been read *after* the three sets, or orders acknowledged in between would look lost.
    """
    present = stored.keys()
    return AuditResult(
        lost=frozenset(acknowledged - present),
        duplicated=frozenset(order for order, rows in stored.items() if rows > 1),
        in_doubt_committed=frozenset(in_doubt & present),
        in_doubt_absent=frozenset(in_doubt - present),
        failed_committed=frozenset(failed & present),
        unexpected=frozenset(present - acknowledged - in_doubt - failed),
    )
