"""The stage that brings Cluster API's objects in line, after every node is swapped and before any commit."""

from __future__ import annotations

from collections.abc import Iterator

from replank.migrations.runtime_swap.cluster_api.images import TEMPLATE
from replank.plan.draft import Draft, check, stage
from replank.plan.model import PlanCheck, Stage, Undo
from replank.plan.runtime_swap import Alignment, ClusterApiPart, PlannedTemplate


def aligning(part: ClusterApiPart | None) -> tuple[Stage, ...]:
    """None where nothing has to change."""
    if part is None or not part.alignments:
        return ()
    return (
        stage(
            "align",
            "Bring Cluster API in line",
            "KubeadmControlPlane, MachineDeployments and what they are compared with are changed together, "
            "paused, so that new machines come with the new runtime and none is replaced.",
            "Machines are the same as before; the next ones come with the new runtime.",
            [*map(_template, part.templates), *map(_alignment, part.alignments)],
        ),
    )


def fence(part: ClusterApiPart | None) -> tuple[PlanCheck, ...]:
    """Before a node is touched: a rollout in the middle would bring the old runtime."""
    return () if part is None else (_at_rest(),)


def _at_rest() -> PlanCheck:
    return check("controlled.at-rest", "Cluster API replaces, makes and removes no machine")


def _template(template: PlannedTemplate) -> Draft:
    return Draft(
        slug=template.name,
        kind="runtime.make-template",
        says=f"Make {TEMPLATE} {template.name}: {template.like} with image {template.image_becomes}",
        params={"template": template.name},
        undo=Undo(kind="runtime.remove-template", says="It is removed; nothing names it then."),
    )


def _alignment(alignment: Alignment) -> Draft:
    objects = len({edit.object for edit in alignment.edits})
    return Draft(
        slug=alignment.keeper,
        kind="runtime.align",
        says=f"Change {alignment.keeper} and what it is compared with, {_objects(objects)} in all, while it "
        "is paused",
        params={"keeper": alignment.keeper},
        before=(_at_rest(),),
        after=tuple(_after(alignment)),
        undo=Undo(kind="runtime.unalign", says="The same objects get back what was there, paused again."),
    )


def _after(alignment: Alignment) -> Iterator[PlanCheck]:
    yield check(
        "controlled.aligned",
        f"{alignment.keeper} is as planned, and not paused by us",
        keeper=alignment.keeper,
    )
    yield check("controlled.nothing-replaced", "The same Machines, MachineSets and revisions as before")
    yield check("controlled.keep", "No Machine would be replaced, as the controllers judge it")


def _objects(number: int) -> str:
    return "1 object" if number == 1 else f"{number} objects"
