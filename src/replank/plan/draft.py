"""What planners build stages from: steps without their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.plan.model import Irreversible, PlanCheck, Stage, Step, Undo
from replank.plan.slug import limited, slug

SLUG_LIMIT: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A step without its number."""

    slug: str
    kind: str
    says: str
    undo: Undo | Irreversible
    params: Mapping[str, JSON] = field(default_factory=dict)
    objects: tuple[str, ...] = ()
    before: tuple[PlanCheck, ...] = ()
    after: tuple[PlanCheck, ...] = ()
    approval: str = ""


def stage(
    name: str, title: str, says: str, rest: str, drafts: Sequence[Draft], *, on_request: bool = False
) -> Stage:
    """A stage with its steps numbered. Numbers are as wide as the last one, so that text order is order."""
    width = max(2, len(str(len(drafts))))
    steps = tuple(
        Step(
            id=f"{name}/{number:0{width}}-{limited(slug(draft.slug), SLUG_LIMIT)}",
            kind=draft.kind,
            says=draft.says,
            params=draft.params,
            objects=draft.objects,
            before=draft.before,
            after=draft.after,
            undo=draft.undo,
            approval=draft.approval,
        )
        for number, draft in enumerate(drafts, start=1)
    )
    return Stage(name=name, title=title, says=says, rest=rest, steps=steps, on_request=on_request)


def check(kind: str, says: str, **params: JSON) -> PlanCheck:
    """A check of a step."""
    return PlanCheck(kind=kind, says=says, params=params)


NOTHING_TO_UNDO = Undo(kind="nothing", says="It only looks: there is nothing to undo.")
