"""All control planes have their Machine and KubeadmConfig, labelled so that KCP sees them.

KCP removes etcd members without a Machine, and makes a control plane where it sees none (cluster-api v1.14.0,
reconcileEtcdMembers and initControlPlaneScope; seen: the legacy member was gone within 30 s). A KubeadmConfig
without the control-plane label is not in its cache (setup.go, ManagerCacheOptions), so its Machine is never
adopted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from replank.domain.errors import Refused
from replank.domain.verdict import Verdict, failed, passed
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.family import Family, look, of_kind
from replank.migrations.takeover.steps.live_object import is_deleting, labels_of, spec_of
from replank.migrations.takeover.vocabulary import CLUSTER_NAME, CONTROL_PLANE_LABEL, CONTROL_PLANE_NAME
from replank.plan.parameters import texts
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Document

_KINDS: Final = ("Machine", "KubeadmConfig", "KubeadmControlPlane")


async def control_plane_machines(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.control-plane-machines`. `machines`: the names that must be there, and no others."""
    family = await look(at, _KINDS)
    wrong = control_plane_faults(at.plan, family, texts(params, "machines"))
    if wrong:
        return failed(
            "; ".join(wrong),
            "Do not unpause the control plane. Put the object back as the plan has it, or undo the run.",
            wrong=list(wrong),
        )
    return passed(machines=sorted(_labelled(family)))


async def require_control_plane_machines(at: At) -> None:
    """The same for all control planes of the plan. Raises `Refused` (RP868)."""
    planned = [m.machine for m in at.plan.machines if m.role == "control-plane"]
    wrong = control_plane_faults(at.plan, await look(at, _KINDS), planned)
    if wrong:
        raise Refused(
            "RP868",
            "The KubeadmControlPlane is not let at the control plane",
            f"{'; '.join(wrong)}. An etcd member without a Machine is removed",
            "Put the object back as the plan has it and resume, or undo the run.",
        )


def control_plane_faults(plan: TakeoverPlan, family: Family, machines: Collection[str]) -> list[str]:
    """In words what is wrong, empty if nothing is."""
    if not machines:
        return ["the plan names no control-plane Machine"]
    wrong: list[str] = []
    for name in sorted(machines):
        wrong += _machine_faults(plan, family, name)
    more = sorted(_labelled(family) - set(machines))
    wrong += [f"Machine {name} is labelled as control plane and is none of the plan" for name in more]
    for name, kcp in family.of("KubeadmControlPlane").items():
        replicas = spec_of(kcp).get("replicas")
        if replicas != len(machines):
            wrong.append(
                f"KubeadmControlPlane {name} wants {replicas} replicas for {len(machines)} control planes"
            )
    return wrong


def _labelled(family: Family) -> set[str]:
    """As KCP selects them (util/collections, ControlPlaneSelectorForCluster)."""
    return {name for name, found in family.of("Machine").items() if CONTROL_PLANE_LABEL in labels_of(found)}


def _machine_faults(plan: TakeoverPlan, family: Family, name: str) -> list[str]:
    machine = family.get("Machine", name)
    if machine is None:
        return [f"Machine {name} is not there"]
    wrong = _label_faults(plan, machine)
    if is_deleting(machine):
        wrong.append(f"Machine {name} is being deleted")
    if spec_of(machine).get("clusterName") != plan.cluster:
        wrong.append(f"Machine {name} has another clusterName")
    reference = (spec_of(machine).get("bootstrap") or {}).get("configRef") or {}
    config = family.get("KubeadmConfig", str(reference.get("name", "")))
    if reference.get("kind") != "KubeadmConfig" or config is None:
        return [*wrong, f"the KubeadmConfig of Machine {name} is not there"]
    return wrong + _label_faults(plan, config)


def _label_faults(plan: TakeoverPlan, document: Document) -> list[str]:
    kcps = of_kind(plan, "KubeadmControlPlane")
    wanted = {CLUSTER_NAME: plan.cluster, CONTROL_PLANE_LABEL: ""}
    if kcps:
        wanted[CONTROL_PLANE_NAME] = kcps[0]
    there = labels_of(document)
    missing = [label for label, value in wanted.items() if there.get(label) != value]
    if not missing:
        return []
    return [f"{document['kind']} {document['metadata']['name']} lacks label {', '.join(missing)}"]
