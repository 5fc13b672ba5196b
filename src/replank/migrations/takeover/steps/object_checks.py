"""Checks of objects on the management cluster against the plan."""

from __future__ import annotations

from collections.abc import Mapping

from replank.domain.verdict import Verdict, failed, passed
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.family import kind_in, live
from replank.migrations.takeover.steps.live_object import annotations_of, is_deleting, spec_of
from replank.migrations.takeover.steps.planned_fields import additions, departures
from replank.migrations.takeover.vocabulary import GUARDS, PAUSED
from replank.plan.parameters import text, texts

_PUT_BACK = "Find out who changed it. Put it back as the plan has it and resume, or undo the run."


async def dry_run(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `kubernetes.dry-run`: the API server would take every object of the step, as it is written.

    `added` in the evidence: what the server and its webhooks would add (defaults). A webhook that changes a
    field of the plan fails it.
    """
    added: dict[str, JSON] = {}
    changed: list[str] = []
    for name in at.step.objects:
        planned = at.plan.manifests[name]
        written = await at.access.management.apply(planned, dry_run=True)
        added[name] = additions(planned, written)
        changed += [f"{name} {path}" for path in departures(planned, written)]
    if changed:
        return failed(
            f"a webhook of the management cluster would change {', '.join(changed)}",
            "Look for the webhook that does it: controllers would compare something else than planned.",
            added=added,
            changed=list(changed),
        )
    return passed(added={name: more for name, more in added.items() if more})


async def as_planned(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `kubernetes.as-planned`: the step's objects, or all of the plan where the step has none, have
    every field of the plan, but for what the takeover itself has lifted by then."""
    names = at.step.objects or tuple(at.plan.manifests)
    wrong: list[str] = []
    for name in names:
        document = await live(at, name)
        if document is None:
            wrong.append(f"{name} is not there")
            continue
        if is_deleting(document):
            wrong.append(f"{name} is being deleted")
        lifted = () if at.step.objects else _lifted(name)
        wrong += [f"{name} {path}" for path in departures(at.plan.manifests[name], document, lifted)]
    if wrong:
        return failed(f"not as planned: {', '.join(wrong)}", _PUT_BACK, wrong=list(wrong))
    return passed(objects=len(names))


def _lifted(name: str) -> list[str]:
    """Fields that later steps of the takeover change: pauses and guards."""
    if kind_in(name) == "Cluster":
        return ["spec.paused"]
    return [f"metadata.annotations[{annotation}]" for annotation in (PAUSED, *GUARDS)]


async def exists(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `kubernetes.exists`."""
    name = text(params, "object")
    document = await live(at, name)
    if document is None or is_deleting(document):
        state = "is not there" if document is None else "is being deleted"
        return failed(f"{name} {state}", "Find out who deleted it, then resume.")
    return passed(object=name)


async def annotation(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `kubernetes.annotation`: `object` or all `objects` carry the annotation, whatever its value."""
    wanted = text(params, "annotation")
    names = texts(params, "objects") if "objects" in params else [text(params, "object")]
    wrong = []
    for name in names:
        document = await live(at, name)
        if document is None:
            wrong.append(f"{name} is not there")
        elif wanted not in annotations_of(document):
            wrong.append(f"{name} does not carry {wanted}")
    return failed("; ".join(wrong), _PUT_BACK) if wrong else passed(objects=list(names))


async def cluster_paused(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `kubernetes.cluster.paused`."""
    name = text(params, "object")
    document = await live(at, name)
    if document is None:
        return failed(f"{name} is not there", _PUT_BACK)
    if spec_of(document).get("paused") is not True:
        return failed(f"{name} is not paused", _PUT_BACK)
    return passed(object=name)


async def guarded(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.guarded`: the Machine carries both guard hooks."""
    machine = text(params, "machine")
    document = await live(at, key("Machine", machine))
    if document is None:
        return failed(f"Machine {machine} is not there", _PUT_BACK)
    missing = [guard for guard in GUARDS if guard not in annotations_of(document)]
    if missing:
        return failed(f"Machine {machine} lacks {', '.join(missing)}", _PUT_BACK)
    return passed(machine=machine)


async def unguarded(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.unguarded`: no Machine carries a guard of replank's, and none is being deleted."""
    machines, wrong = texts(params, "machines"), []
    for machine in machines:
        document = await live(at, key("Machine", machine))
        if document is None:
            wrong.append(f"Machine {machine} is not there")
        elif is_deleting(document):
            wrong.append(f"Machine {machine} is being deleted")
        elif set(GUARDS) & set(annotations_of(document)):
            wrong.append(f"Machine {machine} still carries a guard")
    if wrong:
        return failed("; ".join(wrong), "Find out who did it, then resume or undo.")
    return passed(machines=list(machines))
