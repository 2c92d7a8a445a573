"""Fencing: its steps, their order, and a real process that has to end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence import (
    FencePlan,
    FenceState,
    marker_text,
    plan_fence,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.fence_apply import (
    FenceFailed,
    apply_fence,
    read_state,
    server_processes,
    stop_server,
)
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.isolate import isolate, isolated, port_of
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout

MARKER = {"reason": "x"}


@pytest.mark.parametrize(
    ("fenced", "state", "steps"),
    [
        (True, FenceState(None, False, (7,)), ["write_marker", "mask", "stop"]),
        (True, FenceState(None, False, ()), ["write_marker", "mask"]),
        (True, FenceState(MARKER, True, (7,)), ["stop"]),
        (True, FenceState(MARKER, False, ()), ["mask"]),
        (True, FenceState(MARKER, True, ()), []),
        (True, FenceState(MARKER, True, (7,), True), ["stop", "let_in"]),
        (True, FenceState(MARKER, True, (), True), ["let_in"]),
        (False, FenceState(MARKER, True, ()), ["unmask", "remove_marker"]),
        (False, FenceState(MARKER, False, ()), ["remove_marker"]),
        (False, FenceState(None, False, (7,)), []),
        (False, FenceState(None, True, ()), []),
        (False, FenceState(MARKER, True, (7,), True), ["unmask", "let_in", "remove_marker"]),
        (False, FenceState(None, False, (), True), ["let_in"]),
    ],
)
def test_steps(fenced: bool, state: FenceState, steps: list[str]) -> None:
    """A mask without our marker is somebody else's, and is not lifted."""
    made = plan_fence(state, fenced=fenced)
    assert made.steps == steps
    assert made.changed is bool(steps)


@pytest.mark.parametrize(
    ("fenced", "state"),
    [
        (True, FenceState(MARKER, True, ())),
        (False, FenceState(MARKER, True, (7,))),
        (False, FenceState(MARKER, False, ())),
        (False, FenceState(None, True, ())),
    ],
)
def test_fenced_means_all_three(fenced: bool, state: FenceState) -> None:
    """Marker, mask, and nothing that runs."""
    assert state.fenced is fenced


def test_the_marker_says_how_to_lift_it() -> None:
    """For the next person who logs in there."""
    text = marker_text(host="pg1", fenced_at="2026", by="anna", reason="r", new_primary="pg2", lift_with="rejoin")
    assert json.loads(text) == {
        "host": "pg1", "fenced_at": "2026", "by": "anna", "reason": "r", "new_primary": "pg2", "lift_with": "rejoin",
    }  # fmt: skip


class Systemd:
    """Masks and unmasks in a temporary root, or refuses to."""

    def __init__(self, layout: Layout, *, works: bool = True, starting: bool = False) -> None:
        self.starting = starting
        self.link = Path(layout.root, "etc/systemd/system", layout.unit)
        self.works = works
        self.table = ""

    def _nft(self, argv: Sequence[str], stdin: str | None) -> Completed:
        if "list" in argv:
            return Completed(0, self.table, "") if self.table else Completed(1, "", "No such file or directory")
        if not self.works:
            return Completed(127, "", "nft: command not found")
        self.table = stdin or ""  # "delete" has no input
        return Completed(0, "", "")

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """systemctl mask|unmask, nft."""
        if argv[0] == "nft":
            return self._nft(argv, stdin)
        if not self.works:
            return Completed(1, "", "Failed to mask unit: read-only file system")
        if argv[1] == "show":
            return Completed(0, f"ActiveState={'activating' if self.starting else 'failed'}\n", "")
        if argv[1] == "stop":
            self.starting = False
        elif argv[1] == "mask":
            self.link.symlink_to("/dev/null")
        else:
            self.link.unlink()
        return Completed(0, "", "")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A cluster's directories in a temporary root."""
    made = Layout("17", "main", str(tmp_path))
    made.config_dir.mkdir(parents=True)
    made.data_directory().mkdir(parents=True)
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    return made


def fake_server(directory: Path, *, ignores_quit: bool) -> subprocess.Popen[Any]:
    """A process that looks like a postmaster of this directory: its name, its working directory, its pid file."""
    # Said either way: a shell starts what runs in its background with SIGQUIT ignored, and children inherit that.
    ignore = f"signal.signal(signal.SIGQUIT, signal.{'SIG_IGN' if ignores_quit else 'SIG_DFL'});"
    name = "import ctypes; ctypes.CDLL(None).prctl(15, b'postgres', 0, 0, 0);"
    process = subprocess.Popen(
        [sys.executable, "-c", f"import signal, time; {name} {ignore} print('up', flush=True); time.sleep(60)"],
        cwd=directory,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "up\n"
    (directory / "postmaster.pid").write_text(f"{process.pid}\n")
    return process


@pytest.mark.parametrize(("ignores_quit", "how"), [(False, "immediate"), (True, "killed")])
def test_a_server_is_stopped_whether_it_listens_or_not(layout: Layout, ignores_quit: bool, how: str) -> None:
    """SIGKILL is for the one that hangs."""
    directory = layout.data_directory()
    with fake_server(directory, ignores_quit=ignores_quit) as process:
        assert server_processes(directory) == (process.pid,)
        assert stop_server(layout, timeout=0.5) == how
        process.wait(5)
    assert server_processes(directory) == ()


def test_a_backend_without_a_postmaster_counts_and_is_killed(layout: Layout) -> None:
    """A killed postmaster leaves children that may still write."""
    directory = layout.data_directory()
    with fake_server(directory, ignores_quit=False) as process:
        (directory / "postmaster.pid").unlink()
        assert stop_server(layout, timeout=0.5) == "killed"
        process.wait(5)


def test_fenced_and_lifted_again(layout: Layout) -> None:
    """There and back, and the state says so each time."""
    systemd = Systemd(layout)
    apply_fence(systemd, layout, plan_fence(read_state(layout), fenced=True), "{}\n", timeout=0.5)
    assert read_state(layout).fenced
    apply_fence(systemd, layout, plan_fence(read_state(layout), fenced=False), "", timeout=0.5)
    assert read_state(layout) == FenceState(None, False, ())


def test_a_start_under_way_is_ended(layout: Layout) -> None:
    """The boot guard may be asking at this moment: a mask alone would let the server come up when it is done."""
    systemd = Systemd(layout, starting=True)
    apply_fence(systemd, layout, plan_fence(read_state(layout), fenced=True), "{}\n", timeout=0.5)
    assert not systemd.starting


def test_a_step_that_fails_does_not_keep_the_server_running(layout: Layout) -> None:
    """The mask fails, the server is stopped all the same, and the failure is told."""
    directory = layout.data_directory()
    with fake_server(directory, ignores_quit=False) as process:
        plan = FencePlan(write_marker=True, mask=True, stop=True)
        with pytest.raises(FenceFailed, match=r"could not be masked: .*read-only file system"):
            apply_fence(Systemd(layout, works=False), layout, plan, "{}\n", timeout=0.5)
        process.wait(5)
    assert read_state(layout).fenced is False


def test_the_marker_stays_when_unmasking_fails(layout: Layout) -> None:
    """Half lifted is still fenced."""
    layout.fence_marker.write_text("{}")
    with pytest.raises(FenceFailed, match="could not be unmasked"):
        apply_fence(Systemd(layout, works=False), layout, FencePlan(unmask=True, remove_marker=True), "", timeout=0.5)
    assert layout.fence_marker.exists()


@pytest.mark.parametrize("works", [True, False])
def test_a_server_that_survives_is_cut_off_and_let_in_again(
    layout: Layout, works: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is still not stopped, and that is told; only with rules in force, and masked, does it count as cut off."""
    (layout.config_dir / "conf.d").mkdir()
    (layout.config_dir / "postgresql.conf").write_text("port = 5433\t# (change requires restart)\n#port = 1\n")
    (layout.config_dir / "conf.d" / "10-site.conf").write_text("port=5434\n")
    assert port_of(layout) == 5434
    systemd = Systemd(layout, works=works)
    monkeypatch.setattr(f"{apply_fence.__module__}.stop_server", _survives)
    with pytest.raises(FenceFailed, match="survives SIGKILL") as told:
        apply_fence(systemd, layout, FencePlan(mask=True, stop=True), "{}\n", timeout=0.5)
    assert told.value.isolated is works
    assert ("its port is cut off instead" in str(told.value)) is works
    assert ("port 5434 could not be cut off either: nft: command not found" in str(told.value)) is not works
    if works:
        assert systemd.table.count("port 5434 drop") == 4 and isolated(systemd, 5434) and not isolated(systemd, 5432)
        state = read_state(layout, systemd)
        assert state.isolated
        # Still alive: the second try leaves the table where it is.
        with pytest.raises(FenceFailed):
            apply_fence(systemd, layout, replace(plan_fence(state, fenced=True), stop=True), "{}\n", timeout=0.5)
        assert isolated(systemd, 5434)
        apply_fence(systemd, layout, plan_fence(state, fenced=False), "", timeout=0.5)
        assert not isolated(systemd)


def test_one_that_has_ended_meanwhile_is_let_in_though_it_stays_fenced(layout: Layout) -> None:
    """Its disk answered again, and SIGKILL got through: pg_rewind and a copy need the way to the primary."""
    systemd = Systemd(layout, works=True)
    assert isolate(systemd, layout) == ""
    state = FenceState(marker={}, masked=True, processes=(), isolated=isolated(systemd))
    plan = plan_fence(state, fenced=True)
    assert plan.steps == ["let_in"]
    apply_fence(systemd, layout, plan, "{}\n", timeout=0.5)
    assert not isolated(systemd)


def _survives(layout: Layout, timeout: float) -> str:
    raise FenceFailed("process 7 survives SIGKILL (a stuck disk?)")
