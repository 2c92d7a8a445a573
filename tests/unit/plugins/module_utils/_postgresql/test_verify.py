"""The client's write and read: what counts, what is tried again, what is told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.verify import (
    Target,
    VerifyFailed,
    write_and_read,
)

TARGET = Target("192.0.2.100", 5000, "ha_verify", "postgres", "/etc/p", "verify-ca", "/etc/ca.crt")
WRITTEN = Completed(0, "", "")
DOWN = Completed(2, "", "connection refused")


def row(*, found: bool = True, recovery: bool = False) -> Completed:
    """What reading back answers."""
    return Completed(
        0, json.dumps({"found": found, "server_address": "192.0.2.22", "in_recovery": recovery, "timeline": 2}), ""
    )


class Client:
    """psql that gives one answer after another, while a clock of its own goes on by a second each time."""

    def __init__(self, *answers: Completed) -> None:
        self.answers = list(answers)
        self.now = 0.0
        self.calls: list[Sequence[str]] = []
        self.sql: list[str] = []

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """The next answer; the last one for ever."""
        self.calls.append(argv)
        self.sql.append(stdin or "")
        assert "PGOPTIONS" not in (env or {})
        self.now += 1.0
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def verify(self, timeout: float = 10.0) -> dict[str, object]:
        """Write and read through this client."""
        return write_and_read(
            self, Layout("17"), TARGET, by="test", timeout=timeout, clock=lambda: self.now, sleep=lambda _s: None
        )


def test_written_and_read_back() -> None:
    """Both on the first try, each with its time."""
    assert Client(WRITTEN, row()).verify() == {
        "server_address": "192.0.2.22", "timeline": 2, "tries": 1, "seconds": 1.0, "read_seconds": 2.0,
    }  # fmt: skip


def test_nothing_is_left_in_a_session_that_a_pooler_lends_out() -> None:
    """The limit is the transaction's, and no setting is asked for at the start: a pooler would refuse it."""
    client = Client(WRITTEN, row())
    client.verify()
    assert [sql.startswith("BEGIN; SET LOCAL statement_timeout") for sql in client.sql] == [True, True]
    assert all(sql.rstrip().endswith("COMMIT;") and ";;" not in sql for sql in client.sql)


@pytest.mark.parametrize(
    "before", [(DOWN,), (WRITTEN, row(found=False)), (WRITTEN, row(recovery=True)), (WRITTEN, DOWN)]
)
def test_it_tries_again(before: tuple[Completed, ...]) -> None:
    """Until it is written, acknowledged and there."""
    assert Client(*before, WRITTEN, row()).verify()["tries"] == 2


def test_it_gives_up_with_the_last_reason() -> None:
    """And says how often it tried."""
    with pytest.raises(VerifyFailed, match="connection refused") as failed:
        Client(DOWN).verify(timeout=3.0)
    assert failed.value.tries == 3


def test_a_lost_row_is_named() -> None:
    """An acknowledgement that meant nothing is the worst answer."""
    with pytest.raises(VerifyFailed, match=r"the row that 192.0.2.22 acknowledged is not there"):
        Client(WRITTEN, row(found=False), WRITTEN, row(found=False)).verify(timeout=3.0)


def test_no_password_in_the_command() -> None:
    """It is in the password file, and the file's name is all that shows."""
    client = Client(WRITTEN, row())
    client.verify()
    words = " ".join(client.calls[0])
    assert "passfile=/etc/p" in words and "password" not in words
    assert "sslmode=verify-ca" in words and "sslrootcert=/etc/ca.crt" in words
