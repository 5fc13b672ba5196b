"""From a snapshot and settings to a takeover plan: a pure function.

The same facts and settings give the same plan, whatever the order of the snapshot's lists. Facts that are
missing never raise: what can be planned is planned, the rest is a finding, and the plan is not ready.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import replank
from replank.audit.finding import Finding
from replank.domain.provider_id import OpenStackProviderID
from replank.domain.severity import Severity
from replank.inventory.facts import codec
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.openstack import Port
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.blueprint import Blueprint, blueprint
from replank.migrations.takeover.built import Built, Manifests
from replank.migrations.takeover.cluster import cluster_objects
from replank.migrations.takeover.groups import Member
from replank.migrations.takeover.notes import Notes, plan_finding
from replank.migrations.takeover.openstack.cluster import openstack_cluster
from replank.migrations.takeover.openstack.names import port_clashes, port_name
from replank.migrations.takeover.openstack.ownership import ownership
from replank.migrations.takeover.points import points_of_no_return
from replank.migrations.takeover.secrets import secrets
from replank.migrations.takeover.settings import TakeoverSettings
from replank.migrations.takeover.stages.align import align_names
from replank.migrations.takeover.stages.credentials import credentials
from replank.migrations.takeover.stages.draft import Takeover
from replank.migrations.takeover.stages.hand_over import hand_over
from replank.migrations.takeover.stages.objects import control_plane as control_plane_stage
from replank.migrations.takeover.stages.objects import infrastructure
from replank.migrations.takeover.stages.objects import workers as workers_stage
from replank.migrations.takeover.stages.settle import settle
from replank.migrations.takeover.stages.unpause import unpause
from replank.migrations.takeover.terraform import forgotten, releases
from replank.plan.model import PlanFinding, Stage
from replank.plan.takeover import PlannedMachine, PortName, TakeoverPlan


def plan_takeover(
    snapshot: Snapshot, settings: TakeoverSettings, findings: Sequence[Finding]
) -> TakeoverPlan:
    """The plan. `findings`: of the audit of the same snapshot; a blocker among them keeps it from being
    ready.
    """
    notes = Notes()
    draft = blueprint(snapshot, settings, notes)
    manifests = _manifests(draft, settings, notes)
    owned = ownership(draft.seen, draft.found, draft.load_balancer)
    let_go = releases(draft.seen, owned)
    made = settings.credentials.kind == "made"
    written = secrets(
        draft.names,
        draft.seen.cloud,
        draft.seen.config,
        draft.control_planes,
        draft.files.files,
        notes,
        made=made,
    )
    if not made:
        notes.can_write(settings.credentials)
    machines = _machines(draft)
    others = [n.name for n in draft.seen.cloud.namesakes if n.kind == "port"]
    for name, why in port_clashes(machines, draft.seen.cloud.ports, others):
        notes.bad_name(f"port {name}", why, "Rename or remove the other port, then survey and plan again.")
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
            settings=settings,
        )
    )
    for release in let_go:
        if not release.state.configured:
            notes.no_terraform_plan(release.state.source, release.let_go.folder)
        if release.let_go.unread:
            notes.partly_read(release.let_go)
    all_findings = _findings(findings, notes)
    return TakeoverPlan(
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
        letting_go=tuple(release.let_go for release in let_go),
        findings=all_findings,
        points_of_no_return=points_of_no_return(stages),
        stages=stages,
        secrets=written,
        manifests={name: _fresh(manifests[name]) for name in sorted(manifests)},
    )


def _manifests(draft: Blueprint, settings: TakeoverSettings, notes: Notes) -> Manifests:
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


def _machines(draft: Blueprint) -> tuple[PlannedMachine, ...]:
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
            _port_name(port, port_name(adoptee.name, index, shape.suffix))
            for index, (port, shape) in enumerate(zip(adoptee.ports, member.shape.ports, strict=True))
        ),
        rename_server_to=adoptee.name if adoptee.name != adoptee.server.name else "",
    )


def _port_name(port: Port, new: str) -> PortName:
    pairs = (f"{pair.address} {pair.mac}".strip() for pair in port.allowed_address_pairs)
    return PortName(
        id=port.id,
        old=port.name,
        new=new,
        fixed_ips=tuple(sorted(fixed.address for fixed in port.fixed_ips)),
        security_groups=tuple(sorted(port.security_group_ids)),
        address_pairs=tuple(sorted(pairs)),
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
        hand_over(given),
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
