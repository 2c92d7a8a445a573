"""Every row of the failover's decision table, and what each plan does in which order."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.balancer import balancers_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.failover import (
    LOSS_ABOVE_BUDGET,
    UNFENCED_LOAD_BALANCER,
    UNSEEN_STANDBY,
    Plan,
    Settings,
    parse_waivers,
    plan_failover,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.model import nodes_from
from ansible_collections.sre.ha_recovery.plugins.module_utils._recovery.plan_text import plan_lines

from tests.unit.plugins.module_utils._recovery.estates import (
    BALANCERS,
    DATABASES,
    balancer,
    empty,
    fenced,
    gone_balancer,
    orphan,
    peers,
    primary,
    silent,
    standby,
    stopped,
)

Raws = tuple[dict[str, Any], ...]
DEAD: Raws = (balancer("lb1", dead=("pg1",)), balancer("lb2", dead=("pg1",)))
ALIVE: Raws = (balancer("lb1"), balancer("lb2"))
LOST: Raws = (silent("pg1"), orphan("pg2"), orphan("pg3"))
AFTER: Raws = (fenced("pg1"), primary("pg2", timeline=2), standby("pg3", "pg2", timeline=2))
TURNED: Raws = (
    balancer("lb1", writes="pg2", maint=("pg1",)),
    balancer("lb2", writes="pg2", maint=("pg1",)),
)


def plan(nodes: Raws, lbs: Raws = DEAD, *waivers: str, names: tuple[str, ...] = DATABASES, **settings: Any) -> Plan:
    """The plan for these hosts, synchronous unless said otherwise."""
    chosen: dict[str, Any] = {"synchronous": True, "max_loss_bytes": 0, "waivers": frozenset(waivers)} | settings
    return plan_failover(nodes_from(nodes, names), balancers_from(lbs, BALANCERS), Settings(**chosen))


@pytest.mark.parametrize(
    ("action", "says", "nodes", "lbs"),
    [
        ("refuse", "two hosts are writable primaries", (primary("pg1"), primary("pg2"), standby("pg3")), ALIVE),
        (
            "refuse",
            "data of different clusters",
            (primary(), standby("pg2", system_identifier="7002"), standby("pg3")),
            ALIVE,
        ),
        ("refuse", "there is no cluster yet", (empty("pg1"), empty("pg2"), empty("pg3")), DEAD),
        ("refuse", "nothing was seen", (silent("pg1"), silent("pg2"), silent("pg3")), DEAD),
        ("refuse", "the primary pg1 is healthy", (primary(), standby("pg2"), standby("pg3")), ALIVE),
        ("refuse", "the primary pg1 is healthy", (primary(), standby("pg2"), silent("pg3")), ALIVE),
        ("none", "nothing to do: pg2 is the healthy primary on timeline 2, and pg1 is fenced", AFTER, TURNED),
        ("none", "and pg1 is fenced", (silent("pg1"), *AFTER[1:]), TURNED),
        ("refuse", "pg1 is alive", (silent("pg1"), standby("pg2"), orphan("pg3")), DEAD),
        ("refuse", "pg1 is alive", LOST, ALIVE),
        ("failover", "pg2 becomes primary in place of pg1", LOST, DEAD),
        ("failover", "pg2 becomes primary in place of pg1", (stopped("pg1", "in production"), *LOST[1:]), DEAD),
        (
            "failover",
            "pg2 becomes primary in place of pg1",
            (standby("pg1", role="hung", running=True, wal_receiver=None, error="no answer within 2 s"), *LOST[1:]),
            DEAD,
        ),
        ("refuse", "no host can be promoted", (silent("pg1"), stopped("pg2"), stopped("pg3")), DEAD),
        (
            "refuse",
            "pg3 not reachable; it may hold acknowledged commits",
            (silent("pg1"), orphan("pg2"), silent("pg3")),
            DEAD,
        ),
        ("refuse", "pg3 Postgres is stopped", (silent("pg1"), orphan("pg2"), stopped("pg3")), DEAD),
        ("refuse", "lb2 not reachable; it may hold the virtual IP", LOST, (DEAD[0], gone_balancer("lb2"))),
        ("failover", "pg2 becomes primary", (stopped("pg1"), *LOST[1:]), (DEAD[0], gone_balancer("lb2"))),
        ("failover", "pg2 becomes primary", (silent("pg1"), orphan("pg2"), fenced("pg3")), DEAD),
        ("failover", "pg2 becomes primary", (silent("pg1"), orphan("pg2"), empty("pg3")), DEAD),
    ],
)
def test_decisions(action: str, says: str, nodes: Raws, lbs: Raws) -> None:
    """Action and headline of each row."""
    made = plan(nodes, lbs)
    assert made.action == action, made
    assert says in made.headline


def test_a_standby_whose_disk_is_full_is_passed_over_unless_it_alone_has_what_was_acknowledged() -> None:
    """It would die in its promotion, and leave nobody."""
    full = orphan("pg2", wal_free_bytes=0)
    assert plan((silent("pg1"), full, orphan("pg3"))).candidate == "pg3"
    ahead = plan((silent("pg1"), full | {"received_lsn": "0/5000001"}, orphan("pg3")))
    assert (ahead.action, [one.host for one in ahead.refusals]) == ("refuse", ["pg2"])
    alone = plan((silent("pg1"), full), names=("pg1", "pg2"))
    assert (alone.action, alone.headline) == ("refuse", "refused: no host can be promoted")


def test_a_candidate_that_died_in_its_promotion_is_not_the_lost_primary() -> None:
    """pg3 was turned to pg2 already, and pg2 never accepted a write: it has to come back, not pg1."""
    died = stopped("pg2", "in archive recovery", upstream="pg1")
    made = plan((silent("pg1"), died, orphan("pg3", "pg2")))
    assert (made.old_primary, made.action) == ("pg1", "refuse")
    assert [one.host for one in made.refusals] == ["pg2"]
    assert (
        plan((silent("pg1"), died | {"control": {"state": "in production"}}, orphan("pg3", "pg2"))).old_primary == "pg2"
    )


def test_where_nothing_was_seen_each_host_says_why() -> None:
    """Else nobody knows whether to mend a wire or to wait."""
    late = {**silent("pg2"), "error": "cluster_info: no answer within 5 s"}
    lines = [f"{one.host}: {one.observed}" for one in plan((silent("pg1"), late, empty("pg3"))).refusals]
    assert lines == [
        "pg1: no answer on port 22 within 1 s",
        "pg2: cluster_info: no answer within 5 s",
        "cluster: no data on the hosts that answered",
    ]


def test_a_power_cut_with_three_hosts() -> None:
    """Everything the runbook does, with the whole plan's hosts."""
    made = plan(LOST)
    assert (made.candidate, made.old_primary, made.expect_timeline, made.expect_received_lsn) == (
        "pg2", "pg1", 1, "0/5000000",
    )  # fmt: skip
    assert (made.fence_hosts, made.fence_servers, made.fence_load_balancers) == ((), ("pg1",), ("lb1", "lb2"))
    assert (made.follow, made.promote, made.degrade_sync, made.verify_from) == (("pg3",), True, False, "pg3")
    assert made.acts
    assert (made.candidate, made.promote, made.verify_from) == ("pg2", True, "pg3")


def test_a_reachable_old_primary_is_fenced_on_its_host_too() -> None:
    """Two fences are better than one."""
    made = plan((stopped("pg1", "shut down"), *LOST[1:]))
    assert (made.fence_hosts, made.fence_servers) == (("pg1",), ("pg1",))


@pytest.mark.parametrize("word", ["refuse", "none"])
def test_nobody_acts_without_a_plan_to_act(word: str) -> None:
    """A refusal and a rerun touch no host."""
    made = plan(LOST, ALIVE) if word == "refuse" else plan(AFTER, TURNED)
    assert made.action == word
    assert not made.acts


def test_the_last_standby_takes_over_alone() -> None:
    """With two hosts nobody is left to wait for: synchronous replication is switched off, and said so."""
    made = plan((silent("pg1"), orphan("pg2")), names=("pg1", "pg2"))
    assert (made.action, made.degrade_sync, made.follow, made.verify_from) == ("failover", True, (), "pg2")
    assert any("switch synchronous replication off on pg2" in line for line in plan_lines(made))


def test_asynchronous_replication_is_never_degraded() -> None:
    """There is nothing to switch off."""
    assert plan((silent("pg1"), orphan("pg2")), names=("pg1", "pg2"), synchronous=False).degrade_sync is False


class TestSignsOfLife:
    """A split of the control node alone is not a dead primary."""

    def test_a_strong_sign_refuses_at_once_and_names_who_sees_it(self) -> None:
        """A fresh answer of the primary's probe to a standby."""
        made = plan((silent("pg1"), standby("pg2"), standby("pg3")), ALIVE, last_look=False)
        assert made.action == "refuse"
        assert {refusal.host for refusal in made.refusals} == {"pg2", "pg3", "lb1", "lb2"}
        assert "its role probe answers: primary" in made.refusals[0].observed
        assert "restore the control node's way to pg1" in made.refusals[0].next

    @pytest.mark.parametrize(
        ("nodes", "lbs"),
        [
            (LOST, ALIVE),
            ((silent("pg1"), standby("pg2", peers=peers(pg1=None, pg3=503)), orphan("pg3")), DEAD),
        ],
    )
    def test_a_weak_sign_asks_for_another_look_and_then_refuses(self, nodes: Raws, lbs: Raws) -> None:
        """A check or a WAL receiver may simply not have noticed yet."""
        assert plan(nodes, lbs, last_look=False).action == "recheck"
        assert plan(nodes, lbs, last_look=True).action == "refuse"

    def test_a_primary_that_is_coming_back_is_a_weak_sign_of_life(self) -> None:
        """Out of the control node's reach it cannot be fenced on its host, and would run beside the new primary."""
        seen = {"pg1": {**peers(pg1=503)["pg1"], "coming_back": "Postgres is starting"}, **peers(pg3=503)}
        nodes = (silent("pg1"), orphan("pg2", peers=seen), orphan("pg3"))
        assert plan(nodes, last_look=False).action == "recheck"
        assert plan(nodes, last_look=False).look_again_after_s == pytest.approx(1.1)
        refused = plan(nodes)
        assert refused.action == "refuse" and "Postgres is starting" in refused.refusals[0].observed
        reachable = (stopped("pg1", control={"state": "in production"}), *nodes[1:])
        assert plan(reachable).action == "failover"

    def test_the_other_look_waits_until_the_sign_has_aged_and_no_longer(self) -> None:
        """A receiver's word counts for a second; two failed checks of a load balancer take longer."""
        fresh = standby("pg2", peers=peers(pg1=None, pg3=503))
        fresh["wal_receiver"]["last_msg_receipt_age_s"] = 0.6
        receiver = plan((silent("pg1"), fresh, orphan("pg3")), DEAD, last_look=False)
        assert receiver.look_again_after_s == pytest.approx(0.5)
        assert plan(LOST, ALIVE, last_look=False).look_again_after_s == pytest.approx(1.6)
        assert plan((silent("pg1"), fresh, orphan("pg3")), ALIVE, last_look=False).look_again_after_s > 1.5
        assert plan(LOST).look_again_after_s == 0.0

    def test_a_check_on_its_way_down_is_no_sign_of_life(self) -> None:
        """HAProxy says UP until the second failed check; the first failure is told already."""
        failing = balancer("lb1")
        failing["haproxy"]["servers"][0]["check_status"] = "L4TOUT"
        assert plan(LOST, (failing, DEAD[1])).action == "failover"

    def test_an_old_message_is_no_sign_of_life(self) -> None:
        """A receiver that still hangs on the dead connection."""
        stale = standby("pg2", peers=peers(pg1=None, pg3=503))
        stale["wal_receiver"]["last_msg_receipt_age_s"] = 3.2
        assert plan((silent("pg1"), stale, orphan("pg3"))).action == "failover"


class TestWaivers:
    """What cannot be proven is refused by name, and passes by name."""

    UNSEEN: Raws = (silent("pg1"), orphan("pg2"), silent("pg3"))
    ONE_LB: Raws = (DEAD[0], gone_balancer("lb2"))

    @pytest.mark.parametrize(
        ("waiver", "nodes", "lbs"), [(UNSEEN_STANDBY, UNSEEN, DEAD), (UNFENCED_LOAD_BALANCER, LOST, ONE_LB)]
    )
    def test_refusal_names_the_waiver_and_the_waiver_lets_pass(self, waiver: str, nodes: Raws, lbs: Raws) -> None:
        """The plan that goes on says what was waived."""
        refused = plan(nodes, lbs)
        assert [refusal.waiver for refusal in refused.refusals] == [waiver]
        assert f"-e failover_waive={waiver}" in refused.refusals[0].next
        allowed = plan(nodes, lbs, waiver)
        assert (allowed.action, allowed.waived) == ("failover", (waiver,))
        assert allowed.loss is not None and allowed.loss.excluded is (waiver != UNSEEN_STANDBY)
        assert any(line.strip().startswith(f"waived: {waiver}") for line in plan_lines(allowed))

    def test_a_host_that_can_be_switched_off_needs_no_waiver(self) -> None:
        """The plan goes on, and says that the proof is needed; a waiver given all the same is kept."""
        made = plan(LOST, self.ONE_LB, fencing={"pg1": "ipmi", "pg9": "ssh"})
        assert (made.action, made.waived, made.fencing_methods) == ("failover", (), {"pg1": "ipmi"})
        assert any("promote only behind its proof: pg1 (ipmi)" in line for line in plan_lines(made))
        waived = plan(LOST, self.ONE_LB, UNFENCED_LOAD_BALANCER, fencing={"pg1": "ipmi"})
        assert (waived.action, waived.waived) == ("failover", (UNFENCED_LOAD_BALANCER,))
        assert any("for the record: pg1 (ipmi)" in line for line in plan_lines(waived))

    def test_one_waiver_does_not_pass_for_another(self) -> None:
        """Both are needed where both are open."""
        assert plan(self.UNSEEN, self.ONE_LB, UNSEEN_STANDBY).refusals[0].waiver == UNFENCED_LOAD_BALANCER
        assert plan(self.UNSEEN, self.ONE_LB, UNSEEN_STANDBY, UNFENCED_LOAD_BALANCER).action == "failover"

    def test_a_waiver_that_was_not_needed_is_not_recorded(self) -> None:
        """The record says what was waived, not what was typed."""
        assert plan(LOST, DEAD, UNSEEN_STANDBY).waived == ()

    def test_an_unseen_standby_means_nothing_without_synchronous_replication(self) -> None:
        """There the quote says it all."""
        assert plan(self.UNSEEN, synchronous=False).action == "failover"

    def test_no_load_balancer_at_all(self) -> None:
        """Every one of them is named."""
        made = plan(LOST, (gone_balancer("lb1"), gone_balancer("lb2")))
        assert [refusal.host for refusal in made.refusals] == ["lb1", "lb2"]

    @pytest.mark.parametrize("given", ["unseen_standby, loss_above_budget", ["unseen_standby", "loss_above_budget"]])
    def test_waivers_are_read_as_text_or_list(self, given: Any) -> None:
        """``-e`` gives text."""
        assert parse_waivers(given) == {UNSEEN_STANDBY, LOSS_ABOVE_BUDGET}

    def test_an_unknown_waiver_is_an_error_that_names_the_known_ones(self) -> None:
        """A typo must not look like consent."""
        with pytest.raises(ValueError, match=r"failover_waive is unseen; allowed: .*unseen_standby"):
            parse_waivers("unseen")


class TestLoss:
    """Asynchronous: quoted, and held against the budget."""

    NODES: Raws = (
        silent("pg1"),
        orphan("pg2", received="0/5000000"),
        orphan("pg3", received="0/4000000", wal_receiver={
            "status": "stopping", "sender_host": "pg1", "latest_end_lsn": "0/5000400", "last_msg_receipt_age_s": 9.0,
        }),
    )  # fmt: skip

    def test_known_loss_above_the_budget_is_refused_with_the_number(self) -> None:
        """The command to go on carries the bytes."""
        made = plan(self.NODES, synchronous=False)
        assert made.action == "refuse"
        assert "may lack 1024 bytes" in made.refusals[0].observed
        assert "failover_max_loss_bytes=1024" in made.refusals[0].next

    def test_within_the_budget_it_goes_on_and_quotes(self) -> None:
        """The quote stands in the plan."""
        made = plan(self.NODES, synchronous=False, max_loss_bytes=1024)
        assert made.action == "failover"
        assert made.loss is not None and made.loss.bytes_known == 1024 and not made.loss.excluded
        assert any("possible loss: 1024 bytes of WAL" in line for line in plan_lines(made))

    def test_what_the_probes_heard_counts_and_what_nobody_heard_is_estimated(self) -> None:
        """On a slow line the WAL receivers hear late; a probe's answer is small, and half a second old at most."""
        heard = {"pg1": {"lsn": "0/5004000", "age_s": 9.0, "bytes_per_s": 100_000}, "pg2": {"lsn": "0/9000000"}}
        nodes = (silent("pg1"), self.NODES[1] | {"heard": heard}, self.NODES[2])
        made = plan(nodes, synchronous=False)
        assert made.loss is not None
        assert (made.loss.bytes_known, made.loss.bytes_unheard, made.loss.bytes_quoted) == (0x4000, 150_000, 166_384)
        assert made.refusals[0].next.endswith("failover_max_loss_bytes=166384")
        assert plan(nodes, synchronous=False, max_loss_bytes=166_384).action == "failover"
        there = (stopped("pg1", "in production", received_lsn="0/5000800"), *nodes[1:])
        known = plan(there, synchronous=False, max_loss_bytes=1 << 30)
        assert known.loss is not None and known.loss.bytes_unheard == 0

    def test_synchronous_and_everybody_seen_excludes_loss(self) -> None:
        """What no standby confirmed was never acknowledged."""
        made = plan(self.NODES)
        assert made.loss is not None and made.loss.excluded
        assert "no acknowledged commit" in made.loss.text and "1024 bytes" in made.loss.text


class TestResume:
    """Killed at any point, a rerun goes on from what is there."""

    def test_fenced_at_the_load_balancers_but_not_promoted(self) -> None:
        """The same plan again."""
        lbs = (balancer("lb1", writes=None, maint=("pg1",)), balancer("lb2", writes=None, maint=("pg1",)))
        made = plan(LOST, lbs)
        assert (made.action, made.candidate, made.fence_servers) == ("failover", "pg2", ("pg1",))

    def test_fenced_on_the_host_but_not_promoted(self) -> None:
        """A fence marker on a host that nobody has replaced is no healthy estate."""
        made = plan((fenced("pg1"), *LOST[1:]))
        assert (made.action, made.candidate) == ("failover", "pg2")

    def test_siblings_turned_but_nobody_promoted(self) -> None:
        """The standby that others follow already goes first among equals, even against the names' order."""
        made = plan((silent("pg1"), orphan("pg2", "pg3"), orphan("pg3", "pg1")))
        assert (made.candidate, made.old_primary, made.follow) == ("pg3", "pg1", ("pg2",))

    def test_promoted_but_a_sibling_still_looks_at_the_old_primary(self) -> None:
        """It is turned, and the result verified again."""
        made = plan((silent("pg1"), primary("pg2", timeline=2), orphan("pg3", "pg1")), TURNED)
        assert (made.action, made.follow, made.promote, made.verify_from) == ("complete", ("pg3",), False, "pg3")

    def test_promoted_and_a_load_balancer_that_was_away_came_back(self) -> None:
        """Both load balancers must agree."""
        made = plan(AFTER, (TURNED[0], balancer("lb2", writes="pg2", dead=("pg1",))))
        assert (made.action, made.fence_servers, made.fence_load_balancers) == ("complete", ("pg1",), ("lb1", "lb2"))

    def test_promoted_but_the_record_is_not_written(self) -> None:
        """The run is verified again and written down under its own name."""
        made = plan(AFTER, TURNED, unfinished="20260301T031209Z-failover")
        assert (made.action, made.follow, made.promote) == ("complete", (), False)
        assert made.verify_from == "pg3"
        assert any("20260301T031209Z-failover" in note for note in made.notes)

    def test_the_old_primary_came_back_writable_beside_the_new_one(self) -> None:
        """It is fenced; the new one stays."""
        made = plan((primary("pg1"), *AFTER[1:]), (balancer("lb1", writes="pg2"), balancer("lb2", writes="pg2")))
        assert (made.action, made.fence_hosts, made.fence_servers, made.primary) == (
            "complete", ("pg1",), ("pg1",), "pg2",
        )  # fmt: skip

    def test_the_old_primary_came_back_and_the_new_one_died(self) -> None:
        """The newest timeline wins; the returned one is fenced, however writable it is."""
        nodes = (primary("pg1"), silent("pg2"), orphan("pg3", "pg2", timeline=2))
        lbs = (balancer("lb1", dead=("pg2",), maint=("pg1",)), balancer("lb2", dead=("pg2",), maint=("pg1",)))
        made = plan(nodes, lbs)
        assert (made.action, made.candidate) == ("failover", "pg3")
        assert made.fence_hosts == ("pg1",)
        assert set(made.fence_servers) == {"pg1", "pg2"}

    def test_a_candidate_in_maintenance_is_readmitted(self) -> None:
        """Else the new primary would get no write."""
        lbs = (balancer("lb1", dead=("pg1",), maint=("pg2",)), DEAD[1])
        assert plan(LOST, lbs).admit_servers == ("pg2",)

    def test_alone_and_waiting_for_standbys_that_are_gone(self) -> None:
        """Killed between promotion and degradation, or the last sibling died: commits must not wait for ever."""
        made = plan((fenced("pg1"), primary("pg2", timeline=2, replication=[])), TURNED, names=("pg1", "pg2"))
        assert (made.action, made.degrade_sync, made.candidate) == ("complete", True, "pg2")

    def test_a_healthy_estate_is_never_completed(self) -> None:
        """A standby that is down for maintenance is no left-over of a failover."""
        nodes = (primary(), standby("pg2"), stopped("pg3"))
        assert plan(nodes, ALIVE).action == "refuse"
