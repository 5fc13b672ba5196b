"""Cluster API's objects (v1beta2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from replank.domain.provider_id import parse_provider_id
from replank.guards.names import PRE_DRAIN, PRE_TERMINATE, WAITING_FOR_PRE_DRAIN, WAITING_FOR_PRE_TERMINATE
from replank.guards.read.documents import (
    annotations_of,
    condition,
    controller,
    is_true,
    labels_of,
    seconds,
)
from replank.guards.sight import MachineSight

CONTROL_PLANE: Final = "cluster.x-k8s.io/control-plane"
DEPLOYMENT: Final = "cluster.x-k8s.io/deployment-name"
PAUSED: Final = "cluster.x-k8s.io/paused"
CHOSEN: Final = "cluster.x-k8s.io/delete-machine"
_WAITS_SINCE: Final = {
    WAITING_FOR_PRE_DRAIN: ("waitForPreDrainHookStartTime", "PreDrainDeleteHookSucceeded"),
    WAITING_FOR_PRE_TERMINATE: ("waitForPreTerminateHookStartTime", "PreTerminateDeleteHookSucceeded"),
}
"""Field of status.deletion (from 1.14 on), and condition of status.deprecated.v1beta1 (until 1.16)."""


def machine(document: Mapping[str, Any]) -> MachineSight:
    """A Machine."""
    meta, status = document["metadata"], document.get("status") or {}
    control_plane = CONTROL_PLANE in labels_of(document)
    deleting = condition(document, "Deleting")
    reason = str(deleting.get("reason", "")) if deleting.get("status") == "True" else ""
    provider = parse_provider_id(document["spec"].get("providerID") or "")
    return MachineSight(
        name=meta["name"],
        uid=meta["uid"],
        role="control-plane" if control_plane else "worker",
        node=(status.get("nodeRef") or {}).get("name", ""),
        owner="/".join(controller(document)).strip("/"),
        deployment=labels_of(document).get(DEPLOYMENT, ""),
        addresses=tuple(
            address["address"] for address in status.get("addresses") or () if address["type"] == "InternalIP"
        ),
        server=provider.server_id if provider else "",
        hooks=frozenset({PRE_DRAIN, PRE_TERMINATE} & annotations_of(document).keys()),
        deleting_since=seconds(meta.get("deletionTimestamp")),
        waits_for=reason,
        waiting_since=_since(status, reason),
        outdated=condition(document, "UpToDate").get("status") == "False",
        chosen=CHOSEN in annotations_of(document),
        serving=is_true(document, "APIServerPodHealthy" if control_plane else "NodeReady"),
        resource_version=meta["resourceVersion"],
    )


def _since(status: Mapping[str, Any], reason: str) -> float | None:
    """When it began to wait for the hook of that reason.

    Before 1.14 by the older condition, which is False from then until the hook is gone. The operator's own
    condition cannot say it: it may be False since the hook before, where a process died untold in between.
    """
    field, kind = _WAITS_SINCE.get(reason, ("", ""))
    if told := (status.get("deletion") or {}).get(field):
        return seconds(told)
    older = condition({"status": (status.get("deprecated") or {}).get("v1beta1")}, kind)
    return seconds(older.get("lastTransitionTime")) if older.get("status") == "False" else None


def rolling(owners: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """`Kind/name` of KubeadmControlPlanes and MachineDeployments that replace outdated Machines by
    themselves."""
    return frozenset(f"{owner['kind']}/{owner['metadata']['name']}" for owner in owners if _replaces(owner))


def _replaces(owner: Mapping[str, Any]) -> bool:
    spec = owner["spec"]
    strategy = ((spec.get("rollout") or {}).get("strategy") or {}).get("type", "RollingUpdate")
    return PAUSED not in annotations_of(owner) and not spec.get("paused") and strategy == "RollingUpdate"
