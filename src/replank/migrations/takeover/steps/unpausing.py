"""Steps `cluster-api.unpause-cluster` and `cluster-api.unpause`: the pause is lifted, and put back by undo.

What must be so before a pause is lifted is looked at again right before the patch: the plan's checks are one
fence, this is another.
"""

from __future__ import annotations

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.control_plane_machines import require_control_plane_machines
from replank.migrations.takeover.steps.family import SERVER_KIND, kind_in, live, look
from replank.migrations.takeover.steps.foreign import require_only_planned
from replank.migrations.takeover.steps.live_object import annotations_of, labels_of, spec_of, version_of
from replank.migrations.takeover.steps.node_metadata import nodes_found, restore_nodes
from replank.migrations.takeover.steps.pausing import await_paused, pause_cluster
from replank.migrations.takeover.steps.unpause_fences import (
    require_machine_counts,
    require_no_deletion,
    require_no_user_data,
    require_paused_owners,
)
from replank.migrations.takeover.vocabulary import CLUSTER_NAME, PAUSED
from replank.plan.parameters import found_before, text
from replank.ports.access import Document, ObjectRef


class UnpauseCluster:
    """Lifts `Cluster.spec.paused`. What carries a pause annotation of its own stays paused."""

    async def found(self, at: At) -> JSON:
        """`nodes`: what Cluster API's domains hold on each Node. `paused`: spec.paused."""
        cluster = await _must_be_there(at, text(at.step.params, "object"))
        return {"nodes": await nodes_found(at), "paused": spec_of(cluster).get("paused") is True}

    async def apply(self, at: At) -> JSON:
        """Raises `Refused` where an owner of Machines is not paused itself (RP863), a Machine could boot a
        new server (RP867) or something is being deleted (RP861)."""
        name = text(at.step.params, "object")
        await require_paused_owners(at)
        await require_no_user_data(at)
        await require_no_deletion(at)
        cluster = await _must_be_there(at, name)
        if spec_of(cluster).get("paused") is not True:
            return {"unpaused": name, "already": True}
        await at.access.management.merge(
            ObjectRef.of(at.plan.manifests[name]),
            {"spec": {"paused": False}},
            resource_version=version_of(cluster),
        )
        return {"unpaused": name}

    async def undo(self, at: At) -> JSON:
        """Pauses, waits until it is seen (`Hold` RP864), and takes off the Nodes what Cluster API wrote.

        Raises `Refused` (RP862) where Cluster API has made machines: nothing is changed then.
        """
        await require_only_planned(at)
        labelled = await _label_servers(at)
        if await pause_cluster(at):
            await await_paused(at)
        restored = await restore_nodes(at, found_before(at.before).get("nodes"))
        return {"paused": text(at.step.params, "object"), "labelled": labelled, "nodes": restored}


class Unpause:
    """Takes the pause annotation off one MachineSet, MachineDeployment or KubeadmControlPlane."""

    async def found(self, at: At) -> JSON:
        """`paused`: the annotation's value, None where there was none."""
        document = await _must_be_there(at, text(at.step.params, "object"))
        return {"paused": annotations_of(document).get(PAUSED)}

    async def apply(self, at: At) -> JSON:
        """Raises `Refused` where the control plane is not complete (RP868) or Machines would be made or
        deleted (RP868), something is being deleted (RP861), and with RP869 where the object is gone."""
        name = text(at.step.params, "object")
        await require_no_deletion(at)
        if kind_in(name) == "KubeadmControlPlane":
            await require_control_plane_machines(at)
        else:
            await require_machine_counts(at, name)
        document = await _must_be_there(at, name)
        if PAUSED not in annotations_of(document):
            return {"unpaused": name, "already": True}
        await at.access.management.merge(
            ObjectRef.of(at.plan.manifests[name]),
            {"metadata": {"annotations": {PAUSED: None}}},
            resource_version=version_of(document),
        )
        return {"unpaused": name}

    async def undo(self, at: At) -> JSON:
        """Puts the annotation back and waits until it is seen. Raises as `UnpauseCluster.undo`."""
        name = text(at.step.params, "object")
        await require_only_planned(at)
        document = await live(at, name)
        if document is None:
            return {"gone": name}
        noted = found_before(at.before).get("paused")
        if not isinstance(noted, str):
            return {"paused": name, "by": "its Cluster"}
        if annotations_of(document).get(PAUSED) != noted:
            await at.access.management.merge(
                ObjectRef.of(at.plan.manifests[name]), {"metadata": {"annotations": {PAUSED: noted}}}
            )
        await await_paused(at, name)
        return {"paused": name}


async def _must_be_there(at: At, name: str) -> Document:
    document = await live(at, name)
    if document is None:
        raise Refused(
            "RP869",
            f"{name} cannot be unpaused",
            "it is not there any more: somebody has deleted it",
            "Undo the run and plan again.",
        )
    return document


async def _label_servers(at: At) -> list[JSON]:
    """CAPO heeds the pause on an OpenStackServer only where it has this label (v0.14.7,
    openstackserver_controller.go getClusterFromMetadata)."""
    labelled: list[JSON] = []
    for name, server in (await look(at, (SERVER_KIND,))).of(SERVER_KIND).items():
        if labels_of(server).get(CLUSTER_NAME) != at.plan.cluster:
            await at.access.management.merge(
                ObjectRef.of(server), {"metadata": {"labels": {CLUSTER_NAME: at.plan.cluster}}}
            )
            labelled.append(key(SERVER_KIND, name))
    return labelled
