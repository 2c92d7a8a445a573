# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook
type: stdout
short_description: Shows a runbook's steps, verdicts and elapsed time
version_added: 0.1.0
author:
  - the ha_recovery authors (@ha-recovery)
description:
  - Shows each task as a sentence with the time since the run began, who changed something, and how long it took.
  - What a debug task says and why a task failed is shown as plain text.
  - On a terminal, a line at its foot says what is under way. Without one there are only plain lines.
  - With C(-v), everything is as P(ansible.builtin.default#callback) shows it.
extends_documentation_fragment:
  - ansible.builtin.default_callback
  - ansible.builtin.result_format_callback
requirements:
  - set as stdout_callback in ansible.cfg
"""

import textwrap
import time
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.plugins.callback.default import CallbackModule as DefaultCallback
from ansible.utils.fqcn import add_internal_fqcns
from ansible_collections.sre.ha_recovery.plugins.plugin_utils import screen
from ansible_collections.sre.ha_recovery.plugins.plugin_utils.ticker import Ticker

FREE = frozenset(add_internal_fqcns(("free", "host_pinned")))
# Colours of lines in what a debug task shows, by their first word.
WORDS = {"refused": C.COLOR_ERROR, "block": C.COLOR_ERROR, "warn": C.COLOR_WARN, "warning": C.COLOR_WARN,
         "waived": C.COLOR_WARN}  # fmt: skip


class _Step:
    """A task under way: when it began, and what each host answered."""

    def __init__(self, task: Any, began: float) -> None:
        self.task = task
        self.name = task.get_name().strip().rpartition(" : ")[2]
        self.began = self.ended = began
        self.results: dict[str, str] = {}
        self.waiting: set[str] = set()


def _noise(name: str) -> Any:
    """A hook that has nothing to say but with -v."""

    def hook(self: CallbackModule, *args: Any) -> None:
        if self._noisy:
            getattr(DefaultCallback, name)(self, *args)

    return hook


class CallbackModule(DefaultCallback):
    """See DOCUMENTATION."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "sre.ha_recovery.runbook"

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._steps: dict[str, _Step] = {}
        self._title: str | None = None
        self._hosts: set[str] = set()
        self._ticker = Ticker()
        self._noisy = self._display.verbosity > 0

    # How it is said

    def _say(self, text: str, color: str | None = None) -> None:
        """One or more lines, below the play's title if that was not shown yet."""
        self._show_title()
        self._display.display(text, color=color)

    def _show_title(self) -> None:
        self._ticker.clear()
        if self._title is not None:
            title, self._title = self._title, None
            self._display.display(title, color=C.COLOR_HIGHLIGHT)

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _under_way(self) -> str:
        steps = [step for step in self._steps.values() if step.waiting] or list(self._steps.values())
        if not steps:
            return ""
        hosts = sorted(steps[-1].waiting - {"localhost"})
        where = f" ({', '.join(hosts)})" if 0 < len(hosts) <= screen.NAMES else ""
        return f"{screen.stamp(self._now())}   … {steps[-1].name}{where}"

    # Steps

    def _step(self, task: Any) -> _Step:
        return self._steps.setdefault(task._uuid, _Step(task, self._now()))

    def _finish(self, step: _Step) -> None:
        """Say how a step ended, once."""
        self._steps.pop(step.task._uuid, None)
        action = screen.short_action(step.task.action)
        if action in screen.SILENT or action == "debug":
            return
        line = screen.outcome_line(step.name, step.results, step.ended - step.began)
        if line is not None:
            color = C.COLOR_CHANGED if "changed" in step.results.values() else None
            self._say(f"{screen.stamp(step.ended)}   {line}", color)

    def _finish_all(self) -> None:
        for step in list(self._steps.values()):
            self._finish(step)

    def _answer(self, result: Any, came_to: str) -> None:
        step = self._step(result.task)
        host = self.host_label(result)
        step.results[host] = came_to
        step.waiting.discard(result.host.get_name())
        step.ended = self._now()
        if self._play is not None and self._play.strategy in FREE and len(step.results) >= len(self._hosts) > 0:
            self._finish(step)

    def _begin(self, task: Any) -> None:
        if self._play is None or self._play.strategy not in FREE:
            self._finish_all()
        self._step(task)
        if self._ticker.on_terminal:
            self._show_title()
            self._ticker.show(self._under_way)

    def _fail(self, result: Any, text: str, item: str = "") -> None:
        """A failure, at once: where, what, why."""
        step = self._step(result.task)
        where = self.host_label(result)
        about = f"{step.name}{': ' + item if item else ''}"
        where = "" if where == "localhost" else f"{where}: "
        self._say(f"{screen.stamp(self._now())}   {where}{about}: failed", C.COLOR_ERROR)
        self._say(screen.indented(text), C.COLOR_ERROR)

    # Ansible's events. Where a task comes from, that it is tried again, and plays for nobody are noise.

    v2_runner_item_on_skipped = _noise("v2_runner_item_on_skipped")
    v2_runner_retry = _noise("v2_runner_retry")
    v2_runner_on_async_poll = _noise("v2_runner_on_async_poll")
    v2_playbook_on_include = _noise("v2_playbook_on_include")
    v2_playbook_on_no_hosts_matched = _noise("v2_playbook_on_no_hosts_matched")
    v2_playbook_on_no_hosts_remaining = _noise("v2_playbook_on_no_hosts_remaining")
    v2_playbook_on_start = _noise("v2_playbook_on_start")

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A play's name is its title, shown with the first thing it has to say."""
        if self._noisy:
            super().v2_playbook_on_play_start(play)
            return
        self._finish_all()
        self._play = play
        self._hosts = set()
        mark = " (check mode)" if play.check_mode else ""
        self._title = f"{screen.stamp(self._now())} {play.get_name().strip()}{mark}"

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A step begins."""
        if self._noisy:
            super().v2_playbook_on_task_start(task, is_conditional)
        else:
            self._begin(task)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """A handler is a step like any other."""
        if self._noisy:
            super().v2_playbook_on_handler_task_start(task)
        else:
            self._begin(task)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """A host begins a step."""
        if self._noisy:
            super().v2_runner_on_start(host, task)
        else:
            self._hosts.add(host.get_name())
            self._step(task).waiting.add(host.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        """A host is through with a step; a debug task speaks."""
        if self._noisy:
            super().v2_runner_on_ok(result)
            return
        self._handle_warnings(result.result)
        self._answer(result, "changed" if result.result.get("changed") else "ok")
        if screen.short_action(result.task.action) == "debug" and not result.task.loop:
            self._show_debug(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Its message only."""
        if self._noisy:
            super().v2_runner_on_failed(result, ignore_errors)
            return
        self._handle_warnings(result.result)
        # The items of a loop were told one by one.
        if not (result.task.loop and result.result.get("results")):
            self._fail(result, screen.failure_text(result.result))
        if ignore_errors:
            self._say(screen.indented("and the run goes on"), C.COLOR_SKIP)
        self._answer(result, "failed")

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Nothing to tell."""
        if self._noisy:
            super().v2_runner_on_skipped(result)
        else:
            self._answer(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """One line."""
        if self._noisy:
            super().v2_runner_on_unreachable(result)
            return
        goes_on = "; the run goes on" if result.task.ignore_unreachable else ""
        words = f"{self.host_label(result)}: no answer: {screen.unreachable_text(result.result)}{goes_on}"
        self._say(f"{screen.stamp(self._now())}   {words}", C.COLOR_UNREACHABLE)
        self._answer(result, "failed")
        if not goes_on:
            self._hosts.discard(result.host.get_name())

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Items are summed up by their task, but for what a debug task says."""
        if self._noisy:
            super().v2_runner_item_on_ok(result)
        elif screen.short_action(result.task.action) == "debug":
            self._show_debug(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """The item and its message."""
        if self._noisy:
            super().v2_runner_item_on_failed(result)
        else:
            self._fail(result, screen.failure_text(result.result), str(self._get_item_label(result.result)))

    def v2_on_file_diff(self, result: Any) -> None:
        """With --diff, below the name of what made it."""
        if self._noisy:
            super().v2_on_file_diff(result)
            return
        results = result.result.get("results", []) if result.task.loop else [result.result]
        for one in results:
            diff = self._get_diff(one["diff"]) if one.get("diff") and one.get("changed") else ""
            if diff:
                self._say(f"{screen.stamp(self._now())}   {self.host_label(result)}: {self._step(result.task).name}")
                self._say(diff.rstrip("\n"))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The last line."""
        if self._noisy:
            super().v2_playbook_on_stats(stats)
            return
        self._finish_all()
        self._ticker.stop()
        self._title = None
        line = screen.ending(
            seconds=self._now(),
            changed=sum(stats.changed.values()),
            failed=stats.failures,
            unreachable=stats.dark,
            check=bool(context.CLIARGS.get("check")),
        )
        bad = stats.failures or stats.dark
        self._say(f"{screen.stamp(self._now())} {line}", C.COLOR_ERROR if bad else C.COLOR_OK)

    def _show_debug(self, result: Any) -> None:
        """What a debug task says, line by line, in the colour of its first word."""
        if result.result.get("censored"):
            return
        shown = {key: value for key, value in result.result.items() if key not in self._hide_in_debug}
        text = screen.debug_text(shown)
        if text is None:
            text = textwrap.dedent(str(self._dump_results(shown)).strip("\n"))
        if len(self._hosts) > 1 and not result.task.run_once:
            text = f"{self.host_label(result)}: {text}"
        for line in text.splitlines() or [""]:
            first = line.replace(":", " ").split()[:1]
            self._say(line, WORDS.get(first[0]) if first else None)
