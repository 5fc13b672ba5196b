"""MachineDeployment, MachineSet, templates and Machines of one worker group.

A MachineDeployment without a MachineSet that matches makes one, and N new machines with it (cluster-api
v1.14.0, core/reconcilers/machinedeployment/mdutil, MachineTemplateUpToDate): so the MachineSet is written
with the very same template, and a hash label of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.built import (
    Built,
    Manifests,
    infrastructure_machine,
    infrastructure_template,
    machine,
)
from replank.migrations.takeover.cluster_configuration import arguments
from replank.migrations.takeover.groups import Group, leading
from replank.migrations.takeover.likeness import agreed, most_common
from replank.migrations.takeover.manifest import key, manifest, reference
from replank.migrations.takeover.names import Names, machine_set
from replank.migrations.takeover.node_differences import node_differences, unseen_kubelets
from replank.migrations.takeover.notes import Notes
from replank.migrations.takeover.openstack.differences import server_differences
from replank.migrations.takeover.openstack.machines import Identity
from replank.migrations.takeover.openstack.shape import ServerShape
from replank.migrations.takeover.registration import (
    ProviderIDs,
    Registration,
    kubelet_arguments,
    node_registration,
    template_registration,
)
from replank.migrations.takeover.seen import Seen
from replank.migrations.takeover.vocabulary import (
    ADOPTED,
    BOOTSTRAP,
    CLUSTER_NAME,
    DEPLOYMENT_NAME,
    INFRASTRUCTURE,
    PAUSED,
    SET_NAME,
    TEMPLATE_HASH,
    TEMPLATE_KIND,
    bootstrap_version,
    core_version,
)
from replank.plan.takeover import GroupDifference, MachineGroup, Targets


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersInput:
    """What a worker group is built from."""

    names: Names
    group: Group
    template: ServerShape
    identity: Identity
    targets: Targets


def workers(given: WorkersInput, seen: Seen, notes: Notes) -> Built:
    """All objects of one worker group, paused."""
    group, names = given.group, given.names
    registration = template_registration([m.registration for m in group.members], leading(group.members))
    version = most_common((a.version for a in group.adoptees if a.version), seen.version)
    template_name = machine_set(group.name)
    manifests: Manifests = {}
    manifests |= _config_template(given, seen, registration, notes)
    manifests |= infrastructure_template(names, template_name, given.template, given.identity, given.targets)
    selector = {CLUSTER_NAME: names.cluster, DEPLOYMENT_NAME: group.name}
    in_set = {**selector, TEMPLATE_HASH: ADOPTED}
    for member in group.members:
        manifests |= infrastructure_machine(
            names, member, template_name, given.template, given.identity, given.targets
        )
        manifests |= machine(
            names,
            member.adoptee,
            member.adoptee.version or version,
            {**dict(member.registration.machine_labels), **in_set, SET_NAME: machine_set(group.name)},
            {},
            given.targets,
        )
    manifests |= _set_and_deployment(given, registration, version, selector, in_set)
    return Built(
        manifests=manifests,
        group=MachineGroup(
            name=group.name,
            role="worker",
            machines=tuple(a.name for a in group.adoptees),
            why=group.why,
            differences=_differences(given, seen, registration, version),
        ),
        members=group.members,
        template=given.template,
        version=version,
    )


def zone_of(group: Group) -> str:
    """The zone of the group's new machines."""
    return agreed([a.server.availability_zone for a in group.adoptees], leading(group.members))


def _config_template(given: WorkersInput, seen: Seen, registration: Registration, notes: Notes) -> Manifests:
    ids = ProviderIDs.of(seen.addons, given.identity.region)
    own = [m.registration.own_flags for m in given.group.members if m.registration.flags is not None]
    by_flag = most_common((any(f.name == "provider-id" for f in flags) for flags in own), False)
    args = kubelet_arguments(registration, ids, by_flag)
    arguments(f"kubelet of {given.group.name}", args, notes)
    join: dict[str, JSON] = {
        "nodeRegistration": dict(node_registration(registration, args, control_plane=False))
    }
    return {
        key("KubeadmConfigTemplate", given.group.name): manifest(
            bootstrap_version(given.targets),
            "KubeadmConfigTemplate",
            given.group.name,
            given.names.namespace,
            {"template": {"spec": {"joinConfiguration": join}}},
            labels={CLUSTER_NAME: given.names.cluster},
        )
    }


def _set_and_deployment(
    given: WorkersInput,
    registration: Registration,
    version: str,
    selector: dict[str, str],
    in_set: dict[str, str],
) -> Manifests:
    names, name = given.names, given.group.name
    template: dict[str, JSON] = {
        "clusterName": names.cluster,
        "version": version,
        "bootstrap": {"configRef": reference(BOOTSTRAP, "KubeadmConfigTemplate", name)},
        "infrastructureRef": reference(INFRASTRUCTURE, TEMPLATE_KIND, machine_set(name)),
    }
    zone = zone_of(given.group)
    if zone:
        template["failureDomain"] = zone
    given_labels = dict(registration.machine_labels)

    def spec(labels: dict[str, str]) -> dict[str, JSON]:
        return {
            "clusterName": names.cluster,
            "replicas": len(given.group.members),
            "selector": {"matchLabels": dict(sorted(labels.items()))},
            "template": {
                "metadata": {"labels": dict(sorted({**given_labels, **labels}.items()))},
                "spec": template,
            },
        }

    return {
        key("MachineSet", machine_set(name)): manifest(
            core_version(given.targets),
            "MachineSet",
            machine_set(name),
            names.namespace,
            spec(in_set),
            labels=in_set,
            annotations={PAUSED: ""},
        ),
        key("MachineDeployment", name): manifest(
            core_version(given.targets),
            "MachineDeployment",
            name,
            names.namespace,
            spec(selector),
            labels=selector,
            annotations={PAUSED: ""},
        ),
    }


def _differences(
    given: WorkersInput, seen: Seen, registration: Registration, version: str
) -> tuple[GroupDifference, ...]:
    found: set[GroupDifference] = set()
    zone = zone_of(given.group)
    for member in given.group.members:
        found.update(server_differences(member.adoptee, member.shape, given.template, seen.cloud))
        found.update(node_differences(member.adoptee, member.registration, registration, version))
        if member.adoptee.server.availability_zone != zone:
            found.add(
                GroupDifference(
                    field="zone",
                    machine=member.adoptee.name,
                    has=member.adoptee.server.availability_zone or "none",
                    template=zone or "none",
                    at_next_rollout=f"the new machine stands in zone {zone or 'that Nova chooses'}",
                )
            )
    if registration.flags is None:
        found.add(unseen_kubelets(given.group.adoptees))
    return tuple(sorted(found, key=lambda d: (d.field, d.machine, d.has)))
