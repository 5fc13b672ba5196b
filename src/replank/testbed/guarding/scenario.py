"""What happens to a guarded cluster in one run: drawn from its seed, or said by a test."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from replank.guards.policy import Policy
from replank.testbed.simulation.faults import Fault

Happening = Literal[
    "control-planes-roll",
    "workers-roll",
    "worker-more",
    "worker-less",
    "worker-deleted",
    "workers-deleted",
    "control-plane-deleted",
    "paused",
    "workload-out",
    "cloud-out",
    "management-out",
    "deployment-reverted",
    "load-balancer-busy",
]
_CHANGES: Final[tuple[Happening, ...]] = (
    "control-planes-roll",
    "workers-roll",
    "worker-less",
    "worker-deleted",
    "workers-deleted",
    "control-plane-deleted",
)
_TROUBLES: Final[tuple[Happening, ...]] = (
    "worker-more",
    "paused",
    "workload-out",
    "cloud-out",
    "management-out",
    "deployment-reverted",
    "load-balancer-busy",
)
_RATES: Final = (0.0, 0.004, 0.015, 0.04, 0.08)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardScenario:
    """`happenings`: what happens, and after how many seconds. `rate`: share of calls with a fault. `faults`:
    point number -> fault. `handovers`: when another replica takes over, seconds. `stalls`: the old one stands
    still then, and wakes up again. `cured_after`: seconds until whoever owns what holds a drain mends it.
    `version`: of Cluster API. `window_opens_after`: seconds, 0 = no window. `drain`, `terminate`: of the
    policy.
    """

    seed: int
    happenings: tuple[tuple[float, Happening], ...] = ()
    rate: float = 0.0
    faults: dict[int, Fault] = field(default_factory=dict)
    handovers: tuple[float, ...] = ()
    stalls: bool = False
    monitored: bool = True
    never: bool = False
    bare: bool = False
    floating_ips: bool = False
    waits_for_volumes: bool = True
    cured_after: float = 200.0
    version: Literal["1.13", "1.14"] = "1.14"
    window_opens_after: float = 0.0
    drain: dict[str, Any] = field(default_factory=dict)
    terminate: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        happens = ", ".join(f"{what} at {at:.0f}" for at, what in self.happenings)
        blocks = [name for name in ("never", "bare", "floating_ips") if getattr(self, name)]
        handovers = [round(at) for at in self.handovers]
        return (
            f"seed {self.seed}: {happens}; faults {self.faults or self.rate}, handovers {handovers}"
            f"{' stalled' if self.stalls else ''}, with {blocks}, cured after {self.cured_after:.0f}, "
            f"window after {self.window_opens_after:.0f}, drain {self.drain}, terminate {self.terminate}, "
            f"{'' if self.monitored else 'no '}monitor, Cluster API {self.version}"
        )

    def policy(self) -> Policy:
        """Without the window, which needs a clock."""
        return Policy.model_validate({"drain": self.drain, "terminate": self.terminate})


def drawn(seed: int) -> GuardScenario:
    """The scenario of a seed."""
    chance = random.Random(f"{seed}/guard-scenario")  # noqa: S311  (a simulation)
    some = chance.random
    happenings = [(chance.uniform(5, 40), chance.choice(_CHANGES))]
    if some() < 0.4:
        happenings.append((chance.uniform(5, 240), chance.choice(_CHANGES)))
    troubles = chance.choice((0, 0, 1, 1, 2, 3))
    happenings += [(chance.uniform(2, 300), chance.choice(_TROUBLES)) for _ in range(troubles)]
    cured_after = chance.uniform(60, 400)
    taint = chance.choice(("set", "set", "machine", "none"))
    return GuardScenario(
        seed=seed,
        happenings=tuple(sorted(happenings)),
        rate=chance.choice(_RATES),
        handovers=tuple(sorted(chance.uniform(10, 400) for _ in range(chance.choice((0, 0, 1, 2))))),
        stalls=some() < 0.5,
        monitored=some() < 0.8,
        never=some() < 0.3,
        bare=some() < 0.3,
        floating_ips=some() < 0.5,
        waits_for_volumes=some() < 0.6,
        cured_after=cured_after,
        window_opens_after=chance.uniform(60, 400) if some() < 0.15 else 0.0,
        drain={
            "taint": taint,
            "surge": "allowed" if some() < 0.8 and taint != "none" else "never",
            "barePods": chance.choice(("wait", "evict")),
            "deadlineSeconds": chance.choice((120, 600, 3600)),
            "onDeadline": chance.choice(("wait", "warn", "force")),
        },
        terminate={
            "floatingIps": "keep" if some() < 0.8 else "release",
            "deadlineSeconds": chance.choice((60, 900, 900)),
            "onDeadline": chance.choice(("release", "release", "wait")),
        },
        version="1.13" if some() < 0.3 else "1.14",
    )
