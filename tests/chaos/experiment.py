"""What an experiment is: data. The engine runs any of them, the judge judges any of them.

Hosts are named by what they are when the experiment begins, so that it can be done to any estate in any state:

=============  =====================================================================================
``primary``    the primary at the beginning
``candidate``  the standby that a failover would choose, asked at the moment when it is first named
``other``      the third database host
``holder``     the load balancer that holds the virtual IP at the beginning
``spare``      the other load balancer
``promoted``   the database host that was seen writable after the old primary
``repository`` the host with the backups
``all``        every host of the site
=============  =====================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

GENTLY = ("--writers", "4", "--think-time-ms", "25")
HARD = ("--writers", "8", "--think-time-ms", "5")
DONE, REFUSED, FAILED = "done", "refused", "failed"


@dataclass(frozen=True)
class Break:
    """A fault, ``after`` seconds from now and up to ``spread`` seconds more, as the seed has it. ``argument``: roles
    of other hosts, or a rate."""

    fault: str
    host: str
    argument: str = ""
    after: float = 0.0
    spread: float = 0.0


@dataclass(frozen=True)
class Mend:
    """Every fault of a host is undone, and it has booted."""

    host: str


@dataclass(frozen=True)
class Type:
    """The operator types a command. ``ends``: what it may come to; ``says``: what must be on the screen, roles in
    braces. ``wait`` false: the next step begins while it runs."""

    runbook: str
    ends: tuple[str, ...] = (DONE,)
    options: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    wait: bool = True


@dataclass(frozen=True)
class Await:
    """Nobody does anything until it happened: ``writes`` flow, another host was ``promoted``, the command ``ended``,
    a segment that was filled now was ``archived``, or its ``archiving_fails``."""

    what: str
    within: float = 60.0


@dataclass(frozen=True)
class Calm:
    """Nobody does anything for a while."""

    seconds: float


Step = Union[Break, Mend, Type, Await, Calm]


@dataclass(frozen=True)
class Experiment:
    """``happens``: the fault in a sentence, and ``operator``: what a person does about it; both for the documentation.

    ``alone``: why an old primary may be writable for itself while another is primary; empty: no two nodes may be
    writable at any sample. Clients of the virtual IP must never be served by two, whatever stands here.
    ``rival``: the host on which clients run that write to the old primary by its own address.
    ``storm``: how hard it blows. Gently: what is asked is whether it is right, and a load that takes every core makes
    hosts look dead that are not. ``telling``: part of ``pytest tests/chaos --telling``. ``backups``: wants a lab with
    backups (``HA_LAB_BACKUP=pgbackrest``).
    """

    name: str
    happens: str
    operator: str
    steps: tuple[Step, ...]
    mode: str = "sync"
    alone: str = ""
    rival: str = ""
    telling: bool = False
    backups: bool = False
    storm: tuple[str, ...] = GENTLY
