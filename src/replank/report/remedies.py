"""What is told of log agents' remedies: only texts that people and programs may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class HandWork:
    """What no edit can do. `block`: text to put at `where`, "" = none."""

    where: str
    why: str
    todo: str
    block: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldInput:
    """One input. `reads`: a format, both, neither, or why it is not known. `traps`: code and words."""

    name: str
    place: str
    reads: str
    traps: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAgent:
    """An agent. `reads`: docker, cri, both, neither, nothing (no container logs) or unknown. `changes`: what
    would be changed for it, as `ConfigMap name, key`. `done`: nothing has to be done."""

    namespace: str
    workload: str
    container: str
    kind: str
    image: str
    reads: str
    inputs: tuple[ToldInput, ...]
    changes: tuple[str, ...]
    by_hand: tuple[HandWork, ...]
    notes: tuple[str, ...]
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldHindrance:
    """Why a ConfigMap is not written, or would be in vain."""

    code: str
    why: str
    todo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldMap:
    """A ConfigMap to be changed. `diffs`: masked, one for each key. `agents`: whose remedy it is."""

    namespace: str
    name: str
    diffs: tuple[str, ...]
    agents: tuple[str, ...]
    kept_by: str
    hindrances: tuple[ToldHindrance, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldCluster:
    """A cluster. `agents`: as they were before anything was written. `written`: ConfigMaps that were, as
    `namespace/name`; `record`: the file for the way back, "" where nothing was written."""

    cluster: str
    agents: tuple[ToldAgent, ...]
    config_maps: tuple[ToldMap, ...]
    written: tuple[str, ...] = ()
    record: str = ""


def remedies_dict(told: ToldCluster) -> dict[str, Any]:
    """Every field, as JSON has it."""
    return asdict(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPlace:
    """A key of a ConfigMap on the way back. `outcome`: to be undone, undone, as before or refused. `diff`:
    masked. `code`, `why`: of a refusal."""

    namespace: str
    name: str
    key: str
    outcome: str
    diff: str = ""
    code: str = ""
    why: str = ""


def undo_dict(cluster: str, places: Sequence[ToldPlace]) -> dict[str, Any]:
    """Every field, as JSON has it."""
    return {"cluster": cluster, "places": [asdict(place) for place in places]}
