"""Which Machines and MachineSets the controllers would replace: replank's own comparison.

It follows cluster-api v1.14.0 (controlplane/kubeadm/pkg UpToDate; core/reconcilers/machinedeployment/mdutil
FindNewAndOldMachineSets), for versions whose own code cannot be asked. It names fields and shows no values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from replank.inventory.cluster_api.kubeadm_config import VersionUnreadable, differing_fields
from replank.inventory.cluster_api.machine_sets import sets_to_replace
from replank.inventory.cluster_api.object_meta import annotated, controlled_by, labels, moment, owner_uid

Document = Mapping[str, Any]
_CONTROL_PLANE = "cluster.x-k8s.io/control-plane"
_CLUSTER_NAME = "cluster.x-k8s.io/cluster-name"
_CLONED_NAME = "cluster.x-k8s.io/cloned-from-name"
_CLONED_KIND = "cluster.x-k8s.io/cloned-from-groupkind"
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Replaced:
    """A Machine or MachineSet that would be replaced, or a MachineDeployment that would make new Machines.

    `object`: `Kind/name`.
    """

    object: str
    why: str


def would_roll(objects: Mapping[str, Document], now: float) -> tuple[Replaced, ...]:
    """`objects`: `Kind/name` -> live object of one cluster. `now`: seconds since 1970. Sorted.

    Raises `Refused` RP917 for a MachineDeployment whose selector cannot be used.
    """
    found = []
    for key, document in sorted(objects.items()):
        kind, _, name = key.partition("/")
        if kind == "KubeadmControlPlane":
            found += [*_control_plane(document, objects, now)]
        elif kind == "MachineDeployment":
            sets = {k.partition("/")[2]: d for k, d in objects.items() if k.startswith("MachineSet/")}
            found += [Replaced(*pair) for pair in sets_to_replace(name, document, sets, now)]
    return tuple(sorted(found, key=lambda replaced: replaced.object))


def _control_plane(plane: Document, objects: Mapping[str, Document], now: float) -> Iterator[Replaced]:
    for key, machine in sorted(objects.items()):
        if key.startswith("Machine/") and _belongs(machine, plane):
            reasons = [*_reasons(plane, machine, objects, now)]
            if reasons:
                yield Replaced(key, "; ".join(reasons))


def _belongs(machine: Document, plane: Document) -> bool:
    """Machines of the cluster with the control-plane label, owned by KCP or by nobody yet (adoptMachines);
    those that are being deleted are replaced anyway (ControlPlane.MachinesNeedingRollout)."""
    cluster = labels(plane).get(_CLUSTER_NAME, "")
    return (
        _CONTROL_PLANE in labels(machine)
        and (not cluster or labels(machine).get(_CLUSTER_NAME) == cluster)
        and (owner_uid(machine) is None or controlled_by(machine, plane))
        and not machine["metadata"].get("deletionTimestamp")
    )


def _reasons(
    plane: Document, machine: Document, objects: Mapping[str, Document], now: float
) -> Iterator[str]:
    wanted, spec = plane["spec"], machine["spec"]
    yield from _rollout(wanted.get("rollout") or {}, machine, now)
    has, needs = spec.get("version") or "", wanted.get("version") or ""
    if has != needs:
        yield f"its version is {has}, the control plane's {needs}"
    reference = (spec.get("bootstrap") or {}).get("configRef") or {}
    config = objects.get(f"KubeadmConfig/{reference.get('name', '')}")
    # A missing KubeadmConfig counts as a match: upstream would rather keep than replace for want of sight.
    if any(reference.values()) and config is not None:
        try:
            fields = differing_fields(wanted, config.get("spec") or {})
        except VersionUnreadable as error:
            yield str(error)
        else:
            if fields:
                yield f"KubeadmConfig differs in {', '.join(fields)}"
    yield from _template(wanted, spec, objects)


def _rollout(rollout: Mapping[str, Any], machine: Document, now: float) -> Iterator[str]:
    days = (rollout.get("before") or {}).get("certificatesExpiryDays") or 0
    expiry = moment((machine.get("status") or {}).get("certificatesExpiryDate"))
    if days and expiry is not None and now + days * _DAY_S > expiry:
        yield f"its certificates expire within {days} days (rollout.before)"
    after = moment(rollout.get("after"))
    created = moment(machine["metadata"].get("creationTimestamp"))
    if after is not None and after < now and (created is None or created < after):
        yield "it was made before rollout.after"


def _template(
    wanted: Mapping[str, Any], spec: Mapping[str, Any], objects: Mapping[str, Document]
) -> Iterator[str]:
    """Annotations alone are compared, and only where both are there."""
    reference = spec.get("infrastructureRef") or {}
    infra = objects.get(f"{reference.get('kind', '')}/{reference.get('name', '')}")
    cloned = annotated(infra) if infra is not None else {}
    if _CLONED_NAME not in cloned or _CLONED_KIND not in cloned:
        return
    template = ((wanted.get("machineTemplate") or {}).get("spec") or {}).get("infrastructureRef") or {}
    name, kind = template.get("name", ""), template.get("kind", "")
    group_kind = f"{kind}.{template['apiGroup']}" if template.get("apiGroup") else kind
    if (cloned[_CLONED_NAME], cloned[_CLONED_KIND]) != (name, group_kind):
        yield f"it was made from template {cloned[_CLONED_NAME]}, the control plane names {name}"
