"""The lab's names, and how the demo keeps its audience awake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.demo.__main__ import show
from tests.demo.steps import Narrator
from tests.lab.estate import ADDRESSES, Lab
from tests.lab.faults import ALL, FAULTS, break_host
from tests.lab.shell import LabError


def test_labs_stand_side_by_side() -> None:
    """Two labs share neither a container name nor an address."""
    one, two = Lab("one", 1), Lab("two", 2)
    for host in ADDRESSES:
        assert one.container(host) != two.container(host)
        assert one.address(host) != two.address(host)
    assert one.vip != two.vip


def test_an_unknown_host_is_refused_with_the_known_ones() -> None:
    """The message says what exists."""
    with pytest.raises(KeyError, match=r"pg9.*pg1"):
        Lab("one", 1).container("pg9")


def test_an_unknown_fault_is_refused_with_the_known_ones() -> None:
    """Before anything is broken."""
    with pytest.raises(LabError, match="power-cut"):
        break_host(Lab("one", 1), "meteor", "pg1")


def test_the_issue_s_faults_exist() -> None:
    """People type these words."""
    partitions = {"partition", "partition-in", "partition-out", "partition-from", "partition-but-clients"}
    assert set(FAULTS) == {"power-cut", "freeze", "sigkill", "disk-full", "disk-stuck", "throttle"} | partitions


def test_the_whole_site_can_only_lose_its_power() -> None:
    """Every other fault is of one host."""
    with pytest.raises(LabError, match="power-cut"):
        break_host(Lab("one", 1), "freeze", ALL)


def test_the_dsn_leads_through_the_virtual_ip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And carries the secret that the inventory made."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "app").write_text("s3cret salt=x\n")
    monkeypatch.setattr(Lab, "state", tmp_path)
    words = Lab("one", 1).dsn().split()
    assert {"host=10.87.1.100", "port=5432", "dbname=app", "user=app", "password=s3cret", "sslmode=require"} <= set(
        words
    )


class TestNarrator:
    """Says what it is told, and murmurs only into silence."""

    def test_it_murmurs_only_after_a_while(self) -> None:
        """Nine seconds of silence are fine, ten are not."""
        now = [0.0]
        said: list[str] = []
        narrator = Narrator(said.append, lambda: now[0])
        narrator.say("begin")
        now[0] = 9.0
        narrator.murmur("still")
        assert len(said) == 1
        now[0] = 10.0
        narrator.murmur("still")
        narrator.murmur("still")
        assert len(said) == 2 and "still" in said[1]


def test_the_result_shows_every_figure() -> None:
    """Each figure of demo.json that a person cares for is on the screen."""
    text = show(
        {
            "old_primary": "pg1",
            "new_primary": "pg3",
            "write_gap_s": 3.456,
            "failover_s": 4.321,
            "acknowledged": 12345,
            "lost": 0,
            "duplicated": 7,
            "client_errors": 89,
        }
    )
    for figure in ("pg1", "pg3", "3.46", "4.32", "12345", "89", "7"):
        assert figure in text
