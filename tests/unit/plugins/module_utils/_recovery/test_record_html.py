"""The page and its picture."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_chart import (
    LABELS,
    RIGHT,
    WIDTH,
    Scale,
    chart,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.record_html import record_html

from tests.unit.plugins.module_utils._recovery.records import EVIL, SAMPLES, switchover


class Page(HTMLParser):
    """Tags, attributes and text of a page; remembers what was opened and not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it; nothing is open."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        """It must close what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the words."""
        self.words.append(data)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_page_is_whole_and_stands_alone(name: str) -> None:
    """Nothing is fetched, nothing runs, every tag is closed."""
    text = record_html(SAMPLES[name])
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object", "use", "image", "a"} & set(page.tags)
    assert not [
        pair for pair in page.attributes if pair[0] in {"src", "href", "xlink:href"} or pair[0].startswith("on")
    ]
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style and "@import" not in style and "prefers-color-scheme: dark" in style


def test_what_a_host_said_is_text() -> None:
    """Everywhere: eleven places of this record hold it."""
    page = Page(record_html(SAMPLES["markup in everything"]))
    assert sum(EVIL in words for words in page.words) >= 11


def test_bars_only_where_begin_and_duration_are_known() -> None:
    """Of four steps one has no begin; it stays in the table."""
    record = switchover()
    picture = ElementTree.fromstring(chart(record))  # noqa: S314
    bars = [one for one in picture.iter("rect") if one.get("class", "").startswith("bar")]
    assert [one.findtext("title") for one in bars] == [
        "preflight, 1.50 s, ok", "pg1: stop, 0.10 s, changed", "pg2: promote, 0.05 s, ok",
    ]  # fmt: skip
    places = [(float(one.get("x", 0)), float(one.get("width", 0))) for one in bars]
    width = WIDTH - LABELS - RIGHT
    assert places[0] == (LABELS, pytest.approx(width * 1.5 / 4, abs=0.2))
    assert places[1] == (pytest.approx(LABELS + width * 1.5 / 4, abs=0.2), pytest.approx(width * 0.1 / 4, abs=0.2))
    assert "<td>follow</td>" in record_html(record)


@pytest.mark.parametrize(
    ("name", "gap"),
    [
        ("switchover under a load", ["no write for 1.50 s"]),
        ("writes never came back", ["no write for 3.50 s, not back yet"]),
        ("a load without any write", []),
        ("switchover", []),
    ],
)
def test_the_write_gap_is_marked(name: str, gap: list[str]) -> None:
    """Where writes are drawn at all."""
    picture = ElementTree.fromstring(chart(SAMPLES[name]))  # noqa: S314
    assert [one.findtext("title") for one in picture.iter("rect") if one.get("class") == "gap"] == gap
    assert [one.text for one in picture.iter("text") if one.get("class") == "gapword"] == gap


def test_nothing_known_nothing_drawn() -> None:
    """A refusal has no picture."""
    assert chart(SAMPLES["failover refused"]) == ""
    assert "On the clock" not in record_html(SAMPLES["failover refused"])


@pytest.mark.parametrize("name", [name for name, record in SAMPLES.items() if chart(record)])
def test_nothing_is_drawn_outside(name: str) -> None:
    """Every number of the picture lies within it."""
    picture = ElementTree.fromstring(chart(SAMPLES[name]))  # noqa: S314
    for one in picture.iter():
        places = [float(one.get(key, 0)) for key in ("x", "x1", "x2")]
        places += [float(one.get("x", 0)) + float(one.get("width", 0))] if one.tag == "rect" else []
        places += [float(x) for x in re.findall(r"[MH](-?[\d.]+)", one.get("d", ""))]
        assert all(0 <= place <= WIDTH for place in places), ElementTree.tostring(one)


@pytest.mark.parametrize(
    ("first", "last", "ticks"),
    [
        (0, 4, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]),
        (-2.5, 6, [-2, -1, 0, 1, 2, 3, 4, 5, 6]),
        (0, 1000, [0, 120, 240, 360, 480, 600, 720, 840, 960]),
    ],
)
def test_ticks_are_round(first: float, last: float, ticks: list[Any]) -> None:
    """Ten of them at most."""
    assert Scale(first, last).ticks() == ticks
