"""One property of a machine, as it is or as it would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from replank.domain.unknown import Fact, Unknown


@dataclass(frozen=True, slots=True)
class Trait:
    """`text`: for people. `values`: what it is, or all that it may be; empty = anything will do.

    `chosen`: whatever it is, it was left to OpenStack or to a name's newest bearer, so that another value
    is nobody's fault. `absent`: what it names and the project does not have, "" = all is there.
    """

    text: str
    values: frozenset[str] = frozenset()
    chosen: bool = False
    absent: str = ""


Makeup: TypeAlias = Mapping[str, Fact[Trait]]
"""Name of the property -> what it is. The names, in the order in which they are shown: `TRAITS`."""

FLAVOR: Final = "flavor"
IMAGE: Final = "image"
ROOT: Final = "root volume"
PORTS: Final = "ports"
GROUPS: Final = "security groups"
SERVER_GROUP: Final = "server group"
ZONE: Final = "failure domain"
TRAITS: Final = (IMAGE, FLAVOR, ROOT, PORTS, GROUPS, SERVER_GROUP, ZONE)


def differs(real: Fact[Trait], wanted: Fact[Trait]) -> bool | None:
    """Whether it is none of what is wanted; None where that cannot be said: one of the two is unknown, or
    what is wanted is gone from the project (a flavor's ID then has no name to compare)."""
    if isinstance(real, Unknown) or isinstance(wanted, Unknown):
        return None
    apart = bool(real.values) and bool(wanted.values) and not real.values & wanted.values
    return None if apart and wanted.absent else apart
