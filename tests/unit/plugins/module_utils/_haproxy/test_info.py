"""What HAProxy tells, as one dictionary."""

from __future__ import annotations

from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.info import describe, silent

from .test_server_state import DUMP

INFO = "Name: HAProxy\nVersion: 3.0.11-1+deb13u5\nUptime_sec: 727\nPid: 972\n"
STAT = """# pxname,svname,qcur,status,weight,check_status,
app,pg1,0,MAINT,1,,
app,pg2,0,DOWN,1,L7STS,
app,pg3,0,UP,50,* L7OK,
"""


def test_three_answers_make_one_dictionary() -> None:
    haproxy = describe("lb1", 1000.7, INFO, DUMP, STAT)
    servers = haproxy.pop("servers")
    assert haproxy == {
        "host": "lb1", "running": True, "version": "3.0.11-1+deb13u5",
        "uptime_s": 727, "started_at": 273, "error": None,
    }  # fmt: skip
    assert [(s["server"], s["status"], s["admin_state"], s["check_status"]) for s in servers] == [
        ("pg1", "MAINT", ["maint"], ""),
        ("pg2", "DOWN", [], "L7STS"),
        ("pg3", "UP", [], "L7OK"),
    ]
    assert servers[2] == {
        "backend": "app", "server": "pg3", "address": "192.0.2.23", "port": 5432, "status": "UP", "admin_state": [],
        "operational_state": "running", "weight": 50, "check_status": "L7OK", "last_change_s": 728,
    }  # fmt: skip


def test_a_silent_haproxy_has_the_same_keys() -> None:
    assert silent("lb1", "gone").keys() == describe("lb1", 1000.7, INFO, DUMP, STAT).keys()
    assert silent("lb1", "gone")["error"] == "gone"
