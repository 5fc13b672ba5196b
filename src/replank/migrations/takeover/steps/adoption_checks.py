"""Checks that the controllers only adopted: the very servers, Nodes and Machines of the plan, and no others.

What a controller is about to reach is waited for; a wrong server, an object that nobody planned, a deletion
or a wish to roll fails at once. While KCP is paused nothing becomes Ready, so nodeRefs and owners are looked
at (seen on cluster-api v1.14.0).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from replank.domain.verdict import Verdict, failed, passed, waiting
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.family import SERVER_KIND, Family, kind_in, look
from replank.migrations.takeover.steps.foreign import foreign_machines, foreign_objects
from replank.migrations.takeover.steps.live_object import (
    annotations_of,
    condition,
    controller_of,
    is_deleting,
    labels_of,
    spec_of,
    status_of,
    uid_of,
)
from replank.migrations.takeover.steps.rollout import counts_behind, rollout_wish, unmet
from replank.migrations.takeover.vocabulary import CLUSTER_NAME
from replank.plan.parameters import pairs, text, texts
from replank.ports.access import Document

_STOP = "Undo the run: it pauses the Cluster first. Then compare the plan with what is live."
_REVISION = "machinedeployment.clusters.x-k8s.io/revision"


async def server_ids(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.server-ids`: each OpenStackServer has found the server of the plan."""
    wanted = pairs(params, "servers")
    family = await look(at, (SERVER_KIND,))
    found, wrong, missing = {}, [], []
    for name, server_id in wanted.items():
        server = family.get(SERVER_KIND, name)
        seen = str(status_of(server).get("instanceID") or "") if server is not None else ""
        found[name] = seen
        if server is not None and is_deleting(server):
            wrong.append(f"OpenStackServer {name} is being deleted")
        elif not seen:
            missing.append(f"OpenStackServer {name} {_why_not(server)}")
        elif seen != server_id:
            wrong.append(f"OpenStackServer {name} has server {seen}, the plan's is {server_id}")
    more = [name for name in family.of(SERVER_KIND) if name not in wanted]
    wrong += [f"OpenStackServer {name} is none of the plan" for name in more]
    if wrong:
        return failed("; ".join(wrong), _STOP, servers=dict(found))
    if missing:
        return waiting("; ".join(missing))
    return passed(servers=dict(found))


def _why_not(server: Document | None) -> str:
    if server is None:
        return "is not there yet"
    said = condition(server, "InstanceReady") or {}
    message = " ".join(str(said.get("message") or said.get("reason") or "").split())
    return f"has found no server yet{f' ({message[:300]})' if message else ''}"


async def server_labels(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.server-labels`: without the label CAPO heeds no pause on an OpenStackServer."""
    family = await look(at, (SERVER_KIND,))
    machines = texts(params, "machines")
    missing = [name for name in machines if family.get(SERVER_KIND, name) is None]
    bare = [
        name
        for name, server in family.of(SERVER_KIND).items()
        if labels_of(server).get(CLUSTER_NAME) != at.plan.cluster
    ]
    if bare:
        return failed(
            f"OpenStackServer {', '.join(bare)} lacks label {CLUSTER_NAME}: it could not be paused",
            f"Set it to {at.plan.cluster} and resume, or undo the run (which sets it).",
        )
    if missing:
        return waiting(f"OpenStackServer {', '.join(missing)} is not there yet")
    return passed(machines=list(machines))


async def node_refs(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.node-refs`: each Machine has the Node of the plan, and its providerID."""
    wanted = pairs(params, "nodes")
    provider_ids = {machine.machine: machine.provider_id for machine in at.plan.machines}
    family = await look(at, ("Machine",))
    wrong = [f"Machine {name} is none of the plan" for name in foreign_machines(at.plan, family)]
    missing = []
    for name, node in wanted.items():
        machine = family.get("Machine", name)
        if machine is None or is_deleting(machine):
            wrong.append(f"Machine {name} is " + ("not there" if machine is None else "being deleted"))
            continue
        provider_id = str(spec_of(machine).get("providerID") or "")
        seen = str((status_of(machine).get("nodeRef") or {}).get("name") or "")
        if provider_id and provider_id != provider_ids.get(name, provider_id):
            wrong.append(f"Machine {name} has providerID {provider_id}, the plan's is {provider_ids[name]}")
        elif seen and seen != node:
            wrong.append(f"Machine {name} has Node {seen}, the plan's is {node}")
        elif not seen:
            missing.append(f"Machine {name} has no nodeRef yet")
    if wrong:
        return failed("; ".join(wrong), _STOP)
    if missing:
        return waiting("; ".join(missing))
    return passed(nodes=dict(wanted))


async def owns(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.owns`: a MachineSet or KubeadmControlPlane controls exactly these Machines.

    A KubeadmControlPlane must be Available as well, with all of them up to date.
    """
    name, machines = text(params, "object"), texts(params, "machines")
    family = await look(at, ("Machine", kind_in(name)))
    owner = family.objects.get(name)
    if owner is None or is_deleting(owner):
        return failed(f"{name} is " + ("not there" if owner is None else "being deleted"), _STOP)
    wrong, missing = _owner_faults(family, owner, machines)
    wrong += [f"Machine {other} is none of the plan" for other in foreign_machines(at.plan, family)]
    wrong += rollout_wish(owner)
    if wrong:
        return failed("; ".join(wrong), _STOP)
    if kind_in(name) == "KubeadmControlPlane":
        missing += unmet(owner, "Available") + unmet(owner, "MachinesUpToDate")
        missing += counts_behind(owner, "replicas", "readyReplicas", "availableReplicas", "upToDateReplicas")
    else:
        missing += counts_behind(owner, "replicas")
    if missing:
        return waiting("; ".join(missing))
    return passed(object=name, machines=list(machines))


def _owner_faults(family: Family, owner: Document, machines: Collection[str]) -> tuple[list[str], list[str]]:
    wrong, missing = [], []
    for machine, document in family.of("Machine").items():
        controller = controller_of(document)
        if controller is not None and controller["uid"] == uid_of(owner) and machine not in machines:
            wrong.append(f"it owns Machine {machine}, which the plan does not give to it")
    for machine in machines:
        found = family.get("Machine", machine)
        if found is None or is_deleting(found):
            wrong.append(f"Machine {machine} is " + ("not there" if found is None else "being deleted"))
            continue
        controller = controller_of(found)
        if controller is None:
            missing.append(f"Machine {machine} has no owner yet")
        elif controller["uid"] != uid_of(owner):
            wrong.append(f"Machine {machine} belongs to {controller['kind']} {controller['name']}")
    return wrong, missing


async def one_machine_set(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.one-machine-set`: the MachineDeployment took the MachineSet and made no other."""
    name, wanted = text(params, "object"), text(params, "machine_set")
    family = await look(at, ("Machine", "MachineSet", "MachineDeployment"))
    deployment = family.objects.get(name)
    machine_set = family.get("MachineSet", wanted)
    if deployment is None or machine_set is None:
        return failed(f"{name if deployment is None else key('MachineSet', wanted)} is not there", _STOP)
    wrong = [f"{other} is none of the plan" for other in foreign_objects(at.plan, family)]
    for other, document in family.of("MachineSet").items():
        controller = controller_of(document)
        if controller is not None and controller["uid"] == uid_of(deployment) and other != wanted:
            wrong.append(f"it has MachineSet {other} too")
    wrong += rollout_wish(deployment)
    controller = controller_of(machine_set)
    if controller is not None and controller["uid"] != uid_of(deployment):
        wrong.append(f"MachineSet {wanted} belongs to {controller['kind']} {controller['name']}")
    if wrong:
        return failed("; ".join(wrong), _STOP)
    missing = [] if controller is not None else [f"MachineSet {wanted} has no owner yet"]
    revision = annotations_of(machine_set).get(_REVISION)
    if revision is None:
        missing.append(f"MachineSet {wanted} has no revision yet")
    missing += counts_behind(deployment, "replicas", "upToDateReplicas")
    if missing:
        return waiting("; ".join(missing))
    return passed(object=name, machine_set=wanted, revision=revision)
