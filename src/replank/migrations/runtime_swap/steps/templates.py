"""Step `runtime.make-template`: a template with another image beside the old one, which nothing names yet."""

from __future__ import annotations

import copy
from typing import Any

from replank.domain.errors import Refused
from replank.inventory.cluster_api.controlled_objects import machine_template
from replank.inventory.cluster_api.names import CLUSTER_NAME
from replank.inventory.cluster_api.object_meta import part
from replank.inventory.facts.json_value import JSON
from replank.migrations.runtime_swap.cluster_api.images import TEMPLATE
from replank.migrations.runtime_swap.steps.at import At
from replank.migrations.runtime_swap.steps.controlled import family, live, ref_of, template_of
from replank.plan.parameters import found_before
from replank.plan.runtime_swap import PlannedTemplate
from replank.ports.access import Conflict, Document


class MakeTemplate:
    """A copy of the old one, but for the image. Undo removes it where this run has made it."""

    async def found(self, at: At) -> JSON:
        return {"there": await _there(at, template_of(at)) is not None}

    async def apply(self, at: At) -> JSON:
        """Raises `Refused`: RP971 (the old one is gone), RP973 (another one is called so)."""
        planned = template_of(at)
        old = await live(at, f"{TEMPLATE}/{planned.like}", planned.api_version)
        wanted = _copy(at, old, planned)
        there = await _there(at, planned)
        if there is None:
            try:
                await at.access.management.create(wanted)
            except Conflict:
                there = await _there(at, planned)
            else:
                return {"made": planned.name}
        if there is None or there["spec"]["template"]["spec"] != wanted["spec"]["template"]["spec"]:
            raise Refused(
                "RP973",
                f"{TEMPLATE} {planned.name} is not made",
                "another one is called so, which is not a copy of " + planned.like + " with the image",
                "Remove it if nothing names it, then resume the run.",
            )
        return {"made": planned.name, "already": True}

    async def undo(self, at: At) -> JSON:
        """Raises `Refused` RP973 while something names it."""
        planned = template_of(at)
        there = await _there(at, planned)
        if there is None or found_before(at.before).get("there") is True:
            return {"removed": ""}
        users = [key for key, document in (await family(at)).items() if _named_by(document) == planned.name]
        if users:
            raise Refused(
                "RP973",
                f"{TEMPLATE} {planned.name} is not removed",
                f"it is named by {', '.join(users)}",
                "Move them to another template, then undo again.",
            )
        await at.access.management.delete(_ref(at, planned), uid=str(there["metadata"].get("uid", "")))
        return {"removed": planned.name}


def _named_by(document: Document) -> str:
    """The infrastructure template that a KubeadmControlPlane, MachineDeployment or MachineSet names."""
    return str(part(machine_template(document), "infrastructureRef").get("name") or "")


def _ref(at: At, planned: PlannedTemplate) -> Any:
    return ref_of(at, f"{TEMPLATE}/{planned.name}", planned.api_version)


async def _there(at: At, planned: PlannedTemplate) -> Document | None:
    return await at.access.management.get(_ref(at, planned))


def _copy(at: At, old: Document, planned: PlannedTemplate) -> Document:
    """Without the old one's marks: what keeps that from elsewhere would take this for its own."""
    spec = copy.deepcopy(old["spec"])
    spec["template"]["spec"]["image"] = dict(planned.image)
    return {
        "apiVersion": planned.api_version,
        "kind": TEMPLATE,
        "metadata": {
            "name": planned.name,
            "namespace": old["metadata"]["namespace"],
            "labels": {CLUSTER_NAME: at.plan.cluster},
        },
        "spec": spec,
    }
