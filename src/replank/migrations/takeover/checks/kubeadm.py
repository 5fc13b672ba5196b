"""kubeadm's own record: what KCP reads from it, writes over it, or cannot express."""

from __future__ import annotations

from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.severity import Severity
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.hosts.drift import manifest_drift
from replank.migrations.takeover.checks.look import kubeadm, kubernetes, seen_hosts
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some, unseen

SUBJECT = "ConfigMap kube-system/kubeadm-config"
DECODED = ("kubeadm.k8s.io/v1beta3", "kubeadm.k8s.io/v1beta4")
DEFAULT_PKI = "/etc/kubernetes/pki"


@rule(
    "RP220",
    Severity.BLOCKER,
    consequence="Without it KCP takes the cluster for one that was never initialized and starts kubeadm "
    "init, and no machine can join.",
    remedy="Write it back with `kubeadm init phase upload-config kubeadm` from the configuration in use.",
)
def kubeadm_config_is_missing(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """No ConfigMap kubeadm-config."""
    if kubernetes(snapshot, lambda facts: facts.kubeadm_config) is None:
        yield seen(SUBJECT, "the API says that it does not exist")


@rule(
    "RP221",
    Severity.RISK,
    consequence="The KubeadmControlPlane does not hold these fields: control planes made later come "
    "without them.",
    remedy="Look each field up in kubeadm's reference and bring what it does into the image or the plan "
    "by other means.",
)
def kubeadm_config_has_unread_fields(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Fields of the ClusterConfiguration that replank does not know."""
    config = kubeadm(snapshot)
    if config.unread:
        yield seen(SUBJECT, *some(f"field {path}" for path in config.unread))


@rule(
    "RP222",
    Severity.NOTE,
    consequence="They must stand equally in KCP and in every KubeadmConfig, or the machines are replaced; "
    "a gate that a later kubeadm does not know any more stops its joins.",
    remedy="Nothing to do for the takeover; look at the gates before each minor upgrade.",
)
def kubeadm_config_has_feature_gates(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """kubeadm feature gates in use."""
    gates = kubeadm(snapshot).feature_gates
    if gates:
        yield seen(SUBJECT, *some(f"{name}: {str(on).lower()}" for name, on in gates.items()))


@rule(
    "RP228",
    Severity.RISK,
    consequence="A control plane made by Cluster API is written from the configuration alone: what only "
    "stands in the manifest is lost with this machine.",
    remedy="Move each edit into kubeadm-config (extraArgs, extraVolumes) on all control planes, or give "
    "it up.",
)
def manifests_are_hand_edited(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A static pod manifest that is not what kubeadm would write."""
    config = kubeadm(snapshot)
    found, blind = seen_hosts(snapshot, lambda facts: facts.static_pods)
    for machine, fact in blind:
        yield unseen(f"manifests of {machine.name}", fact)
    for machine, pods in found:
        for pod in sorted(pods, key=lambda p: p.component):
            if lines := manifest_drift(pod, config):
                yield seen(f"manifest {pod.component} of {machine.name}", *some(lines))


@rule(
    "RP232",
    Severity.NOTE,
    consequence="KCP keeps kube-proxy's image at the cluster's version unless told not to.",
    remedy="Nothing to do: the plan sets the annotation that keeps KCP's hands off kube-proxy.",
)
def kube_proxy_is_absent(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """No kube-proxy, as with Cilium's or Calico's own."""
    addons = kubernetes(snapshot, lambda facts: facts.addons)
    if all(addon.kind != "kube-proxy" for addon in addons):
        yield seen("kube-proxy", "no kube-proxy was found in the cluster")


@rule(
    "RP233",
    Severity.NOTE,
    consequence="KCP writes CoreDNS's image and Corefile where dns.imageTag or imageRepository say "
    "another version.",
    remedy="Nothing to do: the plan sets the annotation that keeps KCP's hands off CoreDNS. Upgrade it as "
    "you did before.",
)
def coredns_is_not_kubeadms(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """CoreDNS is absent, disabled in kubeadm, or runs from another repository or tag than recorded."""
    config = kubeadm(snapshot)
    addons = kubernetes(snapshot, lambda facts: facts.addons)
    images = sorted({i for a in addons if a.kind == "dns" and a.name == "coredns" for i in a.images})
    lines = [] if images else ["no CoreDNS was found in the cluster"]
    if config.dns_disabled:
        lines.append("kubeadm-config disables dns")
    repository = config.dns_image_repository or config.image_repository
    for image in images:
        name, _sep, tag = image.partition("@")[0].rpartition(":")
        if repository and not name.startswith(f"{repository}/"):
            lines.append(f"image {image}, kubeadm-config says {repository}")
        if config.dns_image_tag and tag != config.dns_image_tag:
            lines.append(f"image {image}, kubeadm-config says tag {config.dns_image_tag}")
    if lines:
        yield seen("CoreDNS", *some(lines))


@rule(
    "RP234",
    Severity.NOTE,
    consequence="certificatesDir can never be changed in a KubeadmControlPlane: images and scripts must "
    "use this path too.",
    remedy="Check that nothing in the image of new machines expects /etc/kubernetes/pki.",
)
def certificates_lie_elsewhere(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """certificatesDir is not kubeadm's default (Kubespray: /etc/kubernetes/ssl)."""
    directory = kubeadm(snapshot).certificates_dir
    if directory.rstrip("/") != DEFAULT_PKI:
        yield seen(SUBJECT, f"certificatesDir {directory}")


@rule(
    "RP235",
    Severity.BLOCKER,
    consequence="KCP cannot decode the configuration: it fails at every scale, rollout and upgrade.",
    remedy="Migrate it with `kubeadm config migrate` (1.31 and later write v1beta4) and upload it again.",
)
def kubeadm_config_is_too_old(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A ClusterConfiguration in an API version that Cluster API does not decode."""
    version = kubeadm(snapshot).api_version
    if version not in DECODED:
        yield seen(SUBJECT, f"apiVersion {version}", f"Cluster API decodes {' and '.join(DECODED)}")


@rule(
    "RP236",
    Severity.RISK,
    consequence="A joining machine takes this version for the control plane's; an upgrade was not "
    "finished or was made without kubeadm.",
    remedy="Finish the upgrade, or correct kubernetesVersion in kubeadm-config.",
)
def kubeadm_config_has_another_version(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """kubernetesVersion of kubeadm-config is not what the API server runs."""
    recorded = kubeadm(snapshot).kubernetes_version
    running = kubernetes(snapshot, lambda facts: facts.version)
    if recorded.removeprefix("v") != running.removeprefix("v"):
        yield seen(SUBJECT, f"kubernetesVersion {recorded or 'not set'}", f"the API server runs {running}")


@rule(
    "RP237",
    Severity.NOTE,
    consequence="New control planes get --cluster-name from the Cluster object. A cloud provider that "
    "names load balancers after the cluster must keep the name it was given.",
    remedy="Check --cluster-name of the cloud controller manager; it must not change.",
)
def cluster_has_another_name(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """kubeadm knows the cluster by another name than the Cluster object will have."""
    name = kubeadm(snapshot).cluster_name
    if name != snapshot.cluster:
        yield seen(SUBJECT, f"clusterName {name}", f"the Cluster will be {snapshot.cluster}")


@rule(
    "RP238",
    Severity.RISK,
    consequence="No further control plane can join: kubeadm refuses without a stable "
    "controlPlaneEndpoint, so KCP can neither scale nor roll out.",
    remedy="Set controlPlaneEndpoint in kubeadm-config and renew the API certificates with it among their "
    "SANs.",
)
def endpoint_is_not_recorded(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """kubeadm-config has no controlPlaneEndpoint."""
    if not kubeadm(snapshot).control_plane_endpoint:
        yield seen(SUBJECT, "controlPlaneEndpoint is empty")


@rule(
    "RP239",
    Severity.RISK,
    consequence="replank keeps names of variables, never values: control planes made later come without "
    "them.",
    remedy="Turn each into a flag, or bring it into the image, before the first rollout.",
)
def components_have_environment(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Environment variables of control-plane components (kubeadm v1beta4 extraEnvs)."""
    config = kubeadm(snapshot)
    parts = {
        "apiServer": config.api_server,
        "controllerManager": config.controller_manager,
        "scheduler": config.scheduler,
    }
    for name, part in parts.items():
        if part.extra_env_names:
            yield seen(f"{name} of kubeadm-config", *some(f"extraEnvs {e}" for e in part.extra_env_names))


@rule(
    "RP241",
    Severity.RISK,
    consequence="A new control plane starts with an empty etcd in another place than its volumes and "
    "backups expect.",
    remedy="Record the real directory as etcd.local.dataDir; KCP empties that field when it rolls out.",
)
def etcd_lies_elsewhere(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """etcd's data directory is not the recorded one."""
    local = kubeadm(snapshot).etcd_local
    if local is None:
        return
    found, blind = seen_hosts(snapshot, lambda facts: facts.static_pods)
    for machine, fact in blind:
        yield unseen(f"etcd of {machine.name}", fact)
    for machine, pods in found:
        used = {a.value for p in pods if p.component == "etcd" for a in p.args if a.name == "data-dir"}
        if used and used != {local.data_dir}:
            lines = (f"--data-dir {directory}" for directory in used)
            yield seen(f"etcd of {machine.name}", f"kubeadm-config says {local.data_dir}", *some(lines))
