"""Keepalived's own word and the kernel's are asked apart, and silence is an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._keepalived.observe import Asked, observe

from .test_dump import dump

OWN = '{"ifname":"eth0","addr_info":[{"family":"inet","local":"192.0.2.11","prefixlen":24}%s]}'
VIP = ',{"family":"inet","local":"192.0.2.100","prefixlen":24}'


@dataclass
class Host:
    """A host of which commands ask: addresses, Keepalived's process, and what it does when it gets the signal."""

    path: Path
    addresses: str = OWN % VIP
    pid: str = "731"
    on_signal: Callable[[Path], None] = lambda path: path.write_text(json.dumps(dump()))
    signals: list[tuple[int, int]] = field(default_factory=list)

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """The answer to one of the three commands."""
        answers = {"ip": f"[{self.addresses}]", "systemctl": f"{self.pid}\n", "keepalived": "36\n"}
        return Completed(0, answers[argv[0]], "")

    def kill(self, pid: int, number: int) -> None:
        """Keepalived gets a signal."""
        self.signals.append((pid, number))
        self.on_signal(self.path)

    def observe(self, timeout: float = 1.0) -> dict[str, object]:
        """Look at this host."""
        asked = Asked("lb1", "192.0.2.100/24", "192.0.2.11", "keepalived.service", str(self.path), timeout)
        return observe(self, asked, self.kill)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A load balancer that holds the virtual IP."""
    return Host(tmp_path / "keepalived.json")


def test_a_master(host: Host) -> None:
    assert host.observe() == {
        "host": "lb1", "running": True, "holds_vip": True, "state": "MASTER", "interface": "eth0",
        "network": "192.0.2.0/24", "vip_in_network": True, "priority": 150, "effective_priority": 150, "error": None,
    }  # fmt: skip
    assert host.signals == [(731, 36)]


def test_a_dump_from_before_the_signal_is_not_believed(host: Host) -> None:
    host.path.write_text(json.dumps(dump(state=2)))
    host.on_signal = lambda path: None
    answer = host.observe(timeout=0.05)
    assert (answer["state"], answer["running"]) == ("UNKNOWN", True)
    assert "did not write" in str(answer["error"]) and "Next: systemctl status keepalived" in str(answer["error"])


def test_a_dump_that_is_still_being_written_is_read_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(dump(state=1))
    host.on_signal = lambda path: path.write_text(text[:40]) and None
    monkeypatch.setattr(
        "ansible_collections.sre.ha_recovery.plugins.module_utils._keepalived.observe.time.sleep",
        lambda _seconds: host.path.write_text(text) and None,
    )
    assert host.observe()["state"] == "BACKUP"


def test_a_stopped_keepalived_can_leave_the_address_behind(host: Host) -> None:
    host.pid = "0"
    answer = host.observe()
    assert (answer["running"], answer["state"], answer["holds_vip"], answer["error"]) == (False, "STOPPED", True, None)
    assert host.signals == []


def test_a_master_without_the_address_is_told_apart(host: Host) -> None:
    host.addresses = OWN % ""
    answer = host.observe()
    assert (answer["state"], answer["holds_vip"]) == ("MASTER", False)


def test_an_address_that_no_interface_has(host: Host) -> None:
    host.addresses = '{"ifname":"eth0","addr_info":[{"family":"inet","local":"198.51.100.11","prefixlen":24}]}'
    answer = host.observe()
    assert (answer["interface"], answer["network"], answer["vip_in_network"]) == (None, None, None)


def test_a_process_that_is_gone_meanwhile(host: Host) -> None:
    def gone(_path: Path) -> None:
        raise ProcessLookupError(3, "No such process")

    host.on_signal = gone
    assert "cannot ask Keepalived (process 731" in str(host.observe()["error"])
