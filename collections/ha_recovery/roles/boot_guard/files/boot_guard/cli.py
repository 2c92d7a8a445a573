# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd runs: ``check`` before Postgres starts, ``wait`` after a refusal, ``serve`` for the role probe."""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .asking import ask_all
from .config import Config, ConfigError, load
from .decision import REFUSE, START, WAIT, Own, Verdict, Voice, decide, without_asking
from .files import facts, layout_of, read_own
from .serving import serve
from .telling import WORDS, document, read_override, refusal_lines, say, use_up_override, write_state

PAUSE_S = 0.25
#: A majority is enough, but hosts that are there and busy are heard first: they may know better.
PATIENCE_S = 3.0
SYSTEMCTL_S = 10.0


@dataclass
class Look:
    """One look at this host and at the others."""

    own: Own
    verdict: Verdict
    voices: list[Voice] = field(default_factory=list)


def look(config: Config, instance: str) -> Look:
    """Look at this host, and ask the others unless that is not needed."""
    own = read_own(config.name, layout_of(instance))
    verdict = without_asking(own, policy=config.policy, override=read_override())
    if verdict is not None:
        return Look(own, verdict)
    voices = ask_all(config)
    # The others were asked for as long as a second: what lies here may have changed meanwhile.
    again = read_own(config.name, layout_of(instance))
    verdict = without_asking(again, policy=config.policy, override="") or decide(again, voices, policy=config.policy)
    return Look(again, verdict, voices)


def tell(config: Config, instance: str, seen: Look, word: str = "") -> None:
    """Write the state file."""
    word = word or WORDS[seen.verdict.action]
    write_state(
        document(instance, seen.own, seen.voices, seen.verdict, word=word, policy=config.policy, now=time.time())
    )


def systemctl(*arguments: str) -> str:
    """Its output; '' when it does not answer."""
    try:
        return subprocess.run(
            ["systemctl", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SYSTEMCTL_S,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def announce(config: Config, instance: str) -> None:
    """Say that this host wants to start, before the others are asked: of two that want it, each sees the other."""
    own = read_own(config.name, layout_of(instance))
    if without_asking(own, policy=config.policy, override=read_override()) is None:
        asking = Verdict(WAIT, "asking", "the other hosts are being asked")
        tell(config, instance, Look(own, asking), "asking")


def until_decided(config: Config, instance: str, over: Callable[[], bool]) -> Look:
    """Look again until somebody knows, or until it is ``over``."""
    told, began = "", time.monotonic()
    while True:
        seen = look(config, instance)
        slow = [voice.name for voice in seen.voices if voice.slow]
        hurried = seen.verdict.row == "nobody_newer" and slow and time.monotonic() - began < PATIENCE_S
        if (seen.verdict.action != WAIT and not hurried) or over():
            return seen
        if hurried:
            continue
        if seen.verdict.reason != told:
            told = seen.verdict.reason
            say(f"boot guard: not yet: {told}")
            tell(config, instance, seen, "asking")
        time.sleep(PAUSE_S)


def check(config: Config, instance: str) -> int:
    """Status 0: Postgres may start. Waits for others that boot as well, but not for long."""
    if layout_of(instance).cluster != config.cluster:
        return 0
    began = time.monotonic()
    announce(config, instance)
    seen = until_decided(config, instance, lambda: time.monotonic() - began >= config.wait)
    tell(config, instance, seen)
    if seen.verdict.action == START:
        if seen.verdict.row == "override":
            use_up_override()
        if seen.verdict.row != "standby":
            say(f"boot guard: postgresql@{instance} may start: {seen.verdict.reason}")
            for note in seen.verdict.notes:
                say(f"boot guard: {note}")
        return 0
    for line in (*refusal_lines(instance, seen.verdict), *seen.verdict.notes):
        say(line)
    if seen.verdict.action == WAIT:
        systemctl("start", "--no-block", f"boot_guard_wait@{instance}.service")
    return 1


def wait(config: Config, instance: str) -> int:
    """After a refusal that may pass by itself: look again until it has, then start Postgres, which checks once more."""
    unit, told = f"postgresql@{instance}.service", ""
    while True:
        time.sleep(config.retry)
        shown = dict(
            line.partition("=")[::2]
            for line in systemctl("show", unit, "--property=ActiveState,LoadState").splitlines()
        )
        if shown.get("LoadState") == "masked" or shown.get("ActiveState") in ("active", "reloading"):
            return 0
        if shown.get("ActiveState") not in ("failed", "inactive"):
            continue
        seen = look(config, instance)
        if seen.verdict.action == START:
            say(f"boot guard: starts {unit}: {seen.verdict.reason}")
            systemctl("start", "--no-block", unit)
            return 0
        if seen.verdict.reason != told:
            told = seen.verdict.reason
            tell(config, instance, seen)
            for line in refusal_lines(instance, seen.verdict):
                say(line)
        if seen.verdict.action == REFUSE:
            return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 for every doubt."""
    parser = argparse.ArgumentParser(prog="boot_guard", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("/etc/ha_recovery/boot_guard.json"))
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("check", "wait"):
        commands.add_parser(name).add_argument("instance")
    commands.add_parser("serve")
    commands.add_parser("configuration")
    options = parser.parse_args(arguments)
    try:
        config = load(options.config)
        if options.command == "configuration":
            return 0
        if options.command == "serve":
            serve(lambda: json.dumps(facts(config.name, config.cluster)).encode())
        return (check if options.command == "check" else wait)(config, options.instance)
    except (ConfigError, OSError, subprocess.SubprocessError) as error:
        say(f"boot guard: refuses, for it cannot tell: {error}")
        return 1
