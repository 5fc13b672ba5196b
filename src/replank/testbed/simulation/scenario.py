"""What happens in one simulated run: drawn from its seed, or said by a test."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final, Literal

from replank.testbed.simulation.faults import Fault

Ending = Literal["settled", "undone", "settled-undone", "again"]
_RATES: Final = (0.0, 0.004, 0.015, 0.04, 0.08)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`ending`: settled (applied to the end), undone (stopped at some step, then undone), settled-undone,
    again (stopped, undone, applied to the end).

    `stop_at`: share of the steps after which it is stopped. `rate`: share of calls with a fault. `faults`:
    point number -> fault. `pauses`, `renames`, `slow_watches`: which outsiders meddle.
    """

    seed: int
    shape: str = "1+1"
    ending: Ending = "settled"
    stop_at: float = 0.5
    rate: float = 0.0
    faults: dict[int, Fault] = field(default_factory=dict)
    pauses: bool = False
    renames: bool = False
    slow_watches: bool = False

    def __str__(self) -> str:
        meddling = [name for name in ("pauses", "renames", "slow_watches") if getattr(self, name)]
        return (
            f"seed {self.seed}: {self.shape}, {self.ending}, stop at {self.stop_at:.2f}, faults "
            f"{self.faults or self.rate}, meddling {', '.join(meddling) or 'nobody'}"
        )


def drawn(seed: int) -> Scenario:
    """The scenario of a seed. One in eight has three control planes and two workers."""
    chance = random.Random(f"{seed}/scenario")  # noqa: S311  (a simulation)
    return Scenario(
        seed=seed,
        shape="3+2" if chance.random() < 0.12 else "1+1",
        ending=chance.choice(("settled", "undone", "undone", "settled-undone", "again")),
        stop_at=chance.random(),
        rate=chance.choice(_RATES),
        pauses=chance.random() < 0.2,
        renames=chance.random() < 0.1,
        slow_watches=chance.random() < 0.5,
    )
