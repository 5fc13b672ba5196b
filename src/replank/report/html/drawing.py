"""The cluster before and after, drawn alike so that the eye finds what differs: names and owners.

From above: who manages (Terraform's state, or the management cluster), the API's load balancer with the other
resources beside it, the network, and each group of machines in a frame. Every server stands in a box of its
owner with its Node, its zone and its ports. Both drawings have one layout and one size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from replank.plan.takeover import TakeoverPlan
from replank.report.html.drawing_machines import Members, draw_groups
from replank.report.html.drawing_resources import draw_infrastructure, draw_manager, draw_network
from replank.report.html.pen import MARGIN, WIDTH, Pen, When
from replank.report.html.shapes import LETTERS, Sheet
from replank.report.words import kind_word, owner_word, plural


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing. `title` and `describes` are its text for those who do not see it."""

    when: When
    title: str
    describes: str
    width: int
    height: float
    sheet: Sheet


def drawings(plan: TakeoverPlan) -> tuple[Drawing, Drawing]:
    """Before and after."""
    return _draw(plan, "before"), _draw(plan, "after")


def owners_drawn(drawn: Sequence[Drawing]) -> tuple[str, ...]:
    """Owners that the legend must explain: those whose letter stands in a drawing."""
    styles = {r.style for drawing in drawn for r in drawing.sheet.rects if r.style.startswith("badge ")}
    return tuple(owner for owner in LETTERS if f"badge own-{owner}" in styles)


def _draw(plan: TakeoverPlan, when: When) -> Drawing:
    pen = Pen(plan, when, {o.id: o for o in plan.ownership}, Sheet())
    draw_manager(pen)
    draw_infrastructure(pen)
    draw_network(pen)
    groups = [_members(plan, g.name, g.role, g.machines) for g in plan.groups]
    grouped = {name for group in plan.groups for name in group.machines}
    if rest := tuple(m.machine for m in plan.machines if m.machine not in grouped):
        groups.append(_members(plan, "", "worker", rest))
    draw_groups(pen, groups)
    title = "Before: made by Terraform and kubeadm" if when == "before" else "After: owned by Cluster API"
    return Drawing(when, title, _describe(pen), WIDTH, pen.y + MARGIN, pen.sheet)


def _members(plan: TakeoverPlan, name: str, role: str, names: tuple[str, ...]) -> Members:
    return Members(name, role, tuple(m for m in plan.machines if m.machine in names))


def _describe(pen: Pen) -> str:
    held = Counter(
        (owner, o.kind)
        for o in pen.plan.ownership
        for owner in (o.before if pen.when == "before" else o.after,)
    )
    words = [
        f"{owner_word(owner)} owns {n} {plural(kind_word(kind), n)}" for (owner, kind), n in held.items()
    ]
    return "; ".join(words) or "No resource is known."
