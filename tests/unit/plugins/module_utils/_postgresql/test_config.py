"""Files are tried before they replace the old ones, and what the server cannot read is taken back."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sre.ha_recovery.plugins.module_utils._common.runner import Completed
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql import config
from ansible_collections.sre.ha_recovery.plugins.module_utils._postgresql.layout import Layout


class Server:
    """A server and a ``postgres -C`` that answer as told, and remember what the files held when they were asked."""

    def __init__(self, layout: Layout, trial: str = "", errors: Mapping[str, Any] | None = None) -> None:
        self.layout = layout
        self.trial = trial
        self.errors = {"hba": [], "settings": [], **(errors or {})}
        self.loaded_at = 100.0
        self.seen: dict[str, str] = {}
        self.reloads = 0

    def run(
        self, argv: Sequence[str], *, timeout: float, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> Completed:
        """Answer one command."""
        if argv[0].endswith("psql") or "psql" in " ".join(argv):
            return self.query(stdin or "")
        trial = Path(next(word for word in argv if word.startswith("config_file=")).removeprefix("config_file=")).parent
        self.seen = {str(path.relative_to(trial)): path.read_text() for path in trial.rglob("*.conf")}
        return Completed(1, "", self.trial) if self.trial else Completed(0, "100\n", "")

    def query(self, sql: str) -> Completed:
        """The three statements that the code asks."""
        if sql == config.FILE_ERRORS:
            return Completed(0, json.dumps(self.errors), "")
        if sql == config.RELOAD:
            self.reloads += 1
            self.loaded_at += 1
            return Completed(0, "true", "")
        return Completed(0, json.dumps({"loaded_at": self.loaded_at, "pending_restart": []}), "")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A host with a cluster and its programs."""
    made = Layout("17", "main", str(tmp_path))
    made.bin_dir.mkdir(parents=True)
    (made.bin_dir / "postgres").touch()
    (made.config_dir / "conf.d").mkdir(parents=True)
    (made.config_dir / "postgresql.conf").write_text("port = 5432\n")
    (made.config_dir / "conf.d" / "99-local.conf").write_text("work_mem = '9MB'\n")
    return made


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests give files to nobody and become nobody."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def file(layout: Layout, name: str, content: str, secret: bool = False) -> config.File:
    """One wanted file of the cluster."""
    return config.File(str(layout.config_dir / name), content, 0o600 if secret else 0o644, "postgres", secret)


def test_changes_are_content_and_mode(layout: Layout) -> None:
    """What is right is left alone."""
    path = layout.config_dir / "postgresql.conf"
    path.chmod(0o644)
    same = file(layout, "postgresql.conf", "port = 5432\n")
    assert config.changes([same]) == []
    path.chmod(0o600)
    assert [change.before for change in config.changes([same])] == ["port = 5432\n"]
    assert config.changes([file(layout, "new.conf", "x")]) == [config.Change(file(layout, "new.conf", "x"), None)]


def test_the_trial_holds_old_and_new_files(layout: Layout) -> None:
    """The copy is what the server would read: new settings beside people's own, password files not among them."""
    server = Server(layout)
    found = config.changes(
        [
            file(layout, "conf.d/10-ha_recovery.conf", "ssl = on\n"),
            file(layout, "replication.pgpass", "secret", secret=True),
        ]
    )
    config.check_settings(server, layout, found)
    assert server.seen == {
        "postgresql.conf": "port = 5432\n",
        "conf.d/99-local.conf": "work_mem = '9MB'\n",
        "conf.d/10-ha_recovery.conf": "ssl = on\n",
    }


def test_settings_that_postgres_refuses_change_nothing(layout: Layout) -> None:
    """The message repeats what Postgres said, without the name of the copy."""
    server = Server(
        layout, trial='LOG: invalid value for parameter "work_mem"\nFATAL: configuration file contains errors'
    )
    found = config.changes([file(layout, "conf.d/10-ha_recovery.conf", "work_mem = 'many'\n")])
    with pytest.raises(config.ConfigRefused, match='invalid value for parameter "work_mem" FATAL'):
        config.check_settings(server, layout, found)
    assert not (layout.config_dir / "conf.d" / "10-ha_recovery.conf").exists()


def test_nothing_is_tried_before_postgres_is_installed(layout: Layout) -> None:
    """A first run in check mode."""
    (layout.bin_dir / "postgres").unlink()
    server = Server(layout, trial="would fail")
    config.check_settings(server, layout, config.changes([file(layout, "conf.d/10-ha_recovery.conf", "x")]))
    assert server.seen == {}


@pytest.mark.parametrize(
    "errors", [{"hba": ["line 3: invalid authentication method"]}, {"settings": ["f line 1: x bad"]}]
)
def test_files_that_the_server_cannot_read_are_taken_back(layout: Layout, errors: dict[str, list[str]]) -> None:
    """The old file has its content again, the new one is gone, and the server was never told to reload."""
    server = Server(layout, errors=errors)
    (layout.config_dir / "pg_hba.conf").write_text("old\n")
    found = config.changes([file(layout, "pg_hba.conf", "new\n"), file(layout, "pg_ident.conf", "new\n")])
    with pytest.raises(config.ConfigRefused, match="the old ones are back"):
        config.apply(server, layout, found, port=5432, running=True)
    assert (layout.config_dir / "pg_hba.conf").read_text() == "old\n"
    assert not (layout.config_dir / "pg_ident.conf").exists()
    assert server.reloads == 0


def test_a_stopped_server_is_not_asked(layout: Layout) -> None:
    """Files are written; missing directories are made."""
    server = Server(layout, errors={"hba": ["never asked"]})
    wanted = file(layout, "deep/er/file.conf", "x\n")
    config.apply(server, layout, config.changes([wanted]), port=5432, running=False)
    assert Path(wanted.path).read_text() == "x\n"


def test_reload_waits_until_the_server_has_read_its_files(layout: Layout) -> None:
    """The state returned is the one after the reload."""
    server = Server(layout)
    assert config.reload(server, layout, 5432, 100.0)["loaded_at"] == 101.0


def test_a_file_newer_than_the_last_reload_is_noticed(tmp_path: Path) -> None:
    """A run killed between writing and reloading is made good; missing files do not count."""
    path = tmp_path / "server.crt"
    path.touch()
    os.utime(path, (500, 500))
    names = [str(path), str(tmp_path / "absent")]
    assert config.read_since(names, 500.0)
    assert not config.read_since(names, 499.9)


def test_diffs_do_not_show_secrets(layout: Layout) -> None:
    """Neither the old secret nor the new one."""
    path = layout.config_dir / "replication.pgpass"
    path.write_text("old-secret")
    shown = json.dumps(
        config.diff(
            config.changes(
                [
                    file(layout, "replication.pgpass", "new-secret", secret=True),
                    file(layout, "pg_hba.conf", "rule\n"),
                ]
            )
        )
    )
    assert "old-secret" not in shown
    assert "new-secret" not in shown
    assert "rule" in shown
