"""`python -m replank.testbed.crash`: replank that is killed, as by `kill -9`, at a point of its run.

--points PLAN                                  the points that are in the plan
--at POINT -- apply PLAN ...                   dies there; `replank resume` goes on
--died FILE --log LOG --then "resume C" -- apply PLAN ...
                                               dies once at every point that is not in FILE, carried on by
                                               the command --then, until it ends by itself
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from replank.plan.codec import load
from replank.plan.takeover import takeover_of
from replank.testbed.crash import hooks
from replank.testbed.crash.death import Death
from replank.testbed.crash.points import planned_points
from replank.testbed.crash.relay import Relay, command_line


def main() -> int:
    """The exit status of the command that ended by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m replank.testbed.crash",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--points", type=Path, metavar="PLAN")
    which.add_argument("--at", default="", metavar="POINT")
    which.add_argument("--died", type=Path, metavar="FILE")
    parser.add_argument("--log", type=Path, default=Path("crash.log"))
    parser.add_argument("--then", default="", metavar="COMMAND")
    parser.add_argument("command", nargs="*")
    options = parser.parse_args()
    if options.points:
        plan = takeover_of(load(options.points.read_bytes(), where=str(options.points)), "point")
        for direction in ("apply", "undo"):
            sys.stdout.writelines(f"{point}\n" for point in planned_points(plan, direction))
        return 0
    hooks.install(Death(only=options.at, died=options.died))
    if options.at:
        command_line(options.command)
    return Relay(options.command, shlex.split(options.then), options.died, options.log).run()


if __name__ == "__main__":
    sys.exit(main())
