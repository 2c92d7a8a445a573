"""HAProxy's server state: what is carried over, what starts down, and what HAProxy can read again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.config import ConfiguredServer
from ansible_collections.sre.ha_recovery.plugins.module_utils._haproxy.server_state import (
    COLUMNS,
    RUNNING,
    STARTING,
    STOPPED,
    ServerState,
    ServerStateError,
    admin_flags,
    at_rest,
    carry_over,
    cold_start,
    orders,
    parse,
    render,
)
from hypothesis import given
from hypothesis import strategies as st

# Printed by HAProxy 3.0.11: pg1 in maintenance, pg2 failing its check, pg3 passing it.
DUMP = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port
4 app 1 pg1 192.0.2.21 0 1 1 1 12 15 3 0 14 0 0 0 - 5432 - 0 8008 - - 8008
4 app 2 pg2 192.0.2.22 0 0 1 1 728 17 2 0 6 0 0 0 - 5432 - 0 8008 - - 8008
4 app 3 pg3 192.0.2.23 2 0 50 1 728 15 3 2 7 0 0 0 - 5432 - 0 8008 - - 8008

"""  # noqa: E501
CONFIGURED = tuple(ConfiguredServer("app", f"pg{n}", f"192.0.2.2{n}", 5432, 1, True) for n in (1, 2, 3))
BEFORE = ServerState("app", "pg1", "192.0.2.21", 5432, RUNNING, 0, 1, 1, 60, 15, 3, 2, 6)


def test_a_dump_of_haproxy_is_read() -> None:
    pg1, pg2, pg3 = parse(DUMP)
    assert (pg1.state, pg1.operational, pg1.port) == ("maint", STOPPED, 5432)
    assert (pg2.state, pg2.operational, pg2.since_s) == ("ready", STOPPED, 728)
    assert (pg3.state, pg3.operational, pg3.weight, pg3.configured_weight) == ("ready", RUNNING, 50, 1)


@pytest.mark.parametrize("text", ["", "\n", "2\n", "nonsense\n4 app 1 pg1\n"])
def test_another_version_is_refused(text: str) -> None:
    with pytest.raises(ServerStateError):
        parse(text)


def test_a_file_cut_short_keeps_its_whole_lines() -> None:
    cut = DUMP[: DUMP.index("4 app 3") + 30]
    assert [state.server for state in parse(cut)] == ["pg1", "pg2"]


@given(
    st.lists(
        st.builds(
            ServerState,
            backend=st.sampled_from(["app", "db-ro"]), server=st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True),
            address=st.sampled_from(["192.0.2.21", "-", "2001:db8::1"]), port=st.integers(0, 65535),
            operational=st.integers(0, 3), admin=st.sampled_from([0, 1, 8]), weight=st.integers(0, 256),
            configured_weight=st.integers(0, 256), since_s=st.integers(0, 10**7), check_status=st.integers(1, 20),
            check_result=st.integers(0, 4), check_health=st.integers(0, 9), check_state=st.integers(0, 15),
        )
    )
)  # fmt: skip
def test_what_is_written_is_read_again(states: list[ServerState]) -> None:
    assert parse(render(states)) == tuple(states)


def test_every_line_has_the_columns_that_its_title_names() -> None:
    version, title, *lines = render(parse(DUMP)).splitlines()
    assert version == "1" and title.split()[1:] == COLUMNS
    assert {len(line.split()) for line in lines} == {len(COLUMNS)}


class TestColdStart:
    """No older process hands over: nobody is believed to be healthy."""

    def test_every_checked_server_is_down(self) -> None:
        assert {state.operational for state in cold_start(CONFIGURED, parse(DUMP))} == {STOPPED}

    def test_a_server_that_nothing_checks_is_up(self) -> None:
        (only,) = cold_start([replace(CONFIGURED[0], checked=False)], ())
        assert only.operational == RUNNING

    def test_checks_are_counted_again(self) -> None:
        # With status 0 HAProxy ignores the results of all checks: the server would stay down for ever.
        assert {(s.check_status, s.check_health) for s in cold_start(CONFIGURED, parse(DUMP))} == {(1, 0)}

    @pytest.mark.parametrize(
        ("saved", "kept"), [(0, 0), (1, 1), (8, 8), (9, 1), (2, 0), (4, 0), (16, 0), (32, 0), (33, 1)]
    )
    def test_orders_are_kept_and_inherited_flags_are_not(self, saved: int, kept: int) -> None:
        state = cold_start(CONFIGURED, [replace(BEFORE, admin=saved)])[0]
        assert state.admin == kept

    @pytest.mark.parametrize(("configured", "expected"), [(1, 50), (10, 10)])
    def test_a_weight_is_kept_unless_the_configuration_has_changed(self, configured: int, expected: int) -> None:
        (state,) = cold_start([replace(CONFIGURED[0], weight=configured)], [replace(BEFORE, weight=50)])
        assert (state.weight, state.configured_weight) == (expected, configured)

    def test_the_configuration_says_which_servers_there_are_and_where(self) -> None:
        moved = replace(CONFIGURED[0], address="192.0.2.99", port=6432)
        (state,) = cold_start([moved], [replace(BEFORE, admin=1), replace(BEFORE, server="gone")])
        assert (state.address, state.port, state.state) == ("192.0.2.99", 6432, "maint")


class TestCarryOver:
    """A reload: the running process has looked at the servers, so its judgement is kept."""

    def test_what_the_checks_found_is_kept(self) -> None:
        after = carry_over(CONFIGURED, parse(DUMP))
        assert [(s.operational, s.state, s.check_status) for s in after] == [
            (STOPPED, "maint", 15),
            (STOPPED, "ready", 17),
            (RUNNING, "ready", 15),
        ]

    @pytest.mark.parametrize("change", [{"address": "192.0.2.99"}, {"port": 6432}])
    def test_a_server_that_moved_starts_down_with_its_orders(self, change: dict[str, object]) -> None:
        moved = replace(CONFIGURED[0], **change)  # type: ignore[arg-type]
        (state,) = carry_over([moved], [replace(BEFORE, admin=8)])
        assert (state.operational, state.state, state.address, state.port) == (
            STOPPED,
            "drain",
            moved.address,
            moved.port,
        )

    def test_a_new_server_starts_down(self) -> None:
        assert [s.operational for s in carry_over(CONFIGURED, [BEFORE])] == [RUNNING, STOPPED, STOPPED]

    def test_a_process_whose_checks_were_stuck_does_not_pass_that_on(self) -> None:
        assert carry_over(CONFIGURED, [replace(BEFORE, check_status=0)])[0].check_status == 1


def test_at_rest_changes_only_with_an_order() -> None:
    other = replace(BEFORE, operational=STARTING, since_s=1, check_status=17, check_result=2, check_health=1)
    assert render(at_rest([BEFORE])) == render(at_rest([other]))
    assert render(at_rest([BEFORE])) != render(at_rest([replace(BEFORE, admin=1)]))
    assert orders(at_rest([replace(BEFORE, admin=8, weight=3)])) == {("app", "pg1"): (8, 3)}


@pytest.mark.parametrize(
    ("flags", "names"),
    [(0, []), (1, ["maint"]), (9, ["maint", "drain"]), (0x22, ["maint_inherited", "maint_unresolved"])],
)
def test_flags_have_names(flags: int, names: list[str]) -> None:
    assert admin_flags(flags) == names
