"""The port `Judge`: the very comparison by which the simulated controllers replace machines."""

from __future__ import annotations

from collections.abc import Mapping

from replank.ports.access import Judgement, Rolling
from replank.testbed.simulation.controllers.machine_deployment import same_template
from replank.testbed.simulation.controllers.up_to_date import why_outdated
from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.labels import CONTROL_PLANE, labels_of, matches


class SimulatedJudge:
    """Says of every control-plane Machine and MachineSet whether it would be replaced."""

    async def judge(self, objects: Mapping[str, Document]) -> Judgement:
        rolling: list[Rolling] = []
        for name, document in sorted(objects.items()):
            if document["kind"] == "KubeadmControlPlane":
                rolling += _control_plane(document, objects)
            elif document["kind"] == "MachineDeployment":
                rolling += _deployment(name, document, objects)
        return Judgement(by="replank simulation", rolling=tuple(rolling))


def _control_plane(kcp: Document, objects: Mapping[str, Document]) -> list[Rolling]:
    found = []
    for name, machine in sorted(objects.items()):
        if machine["kind"] != "Machine" or CONTROL_PLANE not in labels_of(machine):
            continue
        config = (machine["spec"]["bootstrap"].get("configRef") or {}).get("name", "")
        why = why_outdated(
            kcp,
            machine,
            objects.get(f"KubeadmConfig/{config}"),
            objects.get(f"OpenStackMachine/{machine['spec']['infrastructureRef']['name']}"),
        )
        if why:
            found.append(Rolling(object=name, why=why))
    return found


def _deployment(name: str, deployment: Document, objects: Mapping[str, Document]) -> list[Rolling]:
    sets = [
        document
        for document in objects.values()
        if document["kind"] == "MachineSet"
        and matches(document, deployment["spec"]["selector"]["matchLabels"])
    ]
    if any(same_template(s["spec"]["template"], deployment["spec"]["template"]) for s in sets):
        return []
    return [Rolling(object=name, why="no MachineSet has its template")]
