"""What a new machine needs to join. A takeover makes none, but the first rollout does."""

from __future__ import annotations

from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.severity import Severity
from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.hosts import StaticPod
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import hosts, known, kubeadm, kubernetes, seen_hosts
from replank.migrations.takeover.checks.rule import Sighting, Unseen, rule, seen, some, unseen
from replank.migrations.takeover.checks.versions import parse_version
from replank.migrations.takeover.endpoint import Endpoint, parse_endpoint

CLUSTER_ROLE_BINDINGS = (
    "kubeadm:get-nodes",
    "kubeadm:kubelet-bootstrap",
    "kubeadm:node-autoapprove-bootstrap",
    "kubeadm:node-autoapprove-certificate-rotation",
)
KUBE_PUBLIC = ("kubeadm:bootstrap-signer-clusterinfo",)
CONTROLLERS = ("bootstrapsigner", "tokencleaner")
SIGNING_FLAGS = ("cluster-signing-cert-file", "cluster-signing-key-file")


def _endpoint(snapshot: Snapshot) -> Endpoint:
    config = kubeadm(snapshot)
    found = parse_endpoint(config.control_plane_endpoint) if config.control_plane_endpoint else None
    if found is None:
        raise Unseen(Unknown("kubeadm-config has no usable controlPlaneEndpoint"))
    return found


def _kubelet_config(snapshot: Snapshot) -> str:
    """The ConfigMap that this cluster's kubeadm reads at a join.

    kubeadm before 1.24 reads `kubelet-config-1.X` (feature gate UnversionedKubeletConfigMap, on since 1.24).
    """
    version = parse_version(kubernetes(snapshot, lambda facts: facts.version))
    if version is not None and version < (1, 24, 0):
        return f"kubelet-config-1.{version[1]}"
    return "kubelet-config"


def _flag(pods: tuple[StaticPod, ...], component: str, name: str) -> str:
    values = [a.value for p in pods if p.component == component for a in p.args if a.name == name]
    return ",".join(values)


@rule(
    "RP320",
    Severity.RISK,
    consequence="kubeadm join fails on every new machine, so no rollout and no scaling works.",
    remedy="Write it back: `kubeadm init phase bootstrap-token` and `kubeadm init phase upload-config all`.",
)
def join_binding_is_missing(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A role binding that kubeadm join rests on is missing."""
    join = known(snapshot.kubernetes).join
    kube_system = (f"kubeadm:{_kubelet_config(snapshot)}", "kubeadm:nodes-kubeadm-config")
    wanted: tuple[tuple[str, Fact[tuple[str, ...]], tuple[str, ...]], ...] = (
        ("ClusterRoleBinding", join.cluster_role_bindings, CLUSTER_ROLE_BINDINGS),
        ("RoleBinding kube-system/", join.kube_system_role_bindings, kube_system),
        ("RoleBinding kube-public/", join.kube_public_role_bindings, KUBE_PUBLIC),
    )
    for kind, there, names in wanted:
        if isinstance(there, Unknown):
            yield unseen(kind.removesuffix("/"), there)
            continue
        for name in names:
            if name not in there:
                subject = f"{kind}{name}" if kind.endswith("/") else f"{kind} {name}"
                yield seen(subject, "it does not exist")


@rule(
    "RP321",
    Severity.RISK,
    consequence="A new machine cannot find the cluster's CA and endpoint: kubeadm join fails.",
    remedy="Write it back with `kubeadm init phase bootstrap-token`.",
)
def cluster_info_is_missing(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """No ConfigMap cluster-info."""
    if kubernetes(snapshot, lambda facts: facts.cluster_info) is None:
        yield seen("ConfigMap kube-public/cluster-info", "the API says that it does not exist")


@rule(
    "RP322",
    Severity.NOTE,
    consequence="Usual where no bootstrap token is valid now. Cluster API makes tokens, and "
    "bootstrapsigner must sign then.",
    remedy="Nothing to do if RP323 is quiet; `kubeadm token create` shows within seconds whether it gets "
    "signed.",
)
def cluster_info_is_unsigned(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """cluster-info bears no signature of a token."""
    info = kubernetes(snapshot, lambda facts: facts.cluster_info)
    if info is not None and not info.signed:
        yield seen("ConfigMap kube-public/cluster-info", "it has no jws-kubeconfig-* key")


@rule(
    "RP323",
    Severity.RISK,
    consequence="Tokens of new machines are never signed into cluster-info, or never removed: kubeadm "
    "join fails.",
    remedy="Set --controllers=*,bootstrapsigner,tokencleaner on every kube-controller-manager.",
)
def token_controllers_are_off(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """bootstrapsigner or tokencleaner is not switched on."""
    for machine, pods in hosts(snapshot, lambda facts: facts.static_pods):
        subject = f"kube-controller-manager of {machine.name}"
        if isinstance(pods, Unknown):
            yield unseen(subject, pods)
            continue
        on = _flag(pods, "kube-controller-manager", "controllers").split(",")
        missing = [name for name in CONTROLLERS if name not in on]
        if missing:
            yield seen(subject, *some(f"--controllers does not name {name}" for name in missing))


@rule(
    "RP324",
    Severity.RISK,
    consequence="A new machine is sent to another address, or refuses the CA that it meets there.",
    remedy="Correct cluster-info (server, CA) so that it is what kubeadm-config and ca.crt say.",
)
def cluster_info_says_otherwise(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """cluster-info names another endpoint than kubeadm-config, or another CA than the machines have."""
    info = kubernetes(snapshot, lambda facts: facts.cluster_info)
    if info is None:
        return
    endpoint = _endpoint(snapshot)
    told = parse_endpoint(info.server)
    lines = []
    if told is None or (told.host, told.port) != (endpoint.host, endpoint.port):
        lines.append(f"server {info.server}, controlPlaneEndpoint {endpoint}")
    found, blind = seen_hosts(snapshot, lambda facts: facts.certificates)
    cas = {
        c.sha256
        for _, certificates in found
        for c in certificates
        if c.path.endswith("/ca.crt") and not c.path.endswith("/etcd/ca.crt")
    }
    if cas and info.ca_sha256 not in cas:
        lines.append(f"CA sha256 {info.ca_sha256}, ca.crt on the machines: {', '.join(sorted(cas))}")
    if lines:
        yield seen("ConfigMap kube-public/cluster-info", *some(lines))
    elif blind and not cas:
        yield unseen("ConfigMap kube-public/cluster-info", *(fact for _, fact in blind))


@rule(
    "RP325",
    Severity.BLOCKER,
    consequence="The management cluster and every new machine talk to the endpoint and refuse a "
    "certificate without it.",
    remedy="Add the endpoint to certSANs in kubeadm-config and renew apiserver.crt on each control plane.",
)
def endpoint_is_not_in_certificate(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The endpoint is not among the names of the certificate that the API serves, or of an apiserver.crt."""
    endpoint = _endpoint(snapshot)
    served = kubernetes(snapshot, lambda facts: facts.serving_certificate)
    if not _covers(endpoint.host, served.dns_names, served.ip_addresses):
        yield seen("serving certificate", f"{endpoint.host} is none of its names")
    for machine, certificates in hosts(snapshot, lambda facts: facts.certificates):
        subject = f"apiserver.crt of {machine.name}"
        if isinstance(certificates, Unknown):
            yield unseen(subject, certificates)
            continue
        own = [c for c in certificates if c.path.endswith("/apiserver.crt")]
        if any(not _covers(endpoint.host, c.dns_names, c.ip_addresses) for c in own):
            yield seen(subject, f"{endpoint.host} is none of its names")


def _covers(host: str, names: tuple[str, ...], addresses: tuple[str, ...]) -> bool:
    parent = host.partition(".")[2]
    return host in addresses or host in names or (bool(parent) and f"*.{parent}" in names)


@rule(
    "RP326",
    Severity.RISK,
    consequence="kubeadm join reads ConfigMap kube-system/kubelet-config and fails without it.",
    remedy="Write it back with `kubeadm init phase upload-config kubelet`.",
)
def kubelet_config_is_missing(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """No ConfigMap kubelet-config, or only one of another version's name."""
    config = kubernetes(snapshot, lambda facts: facts.kubelet_config)
    wanted = _kubelet_config(snapshot)
    subject = f"ConfigMap kube-system/{wanted}"
    if config is None:
        yield seen(subject, "the API says that it does not exist")
        return
    name = kubernetes(snapshot, lambda facts: facts.kubelet_config_name)
    if name != wanted:
        yield seen(subject, f"only {name} exists")


@rule(
    "RP328",
    Severity.RISK,
    consequence="The API server accepts no bootstrap tokens: kubeadm join fails.",
    remedy="Set --enable-bootstrap-token-auth=true on every kube-apiserver.",
)
def bootstrap_tokens_are_off(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The API server does not accept bootstrap tokens."""
    for machine, pods in hosts(snapshot, lambda facts: facts.static_pods):
        subject = f"kube-apiserver of {machine.name}"
        if isinstance(pods, Unknown):
            yield unseen(subject, pods)
            continue
        value = _flag(pods, "kube-apiserver", "enable-bootstrap-token-auth")
        if value != "true":
            yield seen(subject, f"--enable-bootstrap-token-auth is {value or 'not set'}")


@rule(
    "RP329",
    Severity.RISK,
    consequence="Nobody signs the certificate requests of new kubelets: their Nodes never appear.",
    remedy="Give kube-controller-manager --cluster-signing-cert-file and --cluster-signing-key-file.",
)
def requests_are_not_signed(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """kube-controller-manager has no key to sign certificates with."""
    for machine, pods in hosts(snapshot, lambda facts: facts.static_pods):
        subject = f"kube-controller-manager of {machine.name}"
        if isinstance(pods, Unknown):
            yield unseen(subject, pods)
            continue
        unset = [f for f in SIGNING_FLAGS if not _flag(pods, "kube-controller-manager", f)]
        if unset:
            yield seen(subject, *some(f"--{flag} is not set" for flag in unset))
