"""Where a takeover's steps and checks run, and what their code is."""

from __future__ import annotations

from typing import TypeAlias

from replank.plan.takeover import TakeoverPlan
from replank.ports import steps

At: TypeAlias = steps.At[TakeoverPlan]
StepCode: TypeAlias = steps.StepCode[TakeoverPlan]
CheckCode: TypeAlias = steps.CheckCode[TakeoverPlan]
