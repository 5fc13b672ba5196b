"""What a report calls a migration, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

IS: Final[Mapping[str, str]] = {
    "takeover": "takeover by Cluster API, in place",
    "runtime-swap": "another container runtime under running nodes, in place",
}
"""Migration -> what it is."""

UNDO_UNTIL: Final[Mapping[str, str]] = {
    "takeover": "until Cluster API has made a machine",
    "runtime-swap": "until the old runtime is given up",
}
"""Migration -> how long a step of it can be undone."""
