"""`python -m replank.testbed.soak [--of operator] [--seeds N] [--first S]`: simulated runs, seed after seed:
whole takeovers and undos, or lives of a cluster under the operator.

SEED=n in the environment runs that one and prints all that happened in it. Exit status 1: something was
wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final

from replank.testbed.guarding.explore import GuardOutcome
from replank.testbed.guarding.explore import explore as explore_guarding
from replank.testbed.guarding.scenario import drawn as drawn_guarding
from replank.testbed.simulation.explore import Outcome, explore
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


def takeover(seed: int) -> Outcome:
    """Steps and engine through a whole takeover, or back from one."""
    return explore(drawn(seed))


def operator(seed: int) -> GuardOutcome:
    """The operator's rounds while machines come and go."""
    return explore_guarding(drawn_guarding(seed))


KINDS: Final[dict[str, Callable[[int], Outcome | GuardOutcome]]] = {
    "takeover": takeover,
    "operator": operator,
}


def one(kind: str, seed: int) -> Soaked:
    """Runs a seed. A bug of the simulation itself is wrong as well."""
    outcome = KINDS[kind](seed)
    faults = sum(" fault at point " in line for line in outcome.trace)
    near = len(outcome.near) if isinstance(outcome, Outcome) else 0
    return Soaked(seed, outcome.status, len(outcome.points), faults, near, outcome.wrong)


def _batch(kind: str, seeds: range) -> list[Soaked]:
    return [one(kind, seed) for seed in seeds]


def main() -> int:
    """Prints how runs ended, and every seed that went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of", choices=sorted(KINDS), default="takeover")
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--parallel", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if replayed := os.environ.get("SEED"):
        outcome = KINDS[options.of](int(replayed))
        sys.stdout.write(f"{outcome}\n")
        return 1 if outcome.wrong else 0
    seeds = range(options.first, options.first + options.seeds)
    return 1 if _soak(options.of, seeds, options.parallel) else 0


def _soak(kind: str, seeds: range, parallel: int) -> int:
    """How many went wrong."""
    began = time.perf_counter()
    ends: Counter[str] = Counter()
    total: Counter[str] = Counter()
    batches = [seeds[at : at + _BATCH] for at in range(0, len(seeds), _BATCH)]
    with ProcessPoolExecutor(parallel) as pool:
        for soaked in chain.from_iterable(pool.map(partial(_batch, kind), batches)):
            ends[soaked.status] += 1
            total.update(calls=soaked.calls, faults=soaked.faults, near=bool(soaked.near))
            if soaked.wrong:
                total.update(wrong=1)
                sys.stdout.write(f"seed {soaked.seed} ({soaked.status}): {'; '.join(soaked.wrong)}\n")
                sys.stdout.flush()
    sys.stdout.write(
        f"{kind}, seeds {seeds[0]} to {seeds[-1]}: {dict(ends)}; {total['calls']} calls, "
        f"{total['faults']} faults, {total['near']} seeds saved by the credential alone, "
        f"{total['wrong']} wrong; {time.perf_counter() - began:.0f} s. SEED=n replays one.\n"
    )
    return total["wrong"]


if __name__ == "__main__":
    sys.exit(main())
