# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``pgbackrest verify --output=text --verbose`` found. Pure; imports nothing of the collection.

pgBackRest before 2.56 ends with status 0 whatever verify found, so its words are what counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_STANZA = re.compile(r"^stanza: (\S+)")
_STATUS = re.compile(r"^status: (\w+)")
_ARCHIVE = re.compile(r"^\s*archiveId: (\S+), total WAL checked: (\d+), total valid WAL: (\d+)")
_BACKUP = re.compile(r"^\s*backup: (\S+), status: ([^,]+), total files checked: (\d+), total valid files: (\d+)\s*$")
_COUNT = re.compile(r"(missing|checksum invalid|size invalid|other): (\d+)")
_LOGGED = re.compile(r"\b(?:ERROR|WARN):\s+(?:\[\d+\]:\s+)?(.*)$")


class VerifyError(ValueError):
    """The answer is not what pgBackRest writes."""


@dataclass(frozen=True)
class Checked:
    """One backup set or one archive: how many files were looked at, and what is wrong with some of them."""

    kind: str
    name: str
    status: str
    total: int
    valid: int
    problems: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Every file is as it was written. One that is being taken just now is nobody's to judge."""
        whole = self.status == "valid" and self.total == self.valid and not self.problems
        return whole or self.status == "in-progress"

    @property
    def why(self) -> str:
        """What is wrong with it."""
        return ", ".join(self.problems) or f"{self.status}, {self.valid} of {self.total} files are valid"


@dataclass(frozen=True)
class Verified:
    """Everything that was looked at; ``errors``: what pgBackRest complained about besides."""

    status: str
    checked: tuple[Checked, ...]
    errors: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Nothing is missing, nothing is damaged."""
        return self.status == "ok" and all(one.good for one in self.checked)

    @property
    def damaged(self) -> tuple[str, ...]:
        """Sets and archives that cannot be trusted, with the reason."""
        return tuple(f"{one.kind} {one.name}: {one.why}" for one in self.checked if not one.good)


def _problems(line: str) -> tuple[str, ...]:
    return tuple(f"{count} {what}" for what, count in _COUNT.findall(line) if count != "0")


def parse_verify(text: str) -> Verified:
    """Raises VerifyError when there is no status in it."""
    status = ""
    checked: list[Checked] = []
    errors = []
    for line in text.splitlines():
        logged, state = _LOGGED.search(line), _STATUS.match(line.strip())
        archive, backup = _ARCHIVE.match(line), _BACKUP.match(line)
        if logged:
            errors.append(logged.group(1).strip())
        elif state and not status:
            status = state.group(1)
        elif archive:
            name, total, valid = archive.groups()
            checked.append(Checked("archive", name, "valid", int(total), int(valid), ()))
        elif backup:
            name, state_of, total, valid = backup.groups()
            checked.append(Checked("backup", name, state_of, int(total), int(valid), ()))
        elif checked and _problems(line):
            last = checked.pop()
            checked.append(
                Checked(last.kind, last.name, last.status, last.total, last.valid, last.problems + _problems(line))
            )
    if not status:
        raise VerifyError("pgbackrest verify did not say what it found")
    return Verified(status, tuple(checked), tuple(errors))
