"""A plan: data that a person reads, an engine runs, and a program compares.

Here stands what plans of all migrations have, and all that the engine knows of one. What one migration says
besides stands in a module of its own (`plan/takeover.py`). Nothing in a plan is a secret. Nothing in a plan
depends on the time it was made: the same snapshot and settings give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from replank.inventory.facts.json_value import JSON

SCHEMA: Final = "replank.plan/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCheck:
    """A check before or after a step. `kind` binds it to code when it runs; `says` is for the reader."""

    kind: str
    says: str
    params: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """How a step is undone. It restores what was found (the engine journals it), not what is usual."""

    kind: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Irreversible:
    """There is no undo, and why: a point of no return."""

    irreversible: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that is done.

    `id`: `<stage>/<n>-<slug>`, unique in the plan. `kind`: e.g. `openstack.port.rename`. `says`: a sentence
    naming the thing. `objects`: keys into `Plan.manifests` that this step applies. `approval`: a word that
    names why a person must agree separately ("rename-server"), "" = none.
    """

    id: str
    kind: str
    says: str
    params: Mapping[str, JSON] = field(default_factory=dict)
    objects: tuple[str, ...] = ()
    before: tuple[PlanCheck, ...] = ()
    after: tuple[PlanCheck, ...] = ()
    undo: Undo | Irreversible
    approval: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Steps that belong together. Stopping between stages is always safe; `rest` says what state that is.

    `on_request`: carried out only when it is asked for by name; such stages are the plan's last.
    """

    name: str
    title: str
    says: str
    rest: str
    steps: tuple[Step, ...]
    on_request: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFinding:
    """A finding of the audit that the reviewer must know. Times are dates, never "in n days"."""

    code: str
    severity: str
    subject: str
    evidence: tuple[str, ...]
    consequence: str
    remedy: str
    unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PointOfNoReturn:
    """A step without an undo, or after which undo is not lossless. `step`: its id."""

    step: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done to one cluster, by stages. Each migration has its own kind of plan, named in `migration`.

    `ready`: False while a blocker stands; such a plan can be read, compared and rendered, never applied.
    `settings`: what the operator chose. `made_by`: `replank VERSION`.
    """

    migration: str
    cluster: str
    made_by: str
    snapshot_sha256: str
    kubernetes_version: str
    ready: bool
    settings: Mapping[str, JSON]
    findings: tuple[PlanFinding, ...]
    points_of_no_return: tuple[PointOfNoReturn, ...]
    stages: tuple[Stage, ...]
    schema: Literal["replank.plan/v1"] = SCHEMA
