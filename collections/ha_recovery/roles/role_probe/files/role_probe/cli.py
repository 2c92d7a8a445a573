# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line and wiring: the only place that knows the driver, the clock and the service manager."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import VERSION
from .collector import Collector
from .config import Config, ConfigError, load
from .handler import Handler
from .httpd import HttpServer
from .on_disk import Disk
from .peers import Peers
from .postmaster import Postmaster
from .session import Connection, Session


def boot_clock() -> float:
    """Seconds that also pass while the host is suspended, and that nobody can set back."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Stopped(Exception):
    """The service manager or a person wants the probe to end."""


def stop_now(_number: int, _frame: object) -> None:
    """Signal handler: leave the event loop at once, a restart should take no longer than it must."""
    raise Stopped


def say(line: str) -> None:
    """One line for the journal."""
    print(line, file=sys.stderr, flush=True)


def notify(text: str) -> None:
    """Tell systemd (sd_notify(3)); does nothing when not started by it."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.connect("\0" + path[1:] if path.startswith("@") else path)
            channel.send(text.encode())
        except OSError:
            return


def connector(config: Config) -> tuple[Callable[[], Connection], type[Exception]]:
    """How to start an asynchronous connection, and the driver's base exception."""
    import psycopg2  # type: ignore[import-untyped]  # here: --check-config works before the driver is installed

    def connect() -> Connection:
        connection: Connection = psycopg2.connect(
            host=config.socket_directory,
            port=config.postgresql_port,
            user=config.user,
            dbname=config.database,
            application_name="role_probe",
            options="-c default_transaction_read_only=on -c statement_timeout=5s -c idle_session_timeout=0 -c jit=off",
            async_=1,
        )
        return connection

    return connect, psycopg2.Error


def run(config: Config) -> int:
    """Serve until SIGTERM or SIGINT."""
    connect, error = connector(config)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop_now)
    sys.setswitchinterval(0.001)  # an answer must not wait for the refresh thread's turn to end
    peers = Peers(config, boot_clock)
    disk = Disk(
        config.boot_guard_socket, boot_clock, every=config.boot_guard_interval, timeout=config.boot_guard_timeout
    )
    collector = Collector(
        config,
        Session(connect, error, boot_clock, patience=config.session_patience),
        Postmaster(
            f"{config.socket_directory}/.s.PGSQL.{config.postgresql_port}", boot_clock, interval=config.accept_interval
        ),
        peers.known,
        boot_clock,
        on_disk=disk.known,
        report=say,
    )
    # A runbook that has just promoted this host wants no old answer: "look again now".
    signal.signal(signal.SIGUSR1, lambda _number, _frame: collector.wake())
    # The counters are the server's, and the server needs its handler first.
    handler = Handler(
        config,
        collector.view,
        counters=lambda: counters(),  # pylint: disable=unnecessary-lambda
        look_on_disk=disk.wake,
    )
    server = HttpServer(
        config.listen_address,
        config.port,
        config.allowed_clients,
        handler.respond,
        boot_clock,
        max_connections=config.max_connections,
        request_timeout=config.request_timeout,
        report=say,
    )

    def counters() -> dict[str, int]:
        return {"requests_total": server.served, "refused_connections_total": server.refused}

    threads = [threading.Thread(target=collector.run, args=(stop,), name="refresh", daemon=True)]
    threads.append(threading.Thread(target=disk.run, args=(collector.view, stop), name="on disk", daemon=True))
    threads += [
        threading.Thread(target=peers.run, args=(peer, stop), name=f"peer {peer.name}", daemon=True)
        for peer in config.peers
    ]
    for thread in threads:
        thread.start()
    say(f"role probe {VERSION} of {config.name} answers on {config.listen_address}:{server.port}")
    notify("READY=1")
    last_beat = boot_clock()

    def running() -> bool:
        nonlocal last_beat
        view = collector.view()
        if view.now - last_beat >= 1 and view.now - view.beat_at <= config.liveness_max_age:
            last_beat = view.now
            notify("WATCHDOG=1")
        return True

    try:
        server.serve(running)
    except Stopped:
        notify("STOPPING=1")
    finally:
        stop.set()
        collector.wake()
        server.close()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line. Exit status 2 for a bad configuration, 1 when the port cannot be used."""
    parser = argparse.ArgumentParser(prog="role_probe", description="Health endpoint of a Postgres host.")
    parser.add_argument("--version", action="version", version=VERSION)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--config", type=Path, help="serve with this configuration")
    group.add_argument("--check-config", type=Path, help="check this configuration and exit")
    options = parser.parse_args(arguments)
    try:
        config = load(options.check_config or options.config)
    except ConfigError as error:
        say(f"role_probe: {error}")
        return 2
    if options.check_config:
        return 0
    try:
        return run(config)
    except OSError as error:
        say(f"role_probe: cannot listen on {config.listen_address}:{config.port}: {error.strerror}")
        return 1
