"""The figures for replication lag, and what they are worth."""

from __future__ import annotations

import pytest
from role_probe.config import Config
from role_probe.lag import heard_age, known_end, lag_bytes, lag_seconds
from role_probe.state import Receiver
from role_probe_samples import NOW, peer, primary, replica, view_of

STREAMING = Receiver("streaming", "192.0.2.22", 5200, 0.1)


@pytest.mark.parametrize(
    ("server", "peers", "remembered", "end"),
    [
        pytest.param(replica(receiver=None), (), None, 5000, id="only what it has itself"),
        pytest.param(replica(receiver=STREAMING), (), None, 5200, id="what the WAL sender says"),
        pytest.param(
            replica(),
            (peer("pg2", role="primary", position=9000),),
            None,
            9000,
            id="the primary's probe knows more",
        ),
        pytest.param(replica(), (peer("pg3", position=7000),), None, 7000, id="another standby has more"),
        pytest.param(
            replica(),
            (peer("pg3", position=7000, timeline=2),),
            None,
            5000,
            id="an older timeline does not count",
        ),
        pytest.param(
            replica(),
            (peer("pg3", position=7000, system_identifier="1"),),
            None,
            5000,
            id="another cluster neither",
        ),
        pytest.param(replica(), (peer("pg3", position=7000, state="stopped"),), None, 5000, id="nor a stopped server"),
        pytest.param(replica(receiver=None), (), 8000, 8000, id="cut off: the last known end stays"),
        pytest.param(
            replica(receiver=STREAMING),
            (),
            8000,
            5200,
            id="streaming: a new primary may lie behind the old one",
        ),
        pytest.param(
            replica(receiver=None),
            (peer("pg2", role="primary"),),
            8000,
            5000,
            id="a primary's probe vouches too",
        ),
        pytest.param(replica(received=None, replayed=None, receiver=None), (), None, None, id="nothing is known"),
    ],
)
def test_the_newest_wal_that_exists(server, peers, remembered, end) -> None:  # type: ignore[no-untyped-def]
    """One row per source of knowledge."""
    assert known_end(server, peers, remembered) == end


@pytest.mark.parametrize(
    ("server", "end", "mode", "lag"),
    [
        (replica(), 5100, "apply", 100),
        (replica(replayed=4000), 5100, "apply", 1100),
        (replica(replayed=4000), 5100, "write", 100),
        (replica(), 4000, "apply", 0),
        (replica(), None, "apply", None),
        (replica(replayed=None, received=None), 5000, "apply", None),
        (primary(), 9000, "apply", 0),
    ],
)
def test_bytes(server, end, mode, lag) -> None:  # type: ignore[no-untyped-def]
    """From what exists to what is replayed or received."""
    assert lag_bytes(server, end, mode=mode) == lag


@pytest.mark.parametrize(
    ("server", "end", "seconds"),
    [
        pytest.param(replica(), 5000, 0.0, id="an idle cluster has no lag, however old its last commit"),
        pytest.param(replica(), 5001, 10.0, id="WAL is waiting"),
        pytest.param(replica(replayed_timestamp=None), 5001, None, id="nothing was ever replayed"),
        pytest.param(replica(replayed_timestamp=200.0), 5001, 0.0, id="the primary's clock is ahead"),
        pytest.param(replica(), None, None, id="unknown"),
        pytest.param(primary(), 9000, 0.0, id="a primary is never behind"),
    ],
)
def test_seconds(server, end, seconds) -> None:  # type: ignore[no-untyped-def]
    """The last replayed commit was at 90, now is 100."""
    assert lag_seconds(server, end, 100.0) == seconds


def test_a_young_wal_message_is_a_sign_of_life(config: Config) -> None:
    """Its age grows with the snapshot's."""
    view = view_of(replica(), (peer("pg2", answered_at=None),), now=NOW + 0.5)
    assert heard_age(view, config) == pytest.approx(0.6)
