"""Checks that nobody is deleting anything: a pending deletion fires within a second of the writing
credential (seen on CAPO v0.14.7)."""

from __future__ import annotations

from collections.abc import Mapping

from replank.domain.verdict import Verdict, failed, passed
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.family import live, look
from replank.migrations.takeover.steps.live_object import is_deleting
from replank.plan.parameters import text

_UNDO = (
    "A deletion cannot be taken back in Kubernetes. Undo the run while CAPO cannot write: it removes the "
    "object without its controller; then plan again."
)


async def nothing_deleting(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.nothing-deleting`: no object of the cluster carries a deletionTimestamp."""
    family = await look(at)
    deleting = [name for name, document in family.objects.items() if is_deleting(document)]
    if deleting:
        return failed(f"{', '.join(deleting)} carries a deletionTimestamp", _UNDO, deleting=list(deleting))
    return passed(objects=len(family.objects))


async def not_deleting(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.not-deleting`: the Machine is there and carries no deletionTimestamp."""
    machine = text(params, "machine")
    document = await live(at, key("Machine", machine))
    if document is None:
        return failed(f"Machine {machine} is not there", "Undo the run and plan again.")
    if is_deleting(document):
        return failed(f"Machine {machine} carries a deletionTimestamp", _UNDO)
    return passed(machine=machine)
