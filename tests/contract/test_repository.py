"""The repository says of itself what is true."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def _files(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_collection_resolves_from_the_tree() -> None:
    """The symlink is relative and leads to the collection."""
    link = ROOT / "collections" / "ansible_collections" / "sre" / "ha_recovery"
    assert link.is_symlink() and not Path(link.readlink()).is_absolute()
    assert (link / "galaxy.yml").exists()


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements-*3.*.txt")), ids=lambda path: path.name)
def test_lock_files_pin_every_package(lock: Path) -> None:
    """One exact version a line."""
    lines = [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    assert lines and all(re.fullmatch(r"[A-Za-z0-9_.\[\]-]+==[^=\s]+", line) for line in lines)


def test_every_supported_python_has_both_locks() -> None:
    """Set-up takes the newest Python of these three."""
    names = {path.name for path in ROOT.glob("requirements-*.txt")}
    for version in ("3.11", "3.12", "3.13"):
        assert {f"requirements-{version}.txt", f"requirements-test-{version}.txt"} <= names


def test_playbooks_are_wrappers() -> None:
    """Every runbook of the collection has its wrapper in playbooks/, and the wrapper only imports it."""
    ours = {path.name for path in (ROOT / "collections/ha_recovery/playbooks").glob("*.yml")}
    wrappers = {path.name: path for path in (ROOT / "playbooks").glob("*.yml")}
    assert ours and ours == set(wrappers)
    for name, path in wrappers.items():
        (play,) = yaml.safe_load(path.read_text())
        assert play["ansible.builtin.import_playbook"] == f"sre.ha_recovery.{name.removesuffix('.yml')}"


def test_no_decision_by_inventory_order() -> None:
    """Observed topology decides: nobody takes the first host of a group."""
    guilty = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _files("collections/ha_recovery", "playbooks")
        if path.suffix in {".yml", ".j2"}
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"groups\[[^]]+\]\s*(\[0\]|\|\s*first)|groups\.\w+\s*(\[0\]|\|\s*first)", line)
    ]
    assert guilty == []


def test_no_error_is_swallowed() -> None:
    """No ignore_errors, no failed_when: false in the collection."""
    guilty = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _files("collections/ha_recovery", "playbooks")
        if path.suffix == ".yml"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"ignore_errors:\s*(true|yes)|failed_when:\s*(false|no)\b", line)
    ]
    assert guilty == []


def _tasks(tasks: Any) -> Iterator[dict[str, Any]]:
    """Every task of a list of tasks, those inside blocks included."""
    for task in tasks or []:
        yield task
        for part in ("block", "rescue", "always"):
            yield from _tasks(task.get(part))


def test_task_names_are_sentences() -> None:
    """Every task has a name, and it says at least what is done to what."""
    files = [path for path in _files("collections/ha_recovery", "molecule") if path.parent.name == "tasks"]
    nameless = [
        f"{path.relative_to(ROOT)}: {task.get('name')}"
        for path in files
        for task in _tasks(yaml.safe_load(path.read_text()))
        if not re.match(r"[A-Z]\S* \S+ ?", str(task.get("name", "")))
    ]
    assert files and nameless == []


@pytest.mark.parametrize("markdown", _files("*.md"), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(markdown: Path) -> None:
    """A relative link names a file that exists."""
    for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", markdown.read_text()):
        assert (markdown.parent / target).exists(), target
