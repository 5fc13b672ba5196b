"""containerd's configuration: its files as written, and what is in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from replank.domain.unknown import Fact
from replank.inventory.facts.json_value import JSON

Path = tuple[str, ...]
"""The way to a setting: `("plugins", "io.containerd.cri.v1.runtime", "enable_selinux")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerdFile:
    """config.toml or an imported file. `version`: as written, 0 if it names none (containerd reads 1).

    `imports`: as written. `tree`: everything but `version` and `imports`; a value that is not kept is
    `(withheld)`. `withheld`: paths (in this file's own layout) of values that were dropped; of them `secret`
    are those that hold logins or tokens.
    """

    path: str
    sha256: str
    version: int
    imports: tuple[str, ...] = ()
    tree: Mapping[str, JSON] = field(default_factory=dict)
    withheld: tuple[Path, ...] = ()
    secret: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerdInForce:
    """What a daemon runs with, in the layout of configuration version 4 (the canonical one).

    `source`: `dump`, the daemon said so itself (with all defaults), or `merged`, replank merged the files as
    that daemon does (only what was written). `origins`: setting -> file that set it (empty for a dump).
    `ignored`: settings that stand in a file but are not in force, with the file.
    """

    source: Literal["dump", "merged"]
    tree: Mapping[str, JSON]
    withheld: tuple[Path, ...] = ()
    secret: tuple[Path, ...] = ()
    origins: tuple[tuple[Path, str], ...] = ()
    ignored: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerdConfiguration:
    """`files`: in the order in which the daemon loads them, config.toml first; empty: it runs on defaults.

    `dump`: the output of `containerd config dump`.
    """

    path: str
    files: tuple[ContainerdFile, ...]
    dump: Fact[ContainerdInForce]
