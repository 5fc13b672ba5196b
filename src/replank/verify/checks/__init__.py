"""The checks, one question each."""

from __future__ import annotations

from typing import Final

from replank.verify.check import Check
from replank.verify.checks import at_rest, drift, guarded, identity, next_rollout, owners, traces

CHECKS: Final[tuple[Check, ...]] = (
    *identity.CHECKS,
    *owners.CHECKS,
    *at_rest.CHECKS,
    *traces.CHECKS,
    *guarded.CHECKS,
    *drift.CHECKS,
    *next_rollout.CHECKS,
)
