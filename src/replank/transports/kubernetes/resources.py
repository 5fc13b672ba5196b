"""What replank reads of Kubernetes objects: nothing that is not named here is even decoded.

lightkube resources of our own with few fields, in place of lightkube's complete models: environment values,
arguments and bodies never enter the process's objects, and a listing of thousands of pods stays small.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from lightkube.core.resource import ApiInfo, GlobalResource, NamespacedResourceG, ResourceDef
from msgspec import Struct, field


class Base(Struct, rename="camel", frozen=True, kw_only=True):
    """Go writes an empty list as null here and there, so lists may be None."""


class OwnerReference(Base, frozen=True):
    kind: str
    name: str
    controller: bool | None = None


class Metadata(Base, frozen=True, kw_only=True):
    """Of annotations, the callers keep keys, and the values of the few that a model names."""

    name: str
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that controls the object."""
        return next((owner for owner in self.owner_references or () if owner.controller), None)


class Condition(Base, frozen=True):
    type: str
    status: str


class Taint(Base, frozen=True):
    key: str
    effect: str
    value: str = ""


class NodeSpec(Base, frozen=True):
    provider_id: str = field(name="providerID", default="")
    taints: list[Taint] | None = None
    unschedulable: bool = False
    pod_cidr: str = field(name="podCIDR", default="")
    pod_cidrs: list[str] | None = field(name="podCIDRs", default=None)


class NodeAddress(Base, frozen=True):
    type: str
    address: str


class NodeInfo(Base, frozen=True):
    machine_id: str = field(name="machineID", default="")
    system_uuid: str = field(name="systemUUID", default="")
    kernel_version: str = ""
    os_image: str = ""
    container_runtime_version: str = ""
    kubelet_version: str = ""
    architecture: str = ""


class NodeStatus(Base, frozen=True):
    capacity: dict[str, str] | None = None
    conditions: list[Condition] | None = None
    addresses: list[NodeAddress] | None = None
    node_info: NodeInfo = NodeInfo()


class Container(Base, frozen=True):
    """Of a container the image alone."""

    image: str = ""


class EmptyDir(Base, frozen=True):
    medium: str = ""


class ClaimSource(Base, frozen=True):
    claim_name: str


class Present(Base, frozen=True):
    """A mapping whose content does not matter."""


class Volume(Base, frozen=True):
    name: str
    empty_dir: EmptyDir | None = None
    host_path: Present | None = None
    persistent_volume_claim: ClaimSource | None = None
    ephemeral: Present | None = None


class PodSpec(Base, frozen=True):
    node_name: str = ""
    host_network: bool = False
    containers: list[Container] | None = None
    volumes: list[Volume] | None = None


class PodStatus(Base, frozen=True):
    phase: str = ""
    conditions: list[Condition] | None = None


class PodTemplate(Base, frozen=True):
    spec: PodSpec = PodSpec()


class ControllerSpec(Base, frozen=True):
    replicas: int | None = None
    template: PodTemplate = PodTemplate()


class ControllerStatus(Base, frozen=True):
    ready_replicas: int = 0
    desired_number_scheduled: int = 0
    number_ready: int = 0


class Requirement(Base, frozen=True):
    key: str
    operator: str
    values: list[str] | None = None


class Selector(Base, frozen=True):
    match_labels: dict[str, str] | None = None
    match_expressions: list[Requirement] | None = None


class BudgetSpec(Base, frozen=True):
    selector: Selector | None = None
    min_available: int | str | None = None
    max_unavailable: int | str | None = None


class BudgetStatus(Base, frozen=True):
    disruptions_allowed: int = 0
    expected_pods: int = 0


class CsiSource(Base, frozen=True):
    driver: str
    volume_handle: str = ""


class CinderSource(Base, frozen=True):
    volume_id: str = field(name="volumeID")


class Reference(Base, frozen=True):
    name: str = ""
    namespace: str = ""


class VolumeSpec(Base, frozen=True):
    claim_ref: Reference | None = None
    csi: CsiSource | None = None
    cinder: CinderSource | None = None
    nfs: Present | None = None
    host_path: Present | None = None
    local: Present | None = None


class VolumeStatus(Base, frozen=True):
    phase: str = ""


class AttachmentSource(Base, frozen=True):
    persistent_volume_name: str = ""


class AttachmentSpec(Base, frozen=True):
    node_name: str
    source: AttachmentSource = AttachmentSource()


class AttachmentStatus(Base, frozen=True):
    attached: bool = False


class ServiceSpec(Base, frozen=True):
    type: str = "ClusterIP"


class Ingress(Base, frozen=True):
    ip: str = ""
    hostname: str = ""


class LoadBalancerStatus(Base, frozen=True):
    ingress: list[Ingress] | None = None


class ServiceStatus(Base, frozen=True):
    load_balancer: LoadBalancerStatus = LoadBalancerStatus()


class WebhookTarget(Base, frozen=True):
    """`url` may hold a secret path: only whether it is there is used."""

    url: str = ""
    service: Reference | None = None


class Rule(Base, frozen=True):
    api_groups: list[str] | None = None
    resources: list[str] | None = None


class WebhookEntry(Base, frozen=True):
    name: str
    client_config: WebhookTarget
    failure_policy: str = "Fail"
    rules: list[Rule] | None = None


def _info(group: str, version: str, kind: str, plural: str, *, namespaced: bool) -> ApiInfo:
    verbs = ["get", "list", "global_list"] if namespaced else ["get", "list"]
    return ApiInfo(resource=ResourceDef(group, version, kind), plural=plural, verbs=verbs)


class Node(GlobalResource, Base, frozen=True, kw_only=True):
    _api_info = _info("", "v1", "Node", "nodes", namespaced=False)
    metadata: Metadata
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class Pod(NamespacedResourceG, Base, frozen=True, kw_only=True):
    _api_info = _info("", "v1", "Pod", "pods", namespaced=True)
    metadata: Metadata
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class ConfigMap(NamespacedResourceG, Base, frozen=True, kw_only=True):
    """Only ever fetched by name."""

    _api_info = _info("", "v1", "ConfigMap", "configmaps", namespaced=True)
    metadata: Metadata
    data: dict[str, str] | None = None


class Service(NamespacedResourceG, Base, frozen=True, kw_only=True):
    _api_info = _info("", "v1", "Service", "services", namespaced=True)
    metadata: Metadata
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()


class Controller(Base, frozen=True, kw_only=True):
    """What Deployment, StatefulSet, DaemonSet and ReplicaSet have in common."""

    metadata: Metadata
    spec: ControllerSpec = ControllerSpec()
    status: ControllerStatus = ControllerStatus()


class Deployment(NamespacedResourceG, Controller, frozen=True):
    _api_info = _info("apps", "v1", "Deployment", "deployments", namespaced=True)


class StatefulSet(NamespacedResourceG, Controller, frozen=True):
    _api_info = _info("apps", "v1", "StatefulSet", "statefulsets", namespaced=True)


class DaemonSet(NamespacedResourceG, Controller, frozen=True):
    _api_info = _info("apps", "v1", "DaemonSet", "daemonsets", namespaced=True)


class ReplicaSet(NamespacedResourceG, Controller, frozen=True):
    _api_info = _info("apps", "v1", "ReplicaSet", "replicasets", namespaced=True)


class PodDisruptionBudget(NamespacedResourceG, Base, frozen=True, kw_only=True):
    _api_info = _info("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", namespaced=True)
    metadata: Metadata
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()


class PersistentVolume(GlobalResource, Base, frozen=True, kw_only=True):
    _api_info = _info("", "v1", "PersistentVolume", "persistentvolumes", namespaced=False)
    metadata: Metadata
    spec: VolumeSpec = VolumeSpec()
    status: VolumeStatus = VolumeStatus()


class VolumeAttachment(GlobalResource, Base, frozen=True, kw_only=True):
    _api_info = _info("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", namespaced=False)
    metadata: Metadata
    spec: AttachmentSpec
    status: AttachmentStatus = AttachmentStatus()


class WebhookConfiguration(Base, frozen=True, kw_only=True):
    """What both kinds of configuration have in common."""

    metadata: Metadata
    webhooks: list[WebhookEntry] | None = None


class ValidatingWebhooks(GlobalResource, WebhookConfiguration, frozen=True):
    _api_info = _info(
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        namespaced=False,
    )


class MutatingWebhooks(GlobalResource, WebhookConfiguration, frozen=True):
    _api_info = _info(
        "admissionregistration.k8s.io",
        "v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        namespaced=False,
    )


class InstalledProvider(NamespacedResourceG, Base, frozen=True, kw_only=True):
    """clusterctl's own record (cluster-api v1.14, cmd/clusterctl/api/v1alpha3/provider_type.go)."""

    _api_info = _info("clusterctl.cluster.x-k8s.io", "v1alpha3", "Provider", "providers", namespaced=True)
    metadata: Metadata
    provider_name: str = ""
    type: str = ""
    version: str = ""


class _NamespacedMetadata(NamespacedResourceG, Base, frozen=True, kw_only=True):
    metadata: Metadata


class _GlobalMetadata(GlobalResource, Base, frozen=True, kw_only=True):
    metadata: Metadata


@cache
def metadata_of(group: str, version: str, kind: str, plural: str, namespaced: bool) -> type[Any]:
    """A resource of which only the metadata is read. The same class for the same arguments."""
    base: type[Any] = _NamespacedMetadata if namespaced else _GlobalMetadata
    info = _info(group, version, kind, plural, namespaced=namespaced)
    return type(f"{kind}Metadata", (base,), {"_api_info": info})
