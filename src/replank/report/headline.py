"""What a reviewer must know first: may the plan be applied, what will change, what will not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from replank.domain.severity import Severity
from replank.inventory.facts.json_value import JSON
from replank.plan.model import Irreversible, Plan, PlanFinding
from replank.plan.takeover import Ownership, TakeoverPlan
from replank.report.words import count, kind_word, listed, owner_word, sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The plan in numbers. `because`: one sentence that says why the verdict is what it is."""

    ready: bool
    because: str
    blockers: tuple[PlanFinding, ...]
    servers: int
    renamed_servers: int
    ports: int
    renamed_ports: int
    machines: int
    groups: int
    differences: int
    objects: int
    secrets: int
    forgotten: int
    changing_owner: int
    steps: int
    points_of_no_return: int
    approvals: int

    @property
    def verdict(self) -> str:
        """`Ready` or `Not ready`."""
        return "Ready" if self.ready else "Not ready"


def headline(plan: TakeoverPlan) -> Headline:
    """Counts and the verdict."""
    blockers = tuple(f for f in plan.findings if f.severity == Severity.BLOCKER)
    ports = [port for machine in plan.machines for port in machine.ports]
    steps = [step for stage in plan.stages for step in stage.steps]
    return Headline(
        ready=plan.ready,
        because=_because(plan, blockers),
        blockers=blockers,
        servers=sum(1 for m in plan.machines if m.server_id),
        renamed_servers=sum(1 for m in plan.machines if m.rename_server_to),
        ports=len(ports),
        renamed_ports=sum(1 for port in ports if port.old != port.new),
        machines=len(plan.machines),
        groups=len(plan.groups),
        differences=sum(len(group.differences) for group in plan.groups),
        objects=len(plan.manifests),
        secrets=len(plan.secrets),
        forgotten=len(plan.forget),
        changing_owner=sum(1 for o in plan.ownership if o.before != o.after),
        steps=len(steps),
        points_of_no_return=len(points_of_no_return(plan)),
        approvals=sum(1 for step in steps if step.approval),
    )


def _because(plan: TakeoverPlan, blockers: tuple[PlanFinding, ...]) -> str:
    unknown = sum(1 for f in blockers if f.unknown)
    seen = len(blockers) - unknown
    if not plan.ready:
        parts = []
        if seen:
            parts.append(f"{count(seen, 'blocker')} must be cleared first")
        if unknown:
            parts.append(f"{count(unknown, 'check')} that could find a blocker could not be made")
        reason = listed(parts) or "the planner could not plan every part"
        return f"{reason}. The plan can be read and compared, but it is never applied."
    risks = sum(1 for f in plan.findings if f.severity == Severity.RISK)
    if risks:
        return f"No blocker stands. {count(risks, 'risk')} to weigh before it is applied."
    return "No blocker and no risk was found."


def points_of_no_return(plan: Plan) -> dict[str, str]:
    """Step ID -> why there is no way back: as the plan lists them, and every step without an undo."""
    points = {point.step: point.why for point in plan.points_of_no_return}
    for stage in plan.stages:
        for step in stage.steps:
            if isinstance(step.undo, Irreversible):
                points.setdefault(step.id, step.undo.irreversible)
    return {step: sentence(why) for step, why in points.items()}


def what_changes(plan: TakeoverPlan) -> tuple[str, ...]:
    """One sentence a kind of change, in the order of what hurts most if it were wrong."""
    h = headline(plan)
    lines = [
        f"{count(h.servers, 'server')}: 0 replaced, {h.renamed_servers} renamed. Each becomes a Machine.",
        f"{count(h.ports, 'port')}: {h.renamed_ports} renamed, so that CAPO finds them.",
    ]
    if h.renamed_servers:
        lines[0] += " Renaming a server needs its own approval."
    if h.changing_owner:
        lines.append(
            f"{count(h.changing_owner, 'resource')} changing owner: {owner_changes(plan.ownership)}."
        )
    if h.forgotten:
        lines.append(f"Terraform forgets {count(h.forgotten, 'resource')}, and destroys none of them.")
    lines.append(
        f"{count(h.objects, 'object')} and {count(h.secrets, 'Secret')} are written to namespace "
        f"{plan.namespace} of the management cluster."
    )
    return tuple(lines)


def what_stays(plan: TakeoverPlan) -> tuple[str, ...]:
    """What keeps its owner, by owner; and the endpoint."""
    kept: dict[str, Counter[str]] = {}
    for o in plan.ownership:
        if o.before == o.after:
            kept.setdefault(o.after, Counter())[o.kind] += 1
    lines = [
        f"{_KEEPS.get(owner, owner)}: {listed([count(n, kind_word(kind)) for kind, n in kinds.items()])}."
        for owner, kinds in kept.items()
    ]
    if plan.load_balancer.endpoint:
        lines.append(f"The API endpoint stays {plan.load_balancer.endpoint}.")
    return tuple(lines)


_KEEPS = {
    "terraform": "Terraform keeps",
    "cloud-provider": "The cloud provider keeps",
    "nobody": "In nobody's hands, as before",
    "elsewhere": "Owned elsewhere, as before",
}


@dataclass(frozen=True, slots=True)
class OwnedAlike:
    """Resources of one kind with the same owner now and the same owner after."""

    kind: str
    before: str
    after: str
    resources: tuple[Ownership, ...]


def owned_alike(plan: TakeoverPlan) -> tuple[OwnedAlike, ...]:
    """All resources; those that change hands first, else in the plan's order."""
    keys = dict.fromkeys((o.kind, o.before, o.after) for o in plan.ownership)
    rows = [
        OwnedAlike(*key, tuple(o for o in plan.ownership if (o.kind, o.before, o.after) == key))
        for key in keys
    ]
    return tuple(sorted(rows, key=lambda row: row.before == row.after))


def settings_words(settings: Mapping[str, JSON], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The settings that say something, flat: `new_machines.image` and its value as fleet.yaml writes it."""
    for key, value in sorted(settings.items()):
        if isinstance(value, Mapping):
            yield from settings_words(value, f"{prefix}{key}.")
        elif value not in ("", None, []):
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def owner_changes(ownership: tuple[Ownership, ...]) -> str:
    """`5 servers from Terraform to Cluster API, ...`, only what changes."""
    moves = Counter((o.kind, o.before, o.after) for o in ownership if o.before != o.after)
    return listed(
        [
            f"{count(n, kind_word(kind))} from {owner_word(before)} to {owner_word(after)}"
            for (kind, before, after), n in moves.items()
        ]
    )
