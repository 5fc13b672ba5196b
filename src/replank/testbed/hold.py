"""`python -m replank.testbed.hold CLUSTERS FOLDER`: keeps a twin up until its standard input ends.

A process of its own, so that a measurement of replank holds none of the twin's time and memory.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from replank.testbed.fleet.demo import scaled_world
from replank.testbed.twin import Twin


def main() -> None:
    """Prints a line when it is up, and its own costs when it goes."""
    count, folder = int(sys.argv[1]), Path(sys.argv[2])
    with Twin(scaled_world(count, seed=count), folder):
        sys.stdout.write("up\n")
        sys.stdout.flush()
        sys.stdin.read()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cost = {"cpu_s": usage.ru_utime + usage.ru_stime, "peak_mib": usage.ru_maxrss / 1024}
    sys.stdout.write(json.dumps(cost) + "\n")


if __name__ == "__main__":
    main()
