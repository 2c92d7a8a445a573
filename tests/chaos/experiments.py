"""The experiments. What each word means: tests/chaos/experiment.py."""

from __future__ import annotations

from tests.chaos.backup_experiments import EXPERIMENTS as WITH_BACKUPS
from tests.chaos.experiment import DONE, FAILED, HARD, REFUSED, Await, Break, Calm, Experiment, Mend, Type

ISOLATED = (
    "nobody reaches the old primary to stop it. Alone it acknowledges nothing, for its synchronous standbys are gone"
)
THAWED = "a thawed old primary takes itself for the primary until it is stopped"

EXPERIMENTS = (
    Experiment(
        "power_cut",
        "The primary loses its power.",
        "`failover.yml`",
        (Break("power-cut", "primary", spread=1), Type("failover"), Await("writes")),
    ),
    Experiment(
        "postgres_killed",
        "Every Postgres process of the primary is killed; its host lives.",
        "`failover.yml`",
        (Break("sigkill", "primary", spread=1), Type("failover"), Await("writes")),
    ),
    Experiment(
        "frozen_primary_thaws",
        "The primary freezes, and thaws after the failover as if nothing had happened.",
        "`failover.yml`, and once more after the thaw",
        (
            Break("freeze", "primary", spread=1),
            Type("failover"),
            Await("writes"),
            Mend("primary"),
            Calm(5),
            Type("failover"),
        ),
        alone=THAWED,
        telling=True,
    ),
    Experiment(
        "isolated_with_clients",
        "The primary is cut off from everybody but clients that know its own address and go on writing to it.",
        "`failover.yml`; when the primary is back, once more",
        (
            Break("partition-but-clients", "primary", "spare", spread=1),
            Type("failover"),
            Await("writes"),
            Calm(5),
            Mend("primary"),
            Calm(3),
            Type("failover"),
        ),
        alone=ISOLATED,
        rival="spare",
        telling=True,
    ),
    Experiment(
        "control_node_cut_off",
        "The primary is cut off from the control node alone.",
        "`failover.yml`, which refuses and names who still sees the primary",
        (
            Break("partition-from", "primary", "control", spread=1),
            Type("failover", (REFUSED,), says=("sees {primary} alive",)),
            Await("writes", 5),
            Mend("primary"),
        ),
        telling=True,
    ),
    Experiment(
        "primary_deaf",
        "One way: the primary hears nobody, what it says still arrives.",
        "`failover.yml`; when the primary is back, once more",
        (
            Break("partition-in", "primary", spread=1),
            Type("failover"),
            Await("writes"),
            Calm(2),
            Mend("primary"),
            Calm(3),
            Type("failover"),
        ),
        alone=ISOLATED,
    ),
    Experiment(
        "primary_mute",
        "One way: the primary hears everybody, what it says arrives nowhere.",
        "`failover.yml`; when the primary is back, once more",
        (
            Break("partition-out", "primary", spread=1),
            Type("failover"),
            Await("writes"),
            Calm(2),
            Mend("primary"),
            Calm(3),
            Type("failover"),
        ),
        alone=ISOLATED,
    ),
    Experiment(
        "balancer_mute",
        "One way: the load balancer with the virtual IP hears everybody, what it says arrives nowhere.",
        "nothing: the other load balancer takes the virtual IP",
        (Break("partition-out", "holder", spread=1), Await("writes", 20), Calm(5), Mend("holder"), Await("writes", 20)),
    ),
    Experiment(
        "balancer_deaf",
        "One way: the load balancer with the virtual IP hears nobody, what it says still arrives.",
        "nothing: the other load balancer takes the virtual IP",
        (Break("partition-in", "holder", spread=1), Await("writes", 20), Calm(5), Mend("holder"), Await("writes", 20)),
    ),
    Experiment(
        "promoted_dies",
        "The primary loses its power, and so does the new one, right after its promotion.",
        "`failover.yml`; once more, which refuses for a standby that nobody saw; the new primary gets its power back, "
        "and `failover.yml` completes",
        (
            Break("power-cut", "primary", spread=1),
            Type("failover", (DONE, FAILED), wait=False),
            Await("promoted"),
            Break("power-cut", "promoted", spread=0.3),
            Await("ended", 120),
            Type("failover", (REFUSED,), says=("{primary}",)),
            Mend("promoted"),
            Calm(3),
            Type("failover"),
            Await("writes"),
        ),
    ),
    Experiment(
        "balancer_dies_during_failover",
        "The primary loses its power; during the failover so does the load balancer with the virtual IP.",
        "`failover.yml`; once more, with the waiver that the refusal names, for the load balancer is known to be off",
        (
            Break("power-cut", "primary", spread=1),
            Type("failover", (DONE, FAILED, REFUSED), wait=False),
            Break("power-cut", "holder", after=0.5, spread=3),
            Await("ended", 120),
            Type("failover", options=("-e", "failover_waive=unfenced_load_balancer")),
            Await("writes"),
        ),
    ),
    Experiment(
        "disk_full_on_candidate",
        "The primary loses its power; the disk of the standby that has the most is full to the last block.",
        "`failover.yml`; if it fails, room is made and it is typed again",
        (
            Break("power-cut", "primary", spread=1),
            Break("disk-full", "candidate"),
            Type("failover", (DONE, FAILED, REFUSED)),
            Mend("candidate"),
            Type("failover"),
            Await("writes"),
        ),
    ),
    Experiment(
        "disk_full_on_primary",
        "The disk of the primary is full to the last block.",
        "`failover.yml`",
        (Break("disk-full", "primary", spread=1), Calm(5), Type("failover"), Await("writes")),
    ),
    Experiment(
        "throttled_standbys",
        "Asynchronous replication over lines that are too slow for it; then the primary loses its power.",
        "`failover.yml`, which refuses and quotes the loss; again with the quoted number of bytes as the budget",
        (
            Break("throttle", "candidate", "1mbit"),
            Break("throttle", "other", "1mbit"),
            Break("power-cut", "primary", after=6, spread=2),
            Type("failover", (REFUSED,), says=("failover_max_loss_bytes",)),
            Type("failover", options=("-e", "failover_max_loss_bytes={quoted}")),
            Await("writes"),
        ),
        mode="async",
        storm=HARD,
        telling=True,
    ),
    Experiment(
        "primary_and_standby",
        "The primary and a standby lose their power at once.",
        "`failover.yml`, which refuses for the standby that nobody saw; when that one is back, `failover.yml` again",
        (
            Break("power-cut", "candidate", spread=1),
            Break("power-cut", "primary"),
            Type("failover", (REFUSED,), says=("{candidate}",)),
            Mend("candidate"),
            Type("failover"),
            Await("writes"),
        ),
    ),
    Experiment(
        "primary_and_balancer",
        "The primary and the load balancer with the virtual IP lose their power at once.",
        "`failover.yml`, which refuses for the load balancer; again with the waiver, for it is known to be off",
        (
            Break("power-cut", "primary", spread=1),
            Break("power-cut", "holder"),
            Type("failover", (REFUSED,), says=("{holder}", "unfenced_load_balancer")),
            Type("failover", options=("-e", "failover_waive=unfenced_load_balancer")),
            Await("writes"),
        ),
    ),
    Experiment(
        "site_power_cut",
        "The whole site loses its power, and gets it back.",
        "nothing: every host comes back as what it was",
        (Break("power-cut", "all", spread=1), Calm(2), Mend("all"), Await("writes", 60)),
        telling=True,
    ),
)

ALL = (*EXPERIMENTS, *WITH_BACKUPS)
BY_NAME = {experiment.name: experiment for experiment in ALL}
