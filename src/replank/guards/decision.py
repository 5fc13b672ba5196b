"""What a round decides: what is done, and what is said on each Machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class AddHooks:
    """Puts hooks on a Machine that is not being deleted. `resource_version`: in which that was seen."""

    machine: str
    hooks: tuple[str, ...]
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """Takes a hook off a Machine. `uid`: of that Machine and no later one of its name."""

    machine: str
    uid: str
    hook: str


@dataclass(frozen=True, slots=True)
class Taint:
    """NoSchedule on a Node, or off it."""

    node: str
    on: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """A Deployment's replicas. `surged_from`: written beside them; None: taken away."""

    namespace: str
    name: str
    replicas: int
    surged_from: int | None
    resource_version: str


@dataclass(frozen=True, slots=True)
class AddMember:
    """A member for a Machine's address."""

    pool: str
    machine: str
    address: str
    port: int
    subnet_id: str


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """Out of the pool. `machine` "": no Machine has that address."""

    pool: str
    member: str
    address: str
    machine: str


@dataclass(frozen=True, slots=True)
class WeighMember:
    """New connections to a member (1), or none (0)."""

    pool: str
    member: str
    address: str
    machine: str
    weight: int


@dataclass(frozen=True, slots=True)
class KeepFloatingIp:
    """Takes a floating IP off its machine, so that it outlives it."""

    machine: str
    floating_ip: str
    address: str


Action: TypeAlias = (
    AddHooks | Release | Taint | Scale | AddMember | RemoveMember | WeighMember | KeepFloatingIp
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a hook is not released yet. `code`: stable, `RP7nn`; `word`: CamelCase, the condition's reason;
    `text`: for people: which budget, which pod, whose. `fatal`: at a deadline nobody is let go over this."""

    code: str
    word: str
    text: str
    fatal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What is said on a Machine. `state`: waiting; overdue (beyond the deadline, still waiting); released;
    forced (released with `reasons` left). `warn`: as an event of type Warning."""

    machine: str
    uid: str
    hook: str
    state: Literal["waiting", "overdue", "released", "forced"]
    reasons: tuple[Reason, ...] = ()
    warn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Of one round. `notes`: what is said of the cluster as a whole (pools)."""

    actions: tuple[Action, ...] = ()
    words: tuple[Word, ...] = ()
    notes: tuple[Reason, ...] = ()
