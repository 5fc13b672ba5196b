"""From a snapshot and settings to a takeover plan: a pure function.

The same facts and settings give the same plan, whatever the order of the snapshot's lists. Facts that are
missing never raise: what can be planned is planned, the rest is a finding, and the plan is not ready.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import replank
from replank.audit.finding import Finding
from replank.domain.provider_id import OpenStackProviderID
from replank.domain.severity import Severity
from replank.domain.unknown import is_known
from replank.inventory.facts import codec
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.adoptees import Adoptee, adoptees
from replank.migrations.takeover.built import Built, Manifests
from replank.migrations.takeover.cluster import cluster_objects
from replank.migrations.takeover.control_plane import (
    ControlPlaneInput,
    control_plane,
    control_plane_version_of,
)
from replank.migrations.takeover.endpoint import Endpoint, endpoint_of
from replank.migrations.takeover.files import CarriedFiles, carried_files
from replank.migrations.takeover.groups import Member, worker_groups
from replank.migrations.takeover.names import Names, names_of
from replank.migrations.takeover.notes import Notes, plan_finding
from replank.migrations.takeover.openstack.cluster import openstack_cluster
from replank.migrations.takeover.openstack.credentials import CLOUD_CONFIG
from replank.migrations.takeover.openstack.load_balancer import ApiLoadBalancer, api_load_balancer
from replank.migrations.takeover.openstack.machines import Identity, missing_for_spec, region_of
from replank.migrations.takeover.openstack.names import port_name
from replank.migrations.takeover.openstack.ownership import ownership
from replank.migrations.takeover.openstack.shape import (
    ServerShape,
    made_of,
    shape_of,
    shared_suffixes,
    template_of,
)
from replank.migrations.takeover.points import points_of_no_return
from replank.migrations.takeover.registration import registration_of
from replank.migrations.takeover.secrets import secrets
from replank.migrations.takeover.seen import Seen, see
from replank.migrations.takeover.settings import TakeoverSettings
from replank.migrations.takeover.stages.align import align_names
from replank.migrations.takeover.stages.credentials import credentials
from replank.migrations.takeover.stages.draft import Takeover
from replank.migrations.takeover.stages.objects import control_plane as control_plane_stage
from replank.migrations.takeover.stages.objects import infrastructure
from replank.migrations.takeover.stages.objects import workers as workers_stage
from replank.migrations.takeover.stages.settle import settle
from replank.migrations.takeover.stages.unpause import unpause
from replank.migrations.takeover.terraform import forgotten, releases
from replank.migrations.takeover.workers import WorkersInput, workers
from replank.plan.model import Plan, PlanFinding, PlannedMachine, PortName, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What was worked out before the stages are written."""

    names: Names
    seen: Seen
    found: tuple[Adoptee, ...]
    endpoint: Endpoint
    load_balancer: ApiLoadBalancer
    identity: Identity
    files: CarriedFiles
    control_plane: Built | None
    workers: tuple[Built, ...]

    @property
    def built(self) -> tuple[Built, ...]:
        return (*((self.control_plane,) if self.control_plane else ()), *self.workers)

    @property
    def control_planes(self) -> tuple[Adoptee, ...]:
        return tuple(a for a in self.found if a.role == "control-plane")


def plan_takeover(snapshot: Snapshot, settings: TakeoverSettings, findings: Sequence[Finding]) -> Plan:
    """The plan. `findings`: of the audit of the same snapshot; a blocker among them keeps it from being
    ready.
    """
    notes = Notes()
    draft = _draft(snapshot, settings, notes)
    manifests = _manifests(draft, settings, notes)
    owned = ownership(draft.seen, draft.found, draft.load_balancer)
    let_go = releases(draft.seen, owned)
    written = secrets(
        draft.names, draft.seen.cloud, draft.seen.config, draft.control_planes, draft.files.files, notes
    )
    machines = _machines(draft)
    stages = _stages(
        Takeover(
            names=draft.names,
            seen=draft.seen,
            machines=machines,
            kinds=tuple(sorted({str(m["kind"]) for m in manifests.values()})),
            control_plane=draft.control_plane,
            workers=draft.workers,
            secrets=written,
            releases=let_go,
            load_balancer=draft.load_balancer,
        )
    )
    all_findings = _findings(findings, notes)
    return Plan(
        migration="takeover",
        cluster=snapshot.cluster,
        namespace=settings.namespace,
        made_by=f"replank {replank.__version__}",
        snapshot_sha256=codec.sha256(snapshot),
        targets=settings.targets,
        kubernetes_version=draft.control_plane.version if draft.control_plane else draft.seen.version,
        ready=not any(f.severity == Severity.BLOCKER for f in all_findings),
        settings=settings.as_json(),
        load_balancer=draft.load_balancer.choice,
        machines=machines,
        groups=tuple(built.group for built in draft.built),
        ownership=owned,
        forget=forgotten(let_go),
        findings=all_findings,
        points_of_no_return=points_of_no_return(stages),
        stages=stages,
        secrets=written,
        manifests={name: _fresh(manifests[name]) for name in sorted(manifests)},
    )


def _draft(snapshot: Snapshot, settings: TakeoverSettings, notes: Notes) -> _Draft:
    seen = see(snapshot, notes)
    names = names_of(snapshot.cluster, settings.namespace, notes)
    found = adoptees(seen, settings, notes)
    control_planes = tuple(a for a in found if a.role == "control-plane")
    endpoint = endpoint_of(seen, notes)
    balancer = api_load_balancer(seen.cloud, control_planes, endpoint, settings, snapshot.cluster, notes)
    identity = Identity(secret=names.secret(CLOUD_CONFIG), region=region_of(found))
    files = carried_files(control_planes, notes)
    kubelet = _kubelet_config(snapshot, notes)
    return _Draft(
        names=names,
        seen=seen,
        found=found,
        endpoint=endpoint,
        load_balancer=balancer,
        identity=identity,
        files=files,
        control_plane=_control_plane(names, seen, control_planes, identity, files, kubelet, settings, notes),
        workers=_workers(names, seen, found, identity, kubelet, settings, notes),
    )


def _kubelet_config(snapshot: Snapshot, notes: Notes) -> Mapping[str, JSON] | None:
    facts = snapshot.kubernetes
    if not is_known(facts):
        return None
    return notes.wanted(facts.kubelet_config, "ConfigMap kube-system/kubelet-config", None)


def _members(
    found: Sequence[Adoptee], seen: Seen, kubelet: Mapping[str, JSON] | None, suffixes: Sequence[str] = ()
) -> tuple[Member, ...]:
    return tuple(
        Member(
            adoptee=adoptee,
            shape=shape_of(adoptee, seen.cloud, suffixes),
            registration=registration_of(adoptee, kubelet),
        )
        for adoptee in found
    )


def _template(name: str, members: Sequence[Member], shape: ServerShape, notes: Notes) -> ServerShape:
    for missing in missing_for_spec(shape):
        notes.gap(f"{missing} of {name}", f"none was seen on {', '.join(m.adoptee.name for m in members)}")
    return shape


def _control_plane(
    names: Names,
    seen: Seen,
    control_planes: Sequence[Adoptee],
    identity: Identity,
    files: CarriedFiles,
    kubelet: Mapping[str, JSON] | None,
    settings: TakeoverSettings,
    notes: Notes,
) -> Built | None:
    if not control_planes:
        notes.gap("control plane", "no control plane can be adopted")
    if not control_planes or seen.config is None:
        return None
    _hosts_seen(control_planes, notes)
    members = _members(control_planes, seen, kubelet, shared_suffixes(control_planes))
    shape = made_of(template_of([m.shape for m in members]), settings.new_control_planes, seen.cloud)
    return control_plane(
        ControlPlaneInput(
            names=names,
            members=members,
            template=_template(names.control_plane, members, shape, notes),
            identity=identity,
            files=files,
            version=control_plane_version_of(control_planes, seen.version),
            targets=settings.targets,
        ),
        seen,
        seen.config,
        notes,
    )


def _hosts_seen(control_planes: Sequence[Adoptee], notes: Notes) -> None:
    """What a control plane really runs is known only from its host."""
    for adoptee in control_planes:
        subject = f"control plane {adoptee.name}"
        if adoptee.host is None:
            notes.gap(subject, "nobody looked at it over SSH")
            continue
        notes.needed(adoptee.host.static_pods, f"static pods of {adoptee.name}", ())
        notes.needed(adoptee.host.kubelet, f"kubelet of {adoptee.name}", None)


def _workers(
    names: Names,
    seen: Seen,
    found: Sequence[Adoptee],
    identity: Identity,
    kubelet: Mapping[str, JSON] | None,
    settings: TakeoverSettings,
    notes: Notes,
) -> tuple[Built, ...]:
    members = _members([a for a in found if a.role == "worker"], seen, kubelet)
    built = []
    for group in worker_groups(names.cluster, members, one_image=bool(settings.new_machines.image)):
        suffixes = shared_suffixes(group.adoptees)
        if suffixes:
            group = type(group)(
                name=group.name, members=_members(group.adoptees, seen, kubelet, suffixes), why=group.why
            )
        shape = made_of(template_of([m.shape for m in group.members]), settings.new_machines, seen.cloud)
        template = _template(group.name, group.members, shape, notes)
        built.append(
            workers(
                WorkersInput(
                    names=names, group=group, template=template, identity=identity, targets=settings.targets
                ),
                seen,
                notes,
            )
        )
    return tuple(built)


def _manifests(draft: _Draft, settings: TakeoverSettings, notes: Notes) -> Manifests:
    manifests = cluster_objects(draft.names, draft.seen.config, draft.endpoint, settings.targets)
    manifests |= openstack_cluster(
        draft.names,
        draft.seen.cloud,
        draft.control_planes,
        draft.endpoint,
        draft.load_balancer,
        draft.identity,
        settings.targets,
        notes,
    )
    for built in draft.built:
        manifests |= built.manifests
    return manifests


def _machines(draft: _Draft) -> tuple[PlannedMachine, ...]:
    return tuple(
        _planned(member, built, draft.identity.region) for built in draft.built for member in built.members
    )


def _planned(member: Member, built: Built, region: str) -> PlannedMachine:
    adoptee = member.adoptee
    return PlannedMachine(
        machine=adoptee.name,
        role=adoptee.role,
        server_id=adoptee.server.id,
        server_name=adoptee.server.name,
        node=adoptee.node.name,
        provider_id=str(OpenStackProviderID(server_id=adoptee.server.id, region=region)),
        group=built.group.name,
        version=adoptee.version or built.version,
        failure_domain=adoptee.server.availability_zone,
        ports=tuple(
            PortName(id=port.id, old=port.name, new=port_name(adoptee.name, index, shape.suffix))
            for index, (port, shape) in enumerate(zip(adoptee.ports, member.shape.ports, strict=True))
        ),
        rename_server_to=adoptee.name if adoptee.name != adoptee.server.name else "",
    )


def _stages(given: Takeover) -> tuple[Stage, ...]:
    return (
        align_names(given),
        credentials(given),
        infrastructure(given),
        workers_stage(given),
        control_plane_stage(given),
        unpause(given),
        settle(given),
    )


def _findings(findings: Sequence[Finding], notes: Notes) -> tuple[PlanFinding, ...]:
    """Those of the audit and the planner's own, worst first."""
    ranks = {severity.value: severity.rank for severity in Severity}
    found = {plan_finding(finding) for finding in findings} | notes.found
    return tuple(
        sorted(found, key=lambda f: (ranks[f.severity], f.code, f.unknown, f.subject, f.evidence, f.remedy))
    )


def _fresh(value: Mapping[str, JSON]) -> dict[str, JSON]:
    """A copy that shares nothing: a YAML writer would put anchors where one list stands in two places."""
    return {key: _copied(item) for key, item in value.items()}


def _copied(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
