# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which answer an endpoint gives. Pure tables: PROBLEMS says what can be wrong, ENDPOINTS what each path promises.

Status codes follow Patroni's REST API: 200 yes, 503 no, always with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .config import Config
from .lag import heard_age, lag_bytes
from .state import Peer, View

# What a problem takes away. Every scope includes the ones after it.
ANSWER = 3  # the server does not work, or we do not know: nothing is promised
SERVE = 2  # the server works, but no client may be sent to it
WRITE = 1  # reading is fine, writing is not


@dataclass(frozen=True)
class Verdict:
    """An HTTP status and the reasons for it (empty with 200)."""

    status: int
    reason: str = ""


def _stale(view: View, config: Config) -> str:
    if view.age <= config.max_age:
        return ""
    return f"last knowledge of the server is {view.age:.1f} s old, limit {config.max_age:g} s"


def _not_running(view: View, _config: Config) -> str:
    snapshot = view.snapshot
    if snapshot.state == "running" and snapshot.server is not None:
        return ""
    return f"postgres is {snapshot.state}: {snapshot.reason}"


def _wal_stalled(view: View, _config: Config) -> str:
    return view.snapshot.wal_stalled


def _fenced(view: View, _config: Config) -> str:
    return "fenced: the fence marker is present, this server must be stopped" if view.snapshot.fenced else ""


def _other_primary(view: View, config: Config) -> str:
    """Another primary of this cluster. The older timeline loses; with equal timelines nobody may be written to."""
    own = view.snapshot.server
    if own is None or own.role != "primary":
        return ""
    for peer in view.peers:
        if not (peer.is_primary and peer.fresh(view.now, config.peer_max_age)):
            continue
        if peer.system_identifier != own.system_identifier:
            continue
        if peer.timeline > own.timeline:
            return f"superseded: {peer.name} is primary on timeline {peer.timeline}, this server is on {own.timeline}"
        if peer.timeline == own.timeline:
            return f"split brain: {peer.name} is primary on the same timeline {own.timeline}"
    return ""


def _peers_not_asked(view: View, config: Config) -> str:
    """Only after asking the others may a primary be offered: they may have gone on while this host was suspended."""
    own = view.snapshot.server
    if own is None or own.role != "primary":
        return ""
    late = [p.name for p in view.peers if p.asked_at is None or view.now - p.asked_at > config.peer_max_age]
    return f"not yet asked {', '.join(late)} whether there is a newer primary" if late else ""


def _boot_guard(view: View, _config: Config) -> str:
    """The guard holds the server back; or the server runs writable although the guard had refused."""
    guard, server = view.on_disk.guard, view.snapshot.server
    if not guard or guard.get("verdict") not in ("refused", "asking"):
        return ""
    if server is None:
        after = f"; next: {guard['next']}" if guard.get("next") else ""
        return f"boot guard: {guard.get('reason')}{after}"
    if (
        server.role == "primary"
        and guard["verdict"] == "refused"
        and server.started_at > float(guard.get("epoch") or 0)
    ):
        return f"started past the boot guard, which had refused: {guard.get('reason')}"
    return ""


def _disk_low(view: View, _config: Config) -> str:
    return view.snapshot.disk_low


# (name, what it takes away, check -> reason or "")
PROBLEMS: tuple[tuple[str, int, Callable[[View, Config], str]], ...] = (
    ("stale", ANSWER, _stale),
    ("not_running", ANSWER, _not_running),
    ("wal_stalled", ANSWER, _wal_stalled),
    ("fenced", SERVE, _fenced),
    ("other_primary", SERVE, _other_primary),
    ("boot_guard", SERVE, _boot_guard),
    ("peers_not_asked", WRITE, _peers_not_asked),
    ("disk_low", WRITE, _disk_low),
)


@dataclass(frozen=True)
class Endpoint:
    """What a 200 promises."""

    roles: frozenset[str]
    tolerates: int  # problems up to this scope do not matter
    lag: bool = False  # honours ?lag= and ?replication_state= on a replica
    sync_states: frozenset[str] = frozenset()  # required of a replica
    ready: bool = False  # a replica has to stream and be near its primary


PRIMARY = frozenset({"primary"})
REPLICA = frozenset({"replica"})
ANY = PRIMARY | REPLICA
SYNC = frozenset({"sync", "quorum"})

ENDPOINTS: Mapping[str, Endpoint] = {
    "/": Endpoint(PRIMARY, tolerates=0),
    "/primary": Endpoint(PRIMARY, tolerates=0),
    "/master": Endpoint(PRIMARY, tolerates=0),
    "/leader": Endpoint(PRIMARY, tolerates=0),
    "/read-write": Endpoint(PRIMARY, tolerates=0),
    "/replica": Endpoint(REPLICA, tolerates=WRITE, lag=True),
    "/read-only": Endpoint(ANY, tolerates=WRITE, lag=True),
    "/sync": Endpoint(REPLICA, tolerates=WRITE, lag=True, sync_states=SYNC),
    "/synchronous": Endpoint(REPLICA, tolerates=WRITE, lag=True, sync_states=SYNC),
    "/read-only-sync": Endpoint(ANY, tolerates=WRITE, lag=True, sync_states=SYNC),
    "/quorum": Endpoint(REPLICA, tolerates=WRITE, lag=True, sync_states=frozenset({"quorum"})),
    "/read-only-quorum": Endpoint(ANY, tolerates=WRITE, lag=True, sync_states=frozenset({"quorum"})),
    "/async": Endpoint(REPLICA, tolerates=WRITE, lag=True, sync_states=frozenset({"async", "potential"})),
    "/asynchronous": Endpoint(REPLICA, tolerates=WRITE, lag=True, sync_states=frozenset({"async", "potential"})),
    "/health": Endpoint(ANY, tolerates=SERVE),
    "/readiness": Endpoint(ANY, tolerates=0, lag=True, ready=True),
}


def problems(view: View, config: Config) -> dict[str, str]:
    """Everything that is wrong, by name, most serious first."""
    found = {name: check(view, config) for name, _scope, check in PROBLEMS}
    return {name: reason for name, reason in found.items() if reason}


def decide(path: str, parameters: Mapping[str, str], view: View, config: Config) -> Verdict:
    """The verdict of one health check. ``path`` has to be a key of ENDPOINTS or ``/liveness``."""
    if path == "/liveness":
        return _liveness(view, config)
    endpoint = ENDPOINTS[path]
    scopes = {name: scope for name, scope, _check in PROBLEMS}
    found = problems(view, config)
    blocking = [reason for name, reason in found.items() if scopes[name] > endpoint.tolerates]
    if blocking:
        return Verdict(503, "; ".join(blocking))
    server = view.snapshot.server
    if server is None or server.role not in endpoint.roles:
        return Verdict(503, f"role is {server.role if server else 'unknown'}")
    if server.role == "primary":
        return Verdict(200)
    return _replica(endpoint, parameters, view, config)


def _liveness(view: View, config: Config) -> Verdict:
    """Whether the probe itself works; says nothing about Postgres."""
    late = view.now - view.beat_at
    if late <= config.liveness_max_age:
        return Verdict(200)
    return Verdict(503, f"the refresh loop last came round {late:.1f} s ago, limit {config.liveness_max_age:g} s")


def _replica(endpoint: Endpoint, parameters: Mapping[str, str], view: View, config: Config) -> Verdict:
    wanted_state = "streaming" if endpoint.ready else parameters.get("replication_state")
    if wanted_state is not None and replication_state(view) != wanted_state:
        return Verdict(503, f"replication state is {replication_state(view)}, wanted {wanted_state}")
    tags = [name for name in parameters if name.startswith("tag_")]
    if tags:
        return Verdict(503, f"this host has no tags, wanted {', '.join(tags)}")
    if endpoint.lag and (endpoint.ready or "lag" in parameters):
        reason, status = _too_far_behind(parameters, view, config, default=config.readiness_max_lag)
        if reason:
            return Verdict(status, reason)
    if endpoint.sync_states:
        reason = _sync_reason(endpoint.sync_states, view, config)
        if reason:
            return Verdict(503, reason)
    return Verdict(200)


def replication_state(view: View) -> str:
    """How this standby gets its WAL: 'streaming', or 'in archive recovery' when no WAL receiver streams."""
    server = view.snapshot.server
    if server is not None and server.receiver is not None and server.receiver.status == "streaming":
        return "streaming"
    return "in archive recovery"


def _too_far_behind(parameters: Mapping[str, str], view: View, config: Config, *, default: int) -> tuple[str, int]:
    """(reason, status), reason empty when the standby is near enough."""
    limit = parse_size(parameters["lag"]) if "lag" in parameters else default
    mode = parameters.get("mode", "apply")
    if limit is None or mode not in ("apply", "write"):
        return "lag must be bytes or a number with kB, MB, GB or TB; mode must be apply or write", 400
    server = view.snapshot.server
    behind = lag_bytes(server, view.snapshot.known_end, mode=mode) if server else None
    if behind is None:
        return "replication lag is unknown", 503
    if behind > limit:
        return f"replication lag is {behind} bytes, limit {limit}", 503
    age = heard_age(view, config)
    if config.lag_max_age and (age is None or age > config.lag_max_age):
        heard = "never" if age is None else f"{age:.1f} s ago"
        return f"replication lag is unknown: the cluster was last heard of {heard}, limit {config.lag_max_age:g} s", 503
    return "", 200


def current_primary(view: View, config: Config) -> Peer | None:
    """The peer that is primary now, the newest timeline if several say so, or None when none answered lately."""
    own = view.snapshot.server
    candidates = [
        peer
        for peer in view.peers
        if peer.is_primary
        and peer.fresh(view.now, config.peer_max_age)
        and (own is None or peer.system_identifier == own.system_identifier)
    ]
    return max(candidates, key=lambda peer: peer.timeline, default=None)


def sync_state(view: View, config: Config) -> str | None:
    """What the primary says about this standby ('sync', 'quorum', 'potential', 'async'), None when it is not known.

    Only the primary knows: a standby has no local view of it. Its probe lists its standbys, and we ask it.
    """
    primary = current_primary(view, config)
    return None if primary is None else primary.sync_states.get(config.name)


def _sync_reason(wanted: frozenset[str], view: View, config: Config) -> str:
    primary = current_primary(view, config)
    if primary is None:
        return f"sync state is unknown: no primary's probe answered within {config.peer_max_age:g} s"
    state = primary.sync_states.get(config.name)
    if state is None:
        return f"{primary.name} is primary and does not list {config.name} among its streaming standbys"
    return "" if state in wanted else f"sync state is {state}"


_UNITS = {"": 1, "B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}


def parse_size(text: str) -> int | None:
    """Bytes of '1048576', '16kB', '10MB', '1GB' (units as Postgres', powers of 1024), None for anything else."""
    match = re.fullmatch(r"(\d{1,18})\s*([A-Za-z]{0,2})", text.strip())
    if match is None or match[2].upper() not in _UNITS:
        return None
    return int(match[1]) * _UNITS[match[2].upper()]
