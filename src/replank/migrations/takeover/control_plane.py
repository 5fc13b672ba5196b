"""KubeadmControlPlane, KubeadmConfigs and Machines of the control plane, from what it really runs.

The one rule that decides whether anything is replaced: KCP compares each KubeadmConfig with its own
`kubeadmConfigSpec` without initConfiguration and with `joinConfiguration.controlPlane` (cluster-api v1.14.0,
controlplane/kubeadm/pkg/filters.go, desiredstate.ComputeDesiredKubeadmConfig). Both are written from one
value here. A KubeadmConfig without the control-plane label is not in KCP's cache and is never adopted
(setup.go, ManagerCacheOptions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from replank.domain.unknown import Unknown
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.kubernetes import Addon, ClusterConfiguration, ExtraArg
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.built import (
    Built,
    Manifests,
    infrastructure_machine,
    infrastructure_template,
    machine,
)
from replank.migrations.takeover.cluster_configuration import arguments, planned_configuration
from replank.migrations.takeover.files import CarriedFiles, file_entries
from replank.migrations.takeover.groups import Member, leading
from replank.migrations.takeover.likeness import most_common
from replank.migrations.takeover.manifest import key, manifest, reference
from replank.migrations.takeover.names import Names
from replank.migrations.takeover.node_differences import node_differences
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
    BOOTSTRAP,
    CLUSTER_NAME,
    CONTROL_PLANE_LABEL,
    CONTROL_PLANE_NAME,
    INFRASTRUCTURE,
    PAUSED,
    SKIP_COREDNS,
    SKIP_KUBE_PROXY,
    TEMPLATE_KIND,
    bootstrap_version,
    control_plane_version,
)
from replank.plan.takeover import GroupDifference, MachineGroup, Targets


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlaneInput:
    """What the control plane is built from. `version`: exact, like `v1.34.4`."""

    names: Names
    members: tuple[Member, ...]
    template: ServerShape
    identity: Identity
    files: CarriedFiles
    version: str
    targets: Targets


def control_plane(given: ControlPlaneInput, seen: Seen, config: ClusterConfiguration, notes: Notes) -> Built:
    """All objects of the control plane, paused."""
    adoptees = tuple(member.adoptee for member in given.members)
    planned = planned_configuration(config, adoptees, given.version, notes)
    registration = template_registration([m.registration for m in given.members], leading(given.members))
    spec = _config_spec(given, seen, config, planned.spec, registration, notes)
    manifests: Manifests = {}
    manifests |= infrastructure_template(
        given.names, given.names.control_plane_template, given.template, given.identity, given.targets
    )
    for member in given.members:
        manifests |= _member(given, member, joining(spec))
    manifests |= _kcp(given, spec, registration)
    return Built(
        manifests=manifests,
        group=MachineGroup(
            name=given.names.control_plane,
            role="control-plane",
            machines=tuple(a.name for a in adoptees),
            why="all control planes: each one that is left out would lose its etcd member",
            differences=_differences(
                given, seen, registration, (*planned.differences, *given.files.differences)
            ),
        ),
        members=given.members,
        template=given.template,
        version=given.version,
    )


def joining(spec: Mapping[str, JSON]) -> dict[str, JSON]:
    """The KubeadmConfig spec of a control plane that joined, from the KCP's `kubeadmConfigSpec`."""
    join = spec.get("joinConfiguration")
    rest = dict(join) if isinstance(join, dict) else {}
    kept = {name: value for name, value in spec.items() if name != "initConfiguration"}
    return {**kept, "joinConfiguration": {"controlPlane": {}, **rest}}


def _config_spec(
    given: ControlPlaneInput,
    seen: Seen,
    config: ClusterConfiguration,
    configuration: dict[str, JSON],
    registration: Registration,
    notes: Notes,
) -> dict[str, JSON]:
    ids = ProviderIDs.of(seen.addons, given.identity.region)
    by_flag = _by_flag(given.members)
    args = kubelet_arguments(registration, ids, by_flag)
    arguments("kubelet of the control plane", args, notes)
    common: dict[str, JSON] = {
        "nodeRegistration": dict(node_registration(registration, args, control_plane=True))
    }
    seconds = config.api_server.timeout_for_control_plane_seconds
    if seconds is not None:
        # The webhook wants equal health-check timeouts in both (controlplane/kubeadm/webhooks/admission).
        common["timeouts"] = {"controlPlaneComponentHealthCheckSeconds": seconds}
    init, join = dict(common), dict(common)
    port = _bind_port(given.members)
    if port != "6443" and port.isdecimal():
        init["localAPIEndpoint"] = {"bindPort": int(port)}
        join["controlPlane"] = {"localAPIEndpoint": {"bindPort": int(port)}}
    if skipped := _skipped_phases(seen.addons, config):
        init["skipPhases"] = list(skipped)
    spec: dict[str, JSON] = {
        "clusterConfiguration": configuration,
        "initConfiguration": init,
        "joinConfiguration": join,
    }
    if given.files.files:
        spec["files"] = file_entries(given.files.files, given.names.files)
    return spec


def _by_flag(members: Sequence[Member]) -> bool:
    flags = [m.registration.own_flags for m in members if m.registration.flags is not None]
    return most_common((any(f.name == "provider-id" for f in own) for own in flags), False)


def _bind_port(members: Sequence[Member]) -> str:
    ports = []
    for member in members:
        pods = member.adoptee.host.static_pods if member.adoptee.host else ()
        if isinstance(pods, Unknown):
            continue
        args: list[ExtraArg] = [a for p in pods if p.component == "kube-apiserver" for a in p.args]
        ports += [a.value for a in args if a.name == "secure-port"]
    return most_common(ports, "6443")


def _skipped_phases(addons: Sequence[Addon], config: ClusterConfiguration) -> tuple[str, ...]:
    """Add-ons that this cluster does not have: a control plane made anew must not bring them in."""
    kinds = {addon.kind for addon in addons}
    skipped = []
    if config.dns_disabled or (addons and "dns" not in kinds):
        skipped.append("addon/coredns")
    if config.proxy_disabled or (addons and "kube-proxy" not in kinds):
        skipped.append("addon/kube-proxy")
    return tuple(skipped)


def _member(given: ControlPlaneInput, member: Member, config: dict[str, JSON]) -> Manifests:
    names, name = given.names, member.adoptee.name
    labels = {CONTROL_PLANE_LABEL: "", CONTROL_PLANE_NAME: names.control_plane}
    manifests: Manifests = {
        key("KubeadmConfig", name): manifest(
            bootstrap_version(given.targets),
            "KubeadmConfig",
            name,
            names.namespace,
            config,
            labels={CLUSTER_NAME: names.cluster, **labels},
        )
    }
    manifests |= infrastructure_machine(
        names, member, names.control_plane_template, given.template, given.identity, given.targets
    )
    return manifests | machine(
        names,
        member.adoptee,
        member.adoptee.version or given.version,
        {**dict(member.registration.machine_labels), **labels},
        {"configRef": reference(BOOTSTRAP, "KubeadmConfig", name)},
        given.targets,
    )


def _kcp(given: ControlPlaneInput, spec: dict[str, JSON], registration: Registration) -> Manifests:
    template: dict[str, JSON] = {
        "spec": {
            "infrastructureRef": reference(INFRASTRUCTURE, TEMPLATE_KIND, given.names.control_plane_template)
        }
    }
    if registration.machine_labels:
        template["metadata"] = {"labels": dict(registration.machine_labels)}
    return {
        key("KubeadmControlPlane", given.names.control_plane): manifest(
            control_plane_version(given.targets),
            "KubeadmControlPlane",
            given.names.control_plane,
            given.names.namespace,
            {
                "replicas": len(given.members),
                "version": given.version,
                "machineTemplate": template,
                "kubeadmConfigSpec": spec,
            },
            labels={CLUSTER_NAME: given.names.cluster},
            annotations={PAUSED: "", SKIP_KUBE_PROXY: "", SKIP_COREDNS: ""},
        )
    }


def _differences(
    given: ControlPlaneInput, seen: Seen, registration: Registration, of_hosts: Sequence[GroupDifference]
) -> tuple[GroupDifference, ...]:
    found = set(of_hosts)
    for member in given.members:
        found.update(server_differences(member.adoptee, member.shape, given.template, seen.cloud))
        found.update(node_differences(member.adoptee, member.registration, registration, given.version))
    return tuple(sorted(found, key=lambda d: (d.field, d.machine, d.has)))


def control_plane_version_of(adoptees: Sequence[Adoptee], told: str) -> str:
    """The exact version of the KCP: what most control planes run, else what the API server says."""
    return most_common((a.version for a in adoptees if a.version), told)
