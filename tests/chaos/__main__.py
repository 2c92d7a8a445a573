"""`python -m tests.chaos NAME... [--seed 1]`: do experiments to the running lab, one after another.

Exit status 0 when everything that must hold held, each time. Results go to artifacts/chaos.json.
"""

from __future__ import annotations

import argparse
import sys

from tests.chaos.engine import run_experiment
from tests.chaos.experiments import ALL, BY_NAME


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BY_NAME)}; none: all of them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="name the experiments and stop")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(f"{one.name:<32}{one.happens}" for one in ALL))
        return 0
    unknown = [name for name in arguments.names if name not in BY_NAME]
    if unknown:
        parser.error(f"no such experiment: {', '.join(unknown)}; --list names them")
    results = [
        run_experiment(BY_NAME[name], arguments.seed, lambda line: print(line, flush=True))
        for name in arguments.names or list(BY_NAME)
    ]
    failed = [result["name"] for result in results if not result["ok"]]
    print(f"{len(results) - len(failed)} held, {len(failed)} did not {' '.join(failed)}".rstrip())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
