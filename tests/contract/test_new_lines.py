"""A new line that Jinja does not make: Ansible escapes backslashes between braces, so two characters reach the disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for folder in ("collections/ha_recovery/roles", "collections/ha_recovery/playbooks", "inventories", "molecule")
    for path in (ROOT / folder).rglob("*.yml")
)
# In a set of characters of a regular expression the two characters mean a new line.
ESCAPED = re.compile(r"'[^'\[]*\\n[^'\[]*'")


class Loader(yaml.SafeLoader):
    """Takes tags such as !vault for nothing."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def texts(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value


def wrong(text: str) -> list[str]:
    """Expressions of a template with an escaped new line in them."""
    return [found for found in re.findall(r"\{\{(.*?)\}\}", text, re.DOTALL) if ESCAPED.search(found)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_escaped_new_line(path: Path) -> None:
    """Such text belongs into a file or a template."""
    for document in yaml.load_all(path.read_text(), Loader):
        assert [one for text in texts(document) for one in wrong(text)] == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (r"{{ 'd /run -\n' }}", 1),
        (r"{{ [{'content': 'd /run -\n'}, {'path': a[0]}] }}", 1),
        ("{{ 'd /run -\n' }}", 0),
        (r"{{ a | reject('match', '^[^/\n]+$') }}", 0),
        (r"{%- set a = 'b\n' -%}", 0),
    ],
)
def test_what_is_found(text: str, count: int) -> None:
    """Expressions only: statements are not escaped."""
    assert len(wrong(text)) == count
