"""kubeadm's ClusterConfiguration as Cluster API writes it (bootstrap v1beta2).

v1beta2 has no networking, clusterName and kubernetesVersion: they come from Cluster and Machine. Source:
cluster-api v1.14.0, api/bootstrap/kubeadm/v1beta2/kubeadm_types.go and
controlplane/kubeadm/pkg/desiredstate/desired_state.go (DefaultFeatureGates).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.kubernetes import (
    ClusterConfiguration,
    ComponentConfig,
    ExternalEtcd,
    ExtraArg,
    HostPathMount,
    LocalEtcd,
)
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.manifest import texts
from replank.migrations.takeover.notes import Notes
from replank.migrations.takeover.registration import VALUE_LIMIT
from replank.migrations.takeover.running import Running, running
from replank.plan.takeover import GroupDifference

LOCAL_MODE: Final = "ControlPlaneKubeletLocalMode"
DEFAULT_REPOSITORY: Final = "registry.k8s.io"
DEFAULT_VALIDITY_S: Final = 365 * 86400
LONGEST_VALIDITY_DAYS: Final = 1095


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The configuration for the manifests, and where hosts disagree with it."""

    spec: dict[str, JSON]
    differences: tuple[GroupDifference, ...]


def minor_of(version: str) -> tuple[int, int]:
    """(1, 34) of `v1.34.4`; (0, 0) where it is no such version."""
    parts = version.removeprefix("v").split(".")
    if len(parts) < 2 or not (parts[0].isdecimal() and parts[1].isdecimal()):
        return (0, 0)
    return int(parts[0]), int(parts[1])


def planned_configuration(
    config: ClusterConfiguration, control_planes: Sequence[Adoptee], version: str, notes: Notes
) -> Planned:
    """`clusterConfiguration` of the KubeadmControlPlane and of every KubeadmConfig."""
    differences: list[GroupDifference] = []
    spec: dict[str, JSON] = {"certificatesDir": config.certificates_dir}
    if config.image_repository not in ("", DEFAULT_REPOSITORY):
        spec["imageRepository"] = config.image_repository
    for key, component, recorded in (
        ("apiServer", "kube-apiserver", config.api_server),
        ("controllerManager", "kube-controller-manager", config.controller_manager),
        ("scheduler", "kube-scheduler", config.scheduler),
    ):
        runs = running(component, recorded.extra_args, recorded.extra_volumes, control_planes, notes)
        differences.extend(runs.differences)
        part = _component(component, runs, recorded, notes)
        if part:
            spec[key] = part
    if config.etcd_external is not None:
        spec["etcd"] = {"external": _external(config.etcd_external)}
    elif config.etcd_local is not None:
        runs = running("etcd", config.etcd_local.extra_args, (), control_planes, notes)
        differences.extend(runs.differences)
        spec["etcd"] = {"local": _local(config.etcd_local, runs, notes)}
    if config.dns_image_repository or config.dns_image_tag:
        spec["dns"] = _texts(imageRepository=config.dns_image_repository, imageTag=config.dns_image_tag)
    if config.encryption_algorithm not in ("", "RSA-2048"):
        spec["encryptionAlgorithm"] = config.encryption_algorithm
    if days := _validity_days(config, notes):
        spec["certificateValidityPeriodDays"] = days
    gates = feature_gates(config, version)
    if gates:
        spec["featureGates"] = dict(gates)
    for unread in sorted(config.unread):
        notes.lost(
            f"kubeadm-config field {unread}", "Cluster API has no place for it, or replank does not know it"
        )
    return Planned(spec=spec, differences=tuple(differences))


def _validity_days(config: ClusterConfiguration, notes: Notes) -> int | None:
    """How long new certificates live; None for kubeadm's year.

    The CA's own period is not asked for: Cluster API uses it for CAs that it makes, and it makes none here.
    """
    seconds = config.certificate_validity_seconds
    if seconds in (None, DEFAULT_VALIDITY_S):
        return None
    days, rest = divmod(seconds or 0, 86400)
    if rest or not 1 <= days <= LONGEST_VALIDITY_DAYS:
        notes.lost(
            "kubeadm-config field certificateValidityPeriod",
            f"{seconds} s; Cluster API takes 1 to {LONGEST_VALIDITY_DAYS} whole days",
        )
        return None
    return days


def feature_gates(config: ClusterConfiguration, version: str) -> dict[str, bool]:
    """The gates, with ControlPlaneKubeletLocalMode spelled out for 1.31 <= version < 1.36.

    KCP adds that gate itself to the configuration that it compares with, so it has to stand in the
    KubeadmConfigs as well, or the comparison ends in a rollout. From 1.36 on kubeadm does not know it.
    """
    gates = dict(sorted(config.feature_gates.items()))
    if (1, 31) <= minor_of(version) < (1, 36):
        gates.setdefault(LOCAL_MODE, True)
    elif minor_of(version) >= (1, 36):
        gates.pop(LOCAL_MODE, None)
    return dict(sorted(gates.items()))


def arguments(where: str, args: Sequence[ExtraArg], notes: Notes) -> list[JSON]:
    """`extraArgs`: name and value, in the given order."""
    for arg in args:
        if len(arg.value) > VALUE_LIMIT:
            notes.gap(
                f"{where} --{arg.name}",
                f"its value has {len(arg.value)} characters, Cluster API takes {VALUE_LIMIT}",
                unknown=False,
            )
    return [{"name": arg.name, "value": arg.value} for arg in args]


def _component(component: str, runs: Running, recorded: ComponentConfig, notes: Notes) -> dict[str, JSON]:
    part: dict[str, JSON] = {}
    if runs.args:
        part["extraArgs"] = arguments(component, runs.args, notes)
    if runs.volumes:
        part["extraVolumes"] = [_mount(mount) for mount in runs.volumes]
    if recorded.cert_sans:
        part["certSANs"] = texts(sorted(set(recorded.cert_sans)))
    if recorded.extra_env_names:
        notes.lost(
            f"{component} environment",
            f"variables {', '.join(sorted(recorded.extra_env_names))}: replank keeps no environment values",
        )
    return part


def _mount(mount: HostPathMount) -> dict[str, JSON]:
    entry: dict[str, JSON] = {
        "name": mount.name,
        "hostPath": mount.host_path,
        "mountPath": mount.mount_path,
        "readOnly": mount.read_only,
    }
    return entry | ({"pathType": mount.path_type} if mount.path_type else {})


def _local(etcd: LocalEtcd, runs: Running, notes: Notes) -> dict[str, JSON]:
    local: dict[str, JSON] = {"dataDir": etcd.data_dir}
    local |= _texts(imageRepository=etcd.image_repository, imageTag=etcd.image_tag)
    if runs.args:
        local["extraArgs"] = arguments("etcd", runs.args, notes)
    if etcd.server_cert_sans:
        local["serverCertSANs"] = texts(sorted(set(etcd.server_cert_sans)))
    if etcd.peer_cert_sans:
        local["peerCertSANs"] = texts(sorted(set(etcd.peer_cert_sans)))
    return local


def _external(etcd: ExternalEtcd) -> dict[str, JSON]:
    return {
        "endpoints": texts(sorted(etcd.endpoints)),
        "caFile": etcd.ca_file,
        "certFile": etcd.cert_file,
        "keyFile": etcd.key_file,
    }


def _texts(**fields: str) -> dict[str, JSON]:
    return {key: value for key, value in fields.items() if value}
