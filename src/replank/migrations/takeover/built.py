"""What the builders of control plane and workers return, and the objects both have a machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.groups import Member
from replank.migrations.takeover.manifest import Manifest, cloned_from, key, manifest, reference
from replank.migrations.takeover.names import Names
from replank.migrations.takeover.openstack.machines import Identity, machine_spec
from replank.migrations.takeover.openstack.shape import PortShape, ServerShape
from replank.migrations.takeover.vocabulary import (
    CLUSTER_NAME,
    GUARDS,
    INFRASTRUCTURE,
    NO_USER_DATA,
    core_version,
    infrastructure_version,
)
from replank.plan.takeover import MachineGroup, Targets

Manifests = dict[str, Manifest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """Objects of one machine group, by key. `template`: what its new machines are made of."""

    manifests: Manifests
    group: MachineGroup
    members: tuple[Member, ...]
    template: ServerShape
    version: str


def infrastructure_template(
    names: Names, name: str, template: ServerShape, identity: Identity, targets: Targets
) -> Manifests:
    """The OpenStackMachineTemplate of a group."""
    spec: dict[str, JSON] = {"template": {"spec": machine_spec(template, template.ports, identity)}}
    return {
        key("OpenStackMachineTemplate", name): manifest(
            infrastructure_version(targets),
            "OpenStackMachineTemplate",
            name,
            names.namespace,
            spec,
            labels={CLUSTER_NAME: names.cluster},
        )
    }


def infrastructure_machine(
    names: Names,
    member: Member,
    template_name: str,
    template: ServerShape,
    identity: Identity,
    targets: Targets,
) -> Manifests:
    """The OpenStackMachine of an adopted server.

    Its spec is the template's, for CAPO forbids to change it later; only ports are the machine's own where
    they differ, because CAPO looks them up by name and network and would create what it does not find.
    """
    name = member.adoptee.name
    spec = machine_spec(template, own_ports(member.shape, template), identity)
    return {
        key("OpenStackMachine", name): manifest(
            infrastructure_version(targets),
            "OpenStackMachine",
            name,
            names.namespace,
            spec,
            labels={CLUSTER_NAME: names.cluster},
            annotations=cloned_from(template_name),
        )
    }


def own_ports(shape: ServerShape, template: ServerShape) -> Sequence[PortShape]:
    """The template's ports where the machine's are the same, else the machine's own.

    From v0.15 on CAPO sets a port's allowed address pairs to those of the spec, so they have to be complete.
    """
    plain = tuple(replace(port, trunk=False) for port in shape.ports)
    return template.ports if plain == template.ports else plain


def machine(
    names: Names,
    adoptee: Adoptee,
    version: str,
    labels: Mapping[str, str],
    bootstrap: Mapping[str, JSON],
    targets: Targets,
) -> Manifests:
    """The Machine of an adopted server, guarded against drain and termination, without a controller."""
    spec: dict[str, JSON] = {
        "clusterName": names.cluster,
        "version": version,
        "bootstrap": {**bootstrap, "dataSecretName": NO_USER_DATA},
        "infrastructureRef": reference(INFRASTRUCTURE, "OpenStackMachine", adoptee.name),
    }
    if adoptee.server.availability_zone:
        spec["failureDomain"] = adoptee.server.availability_zone
    return {
        key("Machine", adoptee.name): manifest(
            core_version(targets),
            "Machine",
            adoptee.name,
            names.namespace,
            spec,
            labels={CLUSTER_NAME: names.cluster, **labels},
            annotations=GUARDS,
        )
    }
