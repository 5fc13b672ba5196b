"""What is read of pods and pod templates: mounts, images, ports and restart policy, and nothing else."""

from __future__ import annotations

from lightkube.core.resource import ApiInfo, NamespacedResourceG, ResourceDef
from msgspec import field

from replank.transports.kubernetes.nodes import is_true
from replank.transports.kubernetes.resources import Base, Condition, Metadata


class HostPath(Base, frozen=True):
    path: str = ""


class Volume(Base, frozen=True):
    name: str
    host_path: HostPath | None = None


class VolumeMount(Base, frozen=True):
    name: str
    read_only: bool = False
    sub_path: str = ""


class Port(Base, frozen=True):
    host_port: int = 0
    protocol: str = "TCP"
    host_ip: str = field(name="hostIP", default="")


class Container(Base, frozen=True):
    name: str = ""
    image: str = ""
    volume_mounts: list[VolumeMount] | None = None
    ports: list[Port] | None = None


class Spec(Base, frozen=True):
    node_name: str = ""
    host_network: bool = False
    restart_policy: str = "Always"
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    volumes: list[Volume] | None = None

    @property
    def all_containers(self) -> tuple[Container, ...]:
        """Init containers too: a mount in one is a mount."""
        return (*(self.init_containers or ()), *(self.containers or ()))


class Status(Base, frozen=True):
    phase: str = ""


class Template(Base, frozen=True):
    spec: Spec = Spec()


class TemplateSpec(Base, frozen=True):
    template: Template = Template()


class JobTemplate(Base, frozen=True):
    spec: TemplateSpec = TemplateSpec()


class CronSpec(Base, frozen=True):
    job_template: JobTemplate = JobTemplate()


def _info(group: str, kind: str, plural: str) -> ApiInfo:
    return ApiInfo(
        resource=ResourceDef(group, "v1", kind), plural=plural, verbs=["get", "list", "global_list"]
    )


class RunningPod(NamespacedResourceG, Base, frozen=True, kw_only=True):
    _api_info = _info("", "Pod", "pods")
    metadata: Metadata
    spec: Spec = Spec()
    status: Status = Status()


class Controller(Base, frozen=True, kw_only=True):
    """What has a pod template."""

    metadata: Metadata
    spec: TemplateSpec = TemplateSpec()

    @property
    def ended(self) -> bool:
        """It starts no pod any more."""
        return False


class DaemonSet(NamespacedResourceG, Controller, frozen=True):
    _api_info = _info("apps", "DaemonSet", "daemonsets")


class Deployment(NamespacedResourceG, Controller, frozen=True):
    _api_info = _info("apps", "Deployment", "deployments")


class StatefulSet(NamespacedResourceG, Controller, frozen=True):
    _api_info = _info("apps", "StatefulSet", "statefulsets")


class ReplicaSet(NamespacedResourceG, Controller, frozen=True):
    _api_info = _info("apps", "ReplicaSet", "replicasets")


class JobStatus(Base, frozen=True):
    conditions: list[Condition] | None = None


class Job(NamespacedResourceG, Controller, frozen=True):
    _api_info = _info("batch", "Job", "jobs")
    status: JobStatus = JobStatus()

    @property
    def ended(self) -> bool:
        """It has done its work, or given up."""
        return is_true(self.status.conditions, "Complete") or is_true(self.status.conditions, "Failed")


class CronJob(NamespacedResourceG, Base, frozen=True, kw_only=True):
    _api_info = _info("batch", "CronJob", "cronjobs")
    metadata: Metadata
    spec: CronSpec = CronSpec()
