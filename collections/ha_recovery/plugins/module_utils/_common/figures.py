# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read back the figures that jobs leave for Prometheus (see textfile.py). Pure."""

from __future__ import annotations

import re

_LINE = re.compile(r"^(?P<name>[a-z_]+)\{(?P<labels>.*)\} (?P<value>\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def by_label(text: str, label: str, prefix: str) -> dict[str, dict[str, float]]:
    """Value of the label to {name without prefix: figure}. Lines of other shapes are none of ours."""
    found: dict[str, dict[str, float]] = {}
    for line in text.splitlines():
        one = _LINE.fullmatch(line)
        labels = dict(_LABEL.findall(one["labels"])) if one else {}
        if one is None or label not in labels or not one["name"].startswith(prefix):
            continue
        try:
            value = float(one["value"])
        except ValueError:
            continue
        named = re.sub(r"\\(.)", r"\1", labels[label])
        found.setdefault(named, {})[one["name"].removeprefix(prefix)] = value
    return found
