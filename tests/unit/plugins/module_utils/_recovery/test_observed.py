"""Silent hosts are input."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.observed import observed_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.reach import reach

AWAKE = {"ok": True, "tcp": True, "why": ""}
DEAD = {"ok": False, "tcp": False, "why": "no answer on port 22 within 1 s"}
NODE = {"host": "pg1", "reachable": True, "role": "primary"}


def _node(value: Any = None, error: str = "") -> dict[str, Any]:
    return {"cluster_info": {"ok": value is not None, "value": value, "error": error}}


@pytest.mark.parametrize(
    ("reachable", "error", "host"),
    [
        (True, None, {"reach": AWAKE, "answers": _node(NODE)}),
        (False, "no answer on port 22 within 1 s", {"reach": DEAD, "answers": {}}),
        (False, "no answer on port 22 within 1 s", {"reach": DEAD, "answers": _node(NODE)}),
        (False, "Permission denied", {"reach": AWAKE, "answers": _node(error="Permission denied\nx")}),
        (False, "gave no answer", {"reach": AWAKE, "answers": {}}),
        (False, "was not asked", {}),
    ],
)
def test_database_hosts(reachable: bool, error: str | None, host: dict[str, Any]) -> None:
    """An answer from an earlier look does not outlive the host."""
    (node,) = observed_of({"pg1": host}, ["pg1"], [])["nodes"]
    assert (node["reachable"], node.get("error")) == (reachable, error)


def test_load_balancers_and_others() -> None:
    """One that answered, one that did not; a host without a part in decisions is named in a word."""
    answers = {
        "haproxy_info": {"ok": True, "value": {"running": True, "servers": []}},
        "keepalived_info": {"ok": True, "value": {"holds_vip": True}},
    }
    seen = observed_of(
        {"lb2": {"reach": DEAD}, "lb1": {"reach": AWAKE, "answers": answers}, "backup1": {"reach": DEAD}},
        [],
        ["lb2", "lb1"],
    )
    assert [(one["host"], one["reachable"]) for one in seen["load_balancers"]] == [("lb1", True), ("lb2", False)]
    assert seen["load_balancers"][1]["error"] == DEAD["why"]
    assert seen["others"] == {"backup1": DEAD["why"]}


@pytest.mark.parametrize(
    ("banner", "ok", "tcp", "why"),
    [
        (b"SSH-2.0-OpenSSH_10\r\n", True, True, ""),
        (b"HTTP/1.1", False, True, "answers, but not with SSH"),
        (None, False, True, "accepts connections and nobody answers within 0.3 s (a hung host?)"),
    ],
)
def test_reach(banner: bytes | None, ok: bool, tcp: bool, why: str) -> None:
    """A frozen host's kernel accepts; only a living SSH server speaks."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            link, _peer = server.accept()
            held.append(link)
            if banner is not None:
                link.sendall(banner)

        threading.Thread(target=serve, daemon=True).start()
        seen = reach("127.0.0.1", server.getsockname()[1], connect_timeout=1, banner_timeout=0.3)
    assert (seen["ok"], seen["tcp"]) == (ok, tcp)
    assert why in seen["why"]


def test_reach_nobody_listens() -> None:
    """The reason is the kernel's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    seen = reach("127.0.0.1", port)
    assert (seen["ok"], seen["tcp"]) == (False, False)
    assert "refused" in seen["why"]


def test_copies_of_files_and_dumps() -> None:
    """The host that keeps them, the other ones, and one that is silent."""
    repository = {"set_up": True, "of": {"lb1": {"stale": 0.0}}}
    told = {"file_backup_info": {"ok": True, "value": {"repository": repository, "host": {"set_up": False}}}}
    own = {"file_backup_info": {"ok": True, "value": {"repository": {}, "host": {"set_up": True}}}}
    hosts = {
        "backup1": {"reach": AWAKE, "answers": told},
        "lb1": {"reach": AWAKE, "answers": own},
        "lb2": {"reach": DEAD},
    }
    seen = observed_of(hosts, [], ["lb1", "lb2"], file_repositories=["backup1"], dump_hosts=["backup1"])["copies"]
    assert seen["files"] == {"backup1": {"reachable": True, **repository}}
    assert seen["file_hosts"] == {"backup1": {"set_up": False}, "lb1": {"set_up": True}}
    assert seen["dumps"] == {"backup1": {"reachable": False, "error": "gave no answer"}}
