"""The words that the node's part and replank share: where a node stands, what its phases are called."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """Where a node stands. `NONE`: nothing is staged, or staging is at work."""

    NONE = ""
    STAGED = "staged"
    SWITCHING = "switching"
    SWAPPED = "swapped"
    UNDOING = "undoing"
    UNDONE = "undone"
    COMMITTED = "committed"
    STUCK = "stuck"


class Strategy(StrEnum):
    """`IN_PLACE`: containerd to containerd on one root. `SWITCH`: Docker to a second containerd."""

    IN_PLACE = "in-place"
    SWITCH = "switch"


class Command(StrEnum):
    """What `swap_node.py` can be asked."""

    CHECK = "check"
    STAGE = "stage"
    UNSTAGE = "unstage"
    START = "start"
    RUN = "run"
    RESUME = "resume"
    DEADLINE = "deadline"
    UNDO = "undo"
    COMMIT = "commit"
    STATUS = "status"
    MEASURE = "measure"


# The node works on by itself, towards one of `AT_REST`.
MOVING: Final = frozenset({Outcome.SWITCHING, Outcome.UNDOING})
AT_REST: Final = frozenset(Outcome) - MOVING

# Exit statuses of `swap_node.py`, besides 0.
REFUSED: Final = 1
WENT_BACK: Final = 3
IS_STUCK: Final = 4
