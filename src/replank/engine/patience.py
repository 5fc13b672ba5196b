"""How long the engine waits, and how often it tries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds, but for `attempts`.

    `poll_s`: between two looks at a check or a hold. `gate_s`: deadline of a check before or after a step.
    `hold_s`: deadline of a `Hold` error, and of checks before a step whose kind begins with `terraform.`:
    they wait for people. `attempts`: tries of a step that ends in `Transient`. `first_pause_s`,
    `longest_pause_s`: the pause after the first try, and its limit as it doubles; jitter takes up to half of
    it away.
    """

    poll_s: float = 2.0
    gate_s: float = 600.0
    hold_s: float = 86400.0
    attempts: int = 6
    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0
