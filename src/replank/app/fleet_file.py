"""Reads fleet.yaml from disk."""

from __future__ import annotations

from pathlib import Path

from replank.app.store import read_file
from replank.domain.errors import Refused
from replank.inventory.fleet.loader import load_fleet
from replank.inventory.fleet.model import ClusterConfig, Fleet


def read_fleet(path: Path) -> Fleet:
    """The fleet. Raises `Refused` RP002 (no such file), RP010-RP019 (what is wrong, by line and field)."""
    data = read_file(path, what="The fleet file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(
            "RP010",
            "The fleet file cannot be read",
            f"it is not UTF-8 (byte {error.start})",
            "Save it as UTF-8.",
            where=str(path),
        ) from error
    return load_fleet(text, path=str(path.absolute()), home=str(Path.home()))


def clusters_named(fleet: Fleet, names: tuple[str, ...]) -> tuple[ClusterConfig, ...]:
    """The clusters that were named, or all. Raises `Refused` RP004."""
    from replank.app.store import chosen

    wanted = chosen((c.name for c in fleet.clusters), names, where=fleet.path)
    return tuple(c for c in fleet.clusters if c.name in wanted)


def not_told(config: ClusterConfig, *fields: str) -> Refused:
    """The error for a cluster of which fleet.yaml does not say how to reach a system."""
    return Refused(
        "RP857",
        f"Cluster {config.name} cannot be worked on",
        f"fleet.yaml does not name {', '.join(fields)}",
        "Complete it, then survey and plan again.",
    )
