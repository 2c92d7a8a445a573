"""`python -m tests.lab`: break and heal hosts of the lab, or print how to reach its database."""

from __future__ import annotations

import argparse
import sys

from tests.lab.estate import ADDRESSES, Lab
from tests.lab.faults import ALL, FAULTS, break_host, heal
from tests.lab.shell import LabError


def main() -> int:
    """Do what the command line says; exit status 1 with one line on standard error when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    breaking = commands.add_parser("break", help="do a fault to a host")
    breaking.add_argument("fault", choices=sorted(FAULTS))
    breaking.add_argument("host", choices=[*sorted(ADDRESSES), ALL])
    breaking.add_argument(
        "--with", dest="argument", default="", help="partition-from, partition-but-clients: hosts; throttle: a rate"
    )
    healing = commands.add_parser("heal", help="undo every fault of a host")
    healing.add_argument("host", choices=[*sorted(ADDRESSES), ALL])
    dsn = commands.add_parser("dsn", help="print a DSN of the application database through the virtual IP")
    dsn.add_argument(
        "--port",
        type=int,
        default=5432,
        help="5432, 5433: the pooler, read-write and read-only; 5000, 5001: HAProxy alone",
    )
    arguments = parser.parse_args()
    lab = Lab()
    try:
        if arguments.command == "break":
            break_host(lab, arguments.fault, arguments.host, arguments.argument)
            print(f"{arguments.host}: {arguments.fault}. `make heal HOST={arguments.host}` undoes it.")
        elif arguments.command == "heal":
            print(f"{arguments.host}: {', '.join(heal(lab, arguments.host)) or 'nothing to undo'}")
        else:
            print(lab.dsn(arguments.port))
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    except FileNotFoundError as error:
        print(f"{error.filename} is missing: is lab {lab.name!r} up? `make lab` makes it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
