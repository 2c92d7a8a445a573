"""What the stdout callback says of tasks, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.plugin_utils import screen
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.ticker import Ticker


@pytest.mark.parametrize(
    ("line", "results", "seconds"),
    [
        ("Do it", {"localhost": "ok"}, 0.1),
        ("Do it  (changed)", {"localhost": "changed"}, 0.1),
        ("Do it  (pg1, pg2 changed; lb1; 1.2 s)", {"pg2": "changed", "lb1": "ok", "pg1": "changed"}, 1.2),
        ("Do it  (pg1)", {"pg1": "ok", "pg2": "skipped", "pg3": "failed"}, 0.1),
        ("Do it  (7 hosts)", {f"h{number}": "ok" for number in range(7)}, 0.1),
        (None, {"pg1": "skipped", "pg2": "failed"}, 3.0),
        (None, {}, 3.0),
    ],
)
def test_outcome(line: str | None, results: dict[str, str], seconds: float) -> None:
    """Who changed, who was asked, how long it took."""
    assert screen.outcome_line("Do it", results, seconds) == line


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a\nb", {"msg": "a\nb"}),
        ("one\n2", {"msg": ["one", 2]}),
        ("3", {"msg": 3}),
        ("value", {"name": "value", "changed": False, "_ansible_verbose_always": True}),
        (None, {"msg": {"a": 1}}),
        (None, {"msg": [{"a": 1}]}),
        (None, {"msg": True}),
    ],
)
def test_debug(text: str | None, result: dict[str, Any]) -> None:
    """Plain where that says it all."""
    assert screen.debug_text(result) == text


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("refused\nnext: go", {"msg": "refused\nnext: go\n", "changed": False}),
        ("one\ntwo", {"msg": ["one", "two"]}),
        ("no reason given", {}),
        (screen.HIDDEN, {"censored": "the output has been hidden", "msg": "secret"}),
        (
            "ls /x: exit status 2\nls: no such file",
            {
                "msg": "non-zero return code",
                "rc": 2,
                "cmd": ["ls", "/x"],
                "stderr": "ls: no such file\n",
                "stdout": "x",
            },
        ),
        ("broken\nboom", {"msg": "broken", "module_stderr": "", "module_stdout": "boom"}),
    ],
)
def test_failure(text: str, result: dict[str, Any]) -> None:
    """The message, and what a command said last."""
    assert screen.failure_text(result) == text


def test_a_failed_commands_last_words_only() -> None:
    """Ten lines of them."""
    text = screen.failure_text({"msg": "x", "stderr": "\n".join(f"line {number}" for number in range(50))})
    assert text.splitlines() == ["x", *[f"line {number}" for number in range(40, 50)]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Failed to connect: Connection refused", "Task failed: Failed to connect:\nbanner\n\nConnection refused"),
        ("gone", "gone"),
        ("no reason given", ""),
    ],
)
def test_unreachable(text: str, message: str) -> None:
    """One line."""
    assert screen.unreachable_text({"msg": message}) == text


@pytest.mark.parametrize(
    ("text", "case"),
    [
        ("done in 2.0 s, 3 changed", {"changed": 3}),
        ("done in 2.0 s, nothing changed", {}),
        ("done in 2.0 s, 3 would be changed (check mode: nothing was)", {"changed": 3, "check": True}),
        ("failed on pg1, pg2, after 2.0 s, nothing changed", {"failed": ["pg2", "pg1"]}),
        ("ended after 2.0 s, 1 changed, no answer from pg3", {"changed": 1, "unreachable": ["pg3"]}),
    ],
)
def test_the_last_line(text: str, case: dict[str, Any]) -> None:
    """How it ended, how long it took, how much was changed."""
    defaults: dict[str, Any] = {"seconds": 2.0, "changed": 0, "failed": (), "unreachable": (), "check": False}
    assert screen.ending(**defaults | case) == text


class TestTicker:
    """The line at the foot of a terminal."""

    def test_it_speaks_only_of_what_takes_long_and_leaves_nothing_behind(self) -> None:
        """Drawn after a second, cut to the width, taken away before anything else."""
        said: list[bytes] = []
        ticker = Ticker(write=said.append, columns=lambda: 31)
        ticker.tick(1e9)
        ticker.show(lambda: "a rather long line that does not fit")
        ticker.tick(0.0)
        ticker.clear()
        assert said == []
        ticker.tick(1e9)
        ticker.stop()
        assert said == [b"\r\x1b[Ka rather long line that does n", b"\r\x1b[K"]
        ticker.tick(1e9)
        assert len(said) == 2

    def test_without_a_terminal_it_is_silent(self, capfd: pytest.CaptureFixture[str]) -> None:
        """Not one byte."""
        ticker = Ticker()
        ticker.show(lambda: "x")
        ticker.tick(1e9)
        ticker.stop()
        assert capfd.readouterr().out == ""
