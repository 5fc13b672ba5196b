"""One resource of a configuration, before its address is shaped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from replank.testbed.world import Document

Part = Literal["network", "control_plane", "workers", "api", "root"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One instance. `key`: its `for_each` key; the `count` index is its place in `Claim.members`."""

    key: str
    attributes: Document
    sensitive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A resource. `part`, `group`: which module holds it where the configuration has modules.

    `many`: it has `count` or `for_each`. `needs`: types and names that it depends on.
    """

    type: str
    name: str
    part: Part
    members: tuple[Member, ...]
    group: str = ""
    many: bool = False
    mode: Literal["managed", "data"] = "managed"
    provider: str = "terraform-provider-openstack/openstack"
    needs: tuple[str, ...] = field(default=())


def single(type: str, name: str, part: Part, attributes: Document, *, needs: tuple[str, ...] = ()) -> Claim:
    """A resource with one instance and no key."""
    return Claim(
        type=type, name=name, part=part, members=(Member(key="", attributes=attributes),), needs=needs
    )
