# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record as one self-contained HTML page: no script, nothing fetched, readable on light and on dark ground. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record import facts_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_chart import chart
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_markdown import flat_heads

STYLE = """
:root { color-scheme: light dark; --fore: #1c2024; --back: #fff; --dim: #5c6670; --line: #d8dde2; --ok: #6b8fb3;
  --changed: #2f6fb0; --failed: #c0392b; --skipped: #a8b0b8; --warn: #a05a00; --writes: #4a9b6e; --gap: #c0392b33; }
@media (prefers-color-scheme: dark) { :root { --fore: #e6e9ec; --back: #15181b; --dim: #9aa4ad; --line: #343a40;
  --ok: #55789b; --changed: #5b9bd5; --failed: #e8705f; --skipped: #6b747c; --warn: #e0a050; --writes: #5fb487;
  --gap: #e8705f44; } }
body { margin: 2rem auto; max-width: 66rem; padding: 0 1rem; background: var(--back); color: var(--fore);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin: 1.8rem 0 .5rem }
p.headline { margin-top: 0; color: var(--dim); white-space: pre-line }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere }
th { font-weight: 600; color: var(--dim) } table.facts th { width: 14rem }
.done, .none, .level-ok { color: var(--writes) } .failed, .refused, .level-block { color: var(--failed) }
.level-warn, .level-waived, .started { color: var(--warn) }
ol, ul { padding-left: 1.4rem } pre { white-space: pre-wrap; font: 13px/1.4 ui-monospace, monospace }
svg { width: 100%; height: auto; font-size: 12px } svg text { fill: var(--fore) }
svg .small { fill: var(--dim); font-size: 11px } svg .gapword { fill: var(--failed); font-weight: 600 }
svg .grid { stroke: var(--line) } svg .axis { stroke: var(--dim) } svg .writes { fill: var(--writes) }
svg .gap { fill: var(--gap) } svg .bar.ok { fill: var(--ok) } svg .bar.changed { fill: var(--changed) }
svg .bar.failed { fill: var(--failed) } svg .bar.skipped { fill: var(--skipped) }
svg .inside { fill: var(--back); font-size: 11px }
""".strip()

VERDICT = ("check", "host", "level", "observed", "expected", "fix")


def _cells(values: Iterable[Any], tag: str = "td") -> str:
    return "".join(f"<{tag}>{escape('-' if value in (None, '') else str(value))}</{tag}>" for value in values)


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    return f"<table><thead><tr>{_cells(heads, 'th')}</tr></thead><tbody>{body}</tbody></table>" if body else ""


def _verdicts(verdicts: Sequence[Mapping[str, str]]) -> str:
    if not verdicts:
        return ""
    rows = "".join(
        f'<tr class="level-{escape(one["level"])}">{_cells(one[key] for key in VERDICT)}</tr>' for one in verdicts
    )
    return f"<table><thead><tr>{_cells(VERDICT, 'th')}</tr></thead><tbody>{rows}</tbody></table>"


def _step_rows(record: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            one["name"],
            one["host"],
            "" if one["started_s"] is None else f"{one['started_s']:+.2f} s",
            "" if one["seconds"] is None else f"{one['seconds']:.2f} s",
            ": ".join(part for part in (one["result"], one["detail"]) if part),
        )
        for one in record["steps"]
    ]


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>" if body else ""


def record_html(record: Mapping[str, Any]) -> str:
    """The page."""
    title = f"{record['runbook']} of {record['cluster']}: {record['status']}"
    facts = "".join(f'<tr><th scope="row">{escape(n)}</th><td>{escape(v)}</td></tr>' for n, v in facts_of(record))
    evidence = "".join(
        _section(name.replace("_", " ").capitalize(), _table(heads, [[row[head] for head in heads] for row in rows]))
        for name, rows in sorted(record["evidence"].items())
        if (heads := flat_heads(rows))
    )
    plan = f"<pre>{escape(chr(10).join(record['plan']))}</pre>" if record["plan"] else ""
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>{escape(title)}</title>\n<style>\n{STYLE}\n</style></head>\n<body>",
            f'<h1 class="{escape(record["status"])}">{escape(title)}</h1>',
            f'<p class="headline">{escape(record["headline"])}</p>',
            _section("On the clock", chart(record)),
            f'<section><h2>Facts</h2><table class="facts"><tbody>{facts}</tbody></table></section>',
            _section("What did not work", _list(record["problems"])),
            _section("Verdicts", _verdicts(record["verdicts"])),
            _section("Waivers", _table(("name", "accepts"), [(w["name"], w["accepts"]) for w in record["waivers"]])),
            _section("Steps", _table(("step", "host", "began", "took", "result"), _step_rows(record))),
            _section("Plan", plan),
            evidence,
            "</body></html>\n",
        ]
    )
