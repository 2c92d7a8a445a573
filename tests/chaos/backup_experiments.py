"""The experiments with backups. What each word means: tests/chaos/experiment.py."""

from __future__ import annotations

from tests.chaos.experiment import DONE, FAILED, REFUSED, Await, Break, Calm, Experiment, Mend, Type

FULL = ("-e", "backup_type=full")

EXPERIMENTS = (
    Experiment(
        "repository_dark",
        "The repository host loses its power for a while.",
        "nothing: writes go on, and what waited is archived once it is back",
        (
            Break("power-cut", "repository", spread=1),
            Await("archiving_fails", 150),
            Type("status", says=("{repository}",)),
            Type("backup", (REFUSED, FAILED), says=("{repository}",)),
            Await("writes"),
            Mend("repository"),
            Await("archived", 150),
            Type("backup"),
        ),
        backups=True,
    ),
    Experiment(
        "repository_full",
        "The disk of the repository is full to the last block.",
        "`backup.yml`, which names it; room is made, what waited is archived, and a backup is taken",
        (
            Break("disk-full", "repository", spread=1),
            Await("archiving_fails", 150),
            Type("status", says=("archiving",)),
            Type("backup", (REFUSED, FAILED), options=FULL),
            Await("writes"),
            Mend("repository"),
            Await("archived", 150),
            Type("backup", options=FULL),
        ),
        backups=True,
    ),
    Experiment(
        "primary_dies_during_backup",
        "The primary loses its power while a backup is taken.",
        "`failover.yml`, then `backup.yml` again",
        (
            Type("backup", (DONE, FAILED), options=FULL, wait=False),
            Break("power-cut", "primary", after=2, spread=3),
            Await("ended", 150),
            Type("failover"),
            Await("writes"),
            Type("backup", options=FULL),
            Calm(1),
        ),
        backups=True,
    ),
)
