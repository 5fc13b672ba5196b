"""The workload cluster, seen through its API.

No environment values, no arguments of pods, no Secret, no ConfigMap body beyond the named kubeadm ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from replank.domain.unknown import Fact
from replank.inventory.facts.json_value import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """A taint of a Node."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAddress:
    """`type`: InternalIP, ExternalIP, Hostname, InternalDNS, ExternalDNS."""

    type: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A Kubernetes Node. `ready`: its Ready condition. `cri_socket`: kubeadm's annotation, "" if none.

    `annotation_keys`: keys only, but for the kubeadm socket.
    """

    name: str
    uid: str
    provider_id: str = ""
    system_uuid: str = ""
    machine_id: str = ""
    addresses: tuple[NodeAddress, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotation_keys: tuple[str, ...] = ()
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False
    ready: bool = False
    kubelet_version: str = ""
    container_runtime: str = ""
    os_image: str = ""
    kernel: str = ""
    architecture: str = ""
    cri_socket: str = ""
    pod_cidrs: tuple[str, ...] = ()
    capacity: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraArg:
    """One flag of a component, without leading dashes."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPathMount:
    """kubeadm's HostPathMount (extraVolumes)."""

    name: str
    host_path: str
    mount_path: str
    read_only: bool = False
    path_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentConfig:
    """apiServer, controllerManager or scheduler of a ClusterConfiguration. `extra_env_names`: names only."""

    extra_args: tuple[ExtraArg, ...] = ()
    extra_volumes: tuple[HostPathMount, ...] = ()
    cert_sans: tuple[str, ...] = ()
    extra_env_names: tuple[str, ...] = ()
    timeout_for_control_plane_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEtcd:
    """Stacked etcd as kubeadm records it."""

    data_dir: str = "/var/lib/etcd"
    image_repository: str = ""
    image_tag: str = ""
    extra_args: tuple[ExtraArg, ...] = ()
    server_cert_sans: tuple[str, ...] = ()
    peer_cert_sans: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalEtcd:
    """External etcd as kubeadm records it: endpoints and paths of files."""

    endpoints: tuple[str, ...]
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfiguration:
    """ConfigMap kube-system/kubeadm-config, key ClusterConfiguration (v1beta2, v1beta3 or v1beta4).

    `unread`: fields of the document that have no place here; a plan that would lose them says so.
    """

    api_version: str
    kubernetes_version: str = ""
    cluster_name: str = "kubernetes"
    control_plane_endpoint: str = ""
    pod_subnet: str = ""
    service_subnet: str = ""
    dns_domain: str = "cluster.local"
    certificates_dir: str = "/etc/kubernetes/pki"
    image_repository: str = ""
    feature_gates: Mapping[str, bool] = field(default_factory=dict)
    api_server: ComponentConfig = ComponentConfig()
    controller_manager: ComponentConfig = ComponentConfig()
    scheduler: ComponentConfig = ComponentConfig()
    etcd_local: LocalEtcd | None = None
    etcd_external: ExternalEtcd | None = None
    dns_image_repository: str = ""
    dns_image_tag: str = ""
    dns_disabled: bool = False
    proxy_disabled: bool = False
    encryption_algorithm: str = ""
    certificate_validity_seconds: int | None = None
    ca_certificate_validity_seconds: int | None = None
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterInfo:
    """ConfigMap kube-public/cluster-info: the server that joiners are told, and the CA's fingerprint."""

    server: str
    ca_sha256: str
    signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Addon:
    """A component found in the cluster. `name`: kube-proxy, coredns, calico, openstack-ccm, cinder-csi, ...

    `kind`: kube-proxy | dns | cni | csi | cloud-provider | autoscaler | ingress | other.
    """

    kind: str
    name: str
    namespace: str
    workload: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdPod:
    """A static etcd pod that the API shows. `labels_ok`: tier and component labels as kubeadm writes them."""

    pod: str
    node: str
    labels_ok: bool
    ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticPodStatus:
    """A mirror pod of a control-plane component."""

    component: str
    pod: str
    node: str
    labels_ok: bool
    ready: bool
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFact:
    """A pod and what a drain would meet. `owner`: `Kind/name` of the top controller, "" for a bare pod."""

    namespace: str
    name: str
    node: str
    owner: str
    phase: str = "Running"
    ready: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    local_storage: bool = False
    host_network: bool = False
    volume_claims: tuple[str, ...] = ()
    safe_to_evict: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFact:
    """A controller with its replica count. `kind`: Deployment, StatefulSet, DaemonSet, ReplicaSet."""

    kind: str
    namespace: str
    name: str
    replicas: int
    ready: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisruptionBudget:
    """A PodDisruptionBudget with its status.

    `selector`: matchLabels; `selector_expressions`: matchExpressions as kubectl shows them (`tier in (a,b)`),
    which must match, too.
    """

    namespace: str
    name: str
    selector: Mapping[str, str] = field(default_factory=dict)
    selector_expressions: tuple[str, ...] = ()
    min_available: str = ""
    max_unavailable: str = ""
    disruptions_allowed: int = 0
    expected_pods: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistentVolumeFact:
    """A PersistentVolume. `handle`: CSI volumeHandle or Cinder volume ID."""

    name: str
    driver: str
    handle: str
    claim: str = ""
    phase: str = ""
    attached_nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancerService:
    """A Service of type LoadBalancer. `load_balancer_id`: cloud provider's annotation, "" if none."""

    namespace: str
    name: str
    addresses: tuple[str, ...] = ()
    load_balancer_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One admission webhook. `target`: `service ns/name` or `url`. `touches`: node, pod, all, ..."""

    kind: Literal["validating", "mutating"]
    configuration: str
    name: str
    failure_policy: str
    target: str
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPrerequisites:
    """What a new machine needs to join (kubeadm; each may be unknown).

    The RBAC names are kubeadm's: `kubeadm:get-nodes`, `kubeadm:kubelet-bootstrap`,
    `kubeadm:node-autoapprove-bootstrap`, `kubeadm:node-autoapprove-certificate-rotation`,
    `kubeadm:bootstrap-signer-clusterinfo`, `kubeadm:nodes-kubeadm-config`, `kubeadm:kubelet-config`.
    Each tuple holds those that are there.
    """

    cluster_role_bindings: Fact[tuple[str, ...]] = ()
    kube_system_role_bindings: Fact[tuple[str, ...]] = ()
    kube_public_role_bindings: Fact[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingCertificate:
    """The certificate that the API endpoint presents. Times RFC 3339 UTC."""

    subject: str
    issuer: str
    not_after: str
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeconfigFact:
    """How survey reaches the API. `auth`: client-certificate | token | exec | basic | none.

    `cluster_name`, `user_name`: names inside the file. `client_cert_not_after`: RFC 3339 UTC or "".
    """

    server: str
    auth: str
    context: str
    cluster_name: str
    user_name: str
    client_cert_not_after: str = ""
    client_cert_subject: str = ""
    tls_server_name: str = ""
    proxy: bool = False
    insecure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesFacts:
    """The workload cluster. `version`: `v1.34.4`. Lists are sorted by namespace and name."""

    version: Fact[str]
    kubeconfig: Fact[KubeconfigFact]
    serving_certificate: Fact[ServingCertificate]
    nodes: Fact[tuple[Node, ...]]
    kubeadm_config: Fact[ClusterConfiguration | None]
    kubelet_config: Fact[Mapping[str, JSON] | None]
    kubelet_config_name: Fact[str]
    cluster_info: Fact[ClusterInfo | None]
    addons: Fact[tuple[Addon, ...]]
    etcd_pods: Fact[tuple[EtcdPod, ...]]
    control_plane_pods: Fact[tuple[StaticPodStatus, ...]]
    pods: Fact[tuple[PodFact, ...]]
    workloads: Fact[tuple[WorkloadFact, ...]]
    disruption_budgets: Fact[tuple[DisruptionBudget, ...]]
    persistent_volumes: Fact[tuple[PersistentVolumeFact, ...]]
    load_balancer_services: Fact[tuple[LoadBalancerService, ...]]
    webhooks: Fact[tuple[Webhook, ...]]
    join: JoinPrerequisites
