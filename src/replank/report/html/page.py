"""Pages: `render_plan` for one plan, `render_index` for a folder of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from replank.audit.catalogue import catalogue
from replank.plan import codec
from replank.plan.order import applying_stages, manifest_keys
from replank.plan.takeover import PlannedMachine, TakeoverPlan
from replank.report.finding_groups import finding_groups
from replank.report.forgetting import forget_texts
from replank.report.headline import (
    headline,
    owned_alike,
    points_of_no_return,
    settings_words,
    what_changes,
    what_stays,
)
from replank.report.html.drawing import drawings, owners_drawn
from replank.report.html.environment import environment
from replank.report.html.shapes import LETTERS
from replank.report.manifests import manifest_yaml


def render_plan(plan: TakeoverPlan) -> str:
    """The whole plan as one HTML page. The same plan gives the same page.

    Nothing is loaded from elsewhere and no script runs (the page's own Content-Security-Policy forbids both);
    every text of the plan is escaped.
    """
    drawn = drawings(plan)
    return (
        environment()
        .get_template("plan.html.j2")
        .render(
            plan=plan,
            h=headline(plan),
            changes=what_changes(plan),
            stays=what_stays(plan),
            drawings=drawn,
            owners=owners_drawn(drawn),
            owned=owned_alike(plan),
            letters=LETTERS,
            groups=_machines_by_group(plan),
            points=points_of_no_return(plan),
            findings=finding_groups(plan.findings),
            texts=catalogue(),
            forgets=forget_texts(plan),
            manifests=_manifests_by_stage(plan),
            settings=tuple(settings_words(plan.settings)),
            plan_sha256=codec.sha256(plan),
        )
    )


def render_index(plans: Sequence[TakeoverPlan], link: Callable[[TakeoverPlan], str] | None = None) -> str:
    """A page that leads to the pages of several plans. `link`: plan -> relative address of its page."""
    address = link or (lambda plan: f"{plan.cluster}.html")
    rows = [(plan, headline(plan), address(plan)) for plan in plans]
    return (
        environment()
        .get_template("index.html.j2")
        .render(
            rows=rows,
            ready=sum(1 for plan in plans if plan.ready),
            machines=sum(len(plan.machines) for plan in plans),
        )
    )


def _machines_by_group(plan: TakeoverPlan) -> list[tuple[object, list[PlannedMachine]]]:
    """Each group with its machines; machines of no group last, under None."""
    by_group: list[tuple[object, list[PlannedMachine]]] = [
        (group, [m for m in plan.machines if m.machine in group.machines]) for group in plan.groups
    ]
    grouped = {name for group in plan.groups for name in group.machines}
    if rest := [machine for machine in plan.machines if machine.machine not in grouped]:
        by_group.append((None, rest))
    return by_group


def _manifests_by_stage(plan: TakeoverPlan) -> dict[str, list[tuple[str, str]]]:
    """Title of the stage that applies them -> (key, YAML)."""
    stages = applying_stages(plan)
    found: dict[str, list[tuple[str, str]]] = {}
    for key in manifest_keys(plan):
        title = stages[key].title if key in stages else "Applied by no step"
        found.setdefault(title, []).append((key, manifest_yaml(plan, key)))
    return found
