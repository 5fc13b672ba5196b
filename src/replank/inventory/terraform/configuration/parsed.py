"""What one configuration file says, before it is known which module it stands in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replank.inventory.facts.configuration import Key

Repeated = Literal["", "count", "for_each"]


class NotParsed(Exception):
    """The file is no configuration. `line`: the first that cannot be read."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceBlock:
    """A `resource` block of terraform-provider-openstack, by its place in the file."""

    type: str
    name: str
    first_line: int
    last_line: int
    repeated: Repeated = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleCall:
    """`source`: only where it is a local folder (`./x`, `../x`), else ""."""

    name: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A resource that an expression names. `module`: as written, only in moved, removed and import blocks."""

    line: int
    inside: str
    argument: str
    type: str
    name: str
    module: str = ""
    key: Key = ""
    index: int | str | None = None
    attribute: tuple[str | int, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """`lines`: how many it has."""

    lines: int
    blocks: tuple[ResourceBlock, ...] = ()
    modules: tuple[ModuleCall, ...] = ()
    mentions: tuple[Mention, ...] = ()


def local_source(source: str) -> str:
    """The source if it names a local folder (Terraform, "Module Sources": it begins with ./ or ../)."""
    return source if source.startswith(("./", "../")) else ""
