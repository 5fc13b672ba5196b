"""The management cluster: what must run there, and what must not stand there yet."""

from __future__ import annotations

from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.severity import Severity
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import management
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some
from replank.migrations.takeover.checks.versions import parse_version

CORE_PROVIDERS = ("cluster-api", "kubeadm-bootstrap", "kubeadm-control-plane")
CAPO = "openstack"
_CORE_GROUP = "cluster.x-k8s.io"
NEEDED_KINDS = (
    (_CORE_GROUP, "Cluster"),
    (_CORE_GROUP, "Machine"),
    (_CORE_GROUP, "MachineDeployment"),
    (_CORE_GROUP, "MachineSet"),
    (f"bootstrap.{_CORE_GROUP}", "KubeadmConfig"),
    (f"bootstrap.{_CORE_GROUP}", "KubeadmConfigTemplate"),
    (f"controlplane.{_CORE_GROUP}", "KubeadmControlPlane"),
    (f"infrastructure.{_CORE_GROUP}", "OpenStackCluster"),
    (f"infrastructure.{_CORE_GROUP}", "OpenStackMachine"),
    (f"infrastructure.{_CORE_GROUP}", "OpenStackMachineTemplate"),
    (f"infrastructure.{_CORE_GROUP}", "OpenStackServer"),
)


@rule(
    "RP701",
    Severity.BLOCKER,
    consequence="Nothing would act on the objects, or the management cluster refuses them.",
    remedy="Install it: `clusterctl init --infrastructure openstack`, in the version that the plan names.",
)
def provider_is_missing(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A provider that the takeover needs is not installed."""
    there = {provider.name for provider in management(snapshot, lambda facts: facts.providers)}
    for name in (*CORE_PROVIDERS, CAPO):
        if name not in there:
            yield seen(f"provider {name}", "it is not installed in the management cluster")


@rule(
    "RP702",
    Severity.BLOCKER,
    consequence="The plan is made for other controllers: what they compare, default or clear changes from "
    "minor to minor.",
    remedy="Plan for the versions that run (settings of the plan), or bring the management cluster to the "
    "plan's versions.",
)
def provider_has_another_version(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """A provider's version is not the plan's. A note where only the patch differs."""
    wanted = dict.fromkeys(CORE_PROVIDERS, settings.cluster_api_version) | {CAPO: settings.capo_version}
    for provider in management(snapshot, lambda facts: facts.providers):
        target = wanted.get(provider.name)
        if target is None or provider.version == target:
            continue
        runs, plans = parse_version(provider.version), parse_version(target)
        same_minor = runs is not None and plans is not None and runs[:2] == plans[:2]
        severity = Severity.NOTE if same_minor else None
        evidence = f"{provider.version} runs, the plan is for {target}"
        yield seen(f"provider {provider.name}", evidence, severity=severity)


@rule(
    "RP703",
    Severity.BLOCKER,
    consequence="The takeover would write over objects that somebody else, or an earlier try, has made.",
    remedy="Find out whose they are. Left-overs of an earlier try go by its undo, never by a plain delete.",
)
def objects_exist_already(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Objects of the cluster's name in the target namespace."""
    existing = management(snapshot, lambda facts: facts.existing)
    if existing:
        yield seen(f"objects of {snapshot.cluster}", *some(existing))


@rule(
    "RP704",
    Severity.RISK,
    consequence="`clusterctl move` finds only Secrets and leaves the rest: the cluster cannot be moved to "
    "another management cluster, nor restored that way.",
    remedy="Install the providers with clusterctl or the operator, which label their CRDs "
    "`clusterctl.cluster.x-k8s.io`.",
)
def crds_lack_the_label_for_move(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """CRDs of the providers without the label that `clusterctl move` looks for."""
    if not management(snapshot, lambda facts: facts.ready_for_move):
        yield seen("CRDs of the providers", "the label clusterctl.cluster.x-k8s.io is missing")


@rule(
    "RP705",
    Severity.BLOCKER,
    consequence="The objects of the plan cannot be written.",
    remedy="Install the provider that brings the kind, in a version that serves it.",
)
def kind_is_not_served(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A kind of the plan's manifests that the management cluster does not serve."""
    served = {(kind.group, kind.kind) for kind in management(snapshot, lambda facts: facts.served)}
    for group, kind in NEEDED_KINDS:
        if (group, kind) not in served:
            yield seen(f"kind {kind}", f"{group} does not serve it")
