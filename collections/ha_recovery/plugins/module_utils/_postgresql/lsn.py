# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write-ahead log positions (LSN): text 'X/Y' as Postgres prints them, integers (bytes) as we compare them.

Source: PostgreSQL manual, "pg_lsn Type": two hexadecimal numbers of up to 8 digits each.
"""

from __future__ import annotations


def parse_lsn(text: str) -> int:
    """Byte position of 'X/Y'. Raises ValueError for anything else, so that a garbled answer is never compared."""
    high, slash, low = text.strip().partition("/")
    if slash != "/" or not 0 < len(high) <= 8 or not 0 < len(low) <= 8:
        raise ValueError(f"not a WAL position: {text!r}")
    try:
        return (int(high, 16) << 32) | int(low, 16)
    except ValueError:
        raise ValueError(f"not a WAL position: {text!r}") from None


def format_lsn(position: int) -> str:
    """The way Postgres prints a byte position: 'X/Y' in upper-case hexadecimal."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def segment_number(name: str, size: int) -> int:
    """Number of the segment that a file name stands for, whatever its timeline."""
    return int(name[8:16], 16) * (0x100000000 // size) + int(name[16:24], 16)


def lsn_or_none(text: str | None) -> int | None:
    """Byte position, or None for an absent one."""
    return None if text is None else parse_lsn(text)


def newest_lsn(*texts: str | None) -> str | None:
    """The highest of some positions; absent ones are passed over. None when there is none."""
    known = [parse_lsn(text) for text in texts if text is not None]
    return format_lsn(max(known)) if known else None


def lsn_distance(ahead: str | None, behind: str | None) -> int | None:
    """Bytes by which ``behind`` trails ``ahead`` (never negative), or None when one of them is unknown."""
    if ahead is None or behind is None:
        return None
    return max(0, parse_lsn(ahead) - parse_lsn(behind))
