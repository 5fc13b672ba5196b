"""The output of `containerd config dump` and `containerd config default`: what is in force, by its word."""

from __future__ import annotations

from typing import Final

from replank.inventory.runtime.containerd_config import MAX_VERSION, read_toml, scrub
from replank.inventory.runtime.containerd_facts import ContainerdInForce
from replank.inventory.runtime.containerd_homes import canonical, home_of
from replank.inventory.runtime.refusals import not_understood

COMMAND: Final = "containerd config dump"


def parse_dump(text: str, *, where: str = COMMAND) -> ContainerdInForce:
    """The effective configuration, with all defaults, in the canonical layout.

    containerd 1.x prints version 2, 2.0 to 2.2 print 3, 2.3 prints 4 (cmd/containerd/command/config.go,
    outputConfig). Raises `Refused` RP476.
    """
    document = read_toml(text, where, "RP476")
    version = document.pop("version", 0)
    document.pop("imports", None)
    if isinstance(version, bool) or not isinstance(version, int) or not 2 <= version <= MAX_VERSION:
        raise not_understood("RP476", where, f"it names none of the versions 2 to {MAX_VERSION}", _TODO)
    tree, withheld, secret = scrub(document, version)
    return ContainerdInForce(
        source="dump",
        tree=canonical(tree, version),
        withheld=tuple(sorted(home_of(path, version) for path in withheld)),
        secret=tuple(sorted(home_of(path, version) for path in secret)),
    )


_TODO: Final = "Run `containerd config dump` on the node; replank knows containerd 1.6 to 2.3."
