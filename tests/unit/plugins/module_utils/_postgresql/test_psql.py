"""One question, one JSON answer, or a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.psql import Answer, query_json


class Scripted:
    """Answers every command with the same result and remembers how it was called."""

    def __init__(self, result: Completed) -> None:
        self.result = result
        self.argv: Sequence[str] = ()
        self.stdin: str | None = None
        self.env: Mapping[str, str] = {}
        self.timeout = 0.0

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """Remember and answer."""
        self.argv, self.stdin, self.env, self.timeout = argv, stdin, env or {}, timeout
        return self.result


@pytest.mark.parametrize(
    ("done", "answer"),
    [
        (Completed(0, '{"a": 1}\n', ""), Answer(True, {"a": 1})),
        (Completed(0, '[{"a": 1}, \n {"a": 2}]\n', ""), Answer(True, [{"a": 1}, {"a": 2}])),
        (Completed(0, "", ""), Answer(True, None)),
        (Completed(0, "hello\n", ""), Answer(False, error="psql did not answer with JSON: hello")),
        (Completed(2, "", "FATAL:  starting up\n"), Answer(False, error="FATAL:  starting up")),
        (
            Completed(3, "", "ERROR:  canceling statement due to statement timeout\n"),
            Answer(False, error="ERROR:  canceling statement due to statement timeout", timed_out=True),
        ),
        (
            Completed(124, "", "psql: no answer within 2 s", timed_out=True),
            Answer(False, error="psql: no answer within 2 s", timed_out=True),
        ),
    ],
)
def test_answers(done: Completed, answer: Answer) -> None:
    """Never a guess."""
    assert query_json(Scripted(done), Layout("17"), "SELECT 1") == answer


def test_the_question_goes_through_standard_input_and_is_bounded_twice() -> None:
    """Nothing of it in the process list; the server gives up before we do."""
    runner = Scripted(Completed(0, "1", ""))
    query_json(runner, Layout("17"), "SELECT secret", timeout=2.0)
    assert "SELECT secret" not in " ".join(runner.argv)
    assert runner.stdin == "SELECT secret"
    assert runner.timeout == 2.0
    assert "statement_timeout=1800" in runner.env["PGOPTIONS"]
    assert "/usr/lib/postgresql/17/bin/psql" in runner.argv
