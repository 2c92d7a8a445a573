# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import traceback

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed")

from psycopg.conninfo import conninfo_to_dict

from tests.storm.dsn import parse_dsn
from tests.storm.model import StormError


def hosts(dsn: str) -> list[tuple[object, object, object]]:
    parsed = [conninfo_to_dict(attempt) for attempt in parse_dsn(dsn, 1000).attempts]
    return [(one.get("host"), one.get("hostaddr"), one.get("port")) for one in parsed]


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        pytest.param("host=a port=5 dbname=x", [("a", None, "5")], id="one host"),
        pytest.param("dbname=x", [(None, None, None)], id="libpq's default"),
        pytest.param("host=a,b port=5,6", [("a", None, "5"), ("b", None, "6")], id="a port each"),
        pytest.param("host=a,b port=5", [("a", None, "5"), ("b", None, "5")], id="one port for all"),
        pytest.param("host=a,b", [("a", None, None), ("b", None, None)], id="default port"),
        pytest.param("postgresql://u@a:5,b:6/x", [("a", None, "5"), ("b", None, "6")], id="URI"),
        pytest.param("hostaddr=1.1.1.1,1.1.1.2", [(None, "1.1.1.1", None), (None, "1.1.1.2", None)], id="addresses"),
        pytest.param(
            "host=a,b hostaddr=1.1.1.1,1.1.1.2",
            [("a", "1.1.1.1", None), ("b", "1.1.1.2", None)],
            id="names and addresses",
        ),
        pytest.param("host=a,b port=5,6,7", [("a,b", None, "5,6,7")], id="does not add up: libpq says so"),
    ],
)
def test_one_attempt_per_host(dsn: str, expected: list[tuple[object, object, object]]) -> None:
    assert hosts(dsn) == expected


def test_dead_peers_are_noticed_unless_the_dsn_says_otherwise() -> None:
    plain = conninfo_to_dict(parse_dsn("host=a", 1500).attempts[0])
    assert plain["tcp_user_timeout"] == "1500"
    assert (plain["keepalives_idle"], plain["keepalives_interval"], plain["keepalives_count"]) == ("1", "1", "2")
    chosen = conninfo_to_dict(parse_dsn("host=a tcp_user_timeout=9 keepalives_idle=30", 1500).attempts[0])
    assert (chosen["tcp_user_timeout"], chosen["keepalives_idle"]) == ("9", "30")


@pytest.mark.parametrize(("given", "expected"), [("", None), ("connect_timeout=3", 3.0), ("connect_timeout=0", None)])
def test_connect_timeout_of_the_dsn(given: str, expected: float | None) -> None:
    parsed = parse_dsn(f"host=a {given}", 1000)
    assert parsed.connect_timeout == expected
    assert "connect_timeout" not in conninfo_to_dict(parsed.attempts[0])  # the storm's to enforce: libpq makes 1 two


def test_hosts_are_shuffled_only_on_request() -> None:
    names = ",".join(f"h{number}" for number in range(20))
    plain, random = parse_dsn(f"host={names}", 1000), parse_dsn(f"host={names} load_balance_hosts=random", 1000)
    assert plain.ordered() == list(plain.attempts)
    assert any(random.ordered() != list(random.attempts) for _ in range(5))
    assert sorted(random.ordered()) == sorted(random.attempts)


def test_passwords_are_never_shown() -> None:
    shown = parse_dsn("postgresql://shop:hunter2@a:5,b:6/app?sslmode=require&sslpassword=hunter3", 1000).shown
    assert shown == "host=a,b port=5,6 dbname=app user=shop sslmode=require"


@pytest.mark.parametrize(
    ("dsn", "told"),
    [
        ("hunter2 host=a", "is not a libpq connection string"),
        ("host=a nonsense=hunter2", "is not a libpq connection string"),
        ("host=a connect_timeout=soon", "connect_timeout in the DSN is 'soon'; expected seconds"),
    ],
)
def test_refused_dsn_is_not_quoted(dsn: str, told: str) -> None:
    with pytest.raises(StormError) as refusal:
        parse_dsn(dsn, 1000)
    assert told in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
    assert "hunter2" not in "".join(traceback.format_exception(refusal.value)).replace(repr(dsn), "")
