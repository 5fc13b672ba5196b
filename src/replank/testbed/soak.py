"""`python -m replank.testbed.soak [--seeds N] [--first S]`: simulated takeovers, seed after seed.

SEED=n in the environment runs that one and prints all that happened in it. Exit status 1: something was
wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain

from replank.testbed.simulation.explore import explore
from replank.testbed.simulation.scenario import drawn

_BATCH = 50


@dataclass(frozen=True, slots=True)
class Soaked:
    """How one seed ended. `calls` and `faults`: how many. `near`: harm that one fence alone kept away."""

    seed: int
    status: str
    calls: int
    faults: int
    near: int
    wrong: list[str]


def one(seed: int) -> Soaked:
    """Runs a seed. A bug of the simulation itself is wrong as well."""
    outcome = explore(drawn(seed))
    faults = sum(" fault at point " in line for line in outcome.trace)
    return Soaked(seed, outcome.status, len(outcome.points), faults, len(outcome.near), outcome.wrong)


def _batch(seeds: range) -> list[Soaked]:
    return [one(seed) for seed in seeds]


def main() -> int:
    """Prints how runs ended, and every seed that went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--parallel", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if replayed := os.environ.get("SEED"):
        outcome = explore(drawn(int(replayed)))
        sys.stdout.write(f"{outcome}\n")
        return 1 if outcome.wrong else 0
    began = time.perf_counter()
    ends: Counter[str] = Counter()
    total: Counter[str] = Counter()
    seeds = range(options.first, options.first + options.seeds)
    batches = [seeds[at : at + _BATCH] for at in range(0, len(seeds), _BATCH)]
    with ProcessPoolExecutor(options.parallel) as pool:
        for soaked in chain.from_iterable(pool.map(_batch, batches)):
            ends[soaked.status] += 1
            total.update(calls=soaked.calls, faults=soaked.faults, near=bool(soaked.near))
            if soaked.wrong:
                total.update(wrong=1)
                sys.stdout.write(f"seed {soaked.seed} ({soaked.status}): {'; '.join(soaked.wrong)}\n")
                sys.stdout.flush()
    sys.stdout.write(
        f"seeds {seeds[0]} to {seeds[-1]}: {dict(ends)}; {total['calls']} calls, {total['faults']} faults, "
        f"{total['near']} seeds saved by the credential alone, {total['wrong']} wrong; "
        f"{time.perf_counter() - began:.0f} s. SEED=n replays one.\n"
    )
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
