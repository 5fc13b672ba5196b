"""What a twin cluster is asked to be: declarative, no document of any API in sight.

The generator turns specs into a `World`. A spec says how an operator would describe the cluster; every ID,
address, certificate and file follows from the seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LoadBalancerKind = Literal["octavia", "keepalived", "none"]
PortKind = Literal["explicit", "implicit"]
BootKind = Literal["image", "volume"]
ProviderIdKind = Literal["plain", "regional", "empty"]
StateShape = Literal["count", "for_each", "module", "workspace", "legacy", "opentofu"]
Cni = Literal["calico", "cilium"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerGroup:
    """Workers that are alike.

    `zones`: taken in turn. `labels`: Node labels set at registration. `taints`: `key=value:Effect`.
    `kubelet`: extra kubelet flags (without dashes), `kubelet_config`: keys of the KubeletConfiguration file
    that differ from the cluster's. `ports`, `boot`: None = as the cluster. `docker`: those of its machines,
    by index from 0, that still run Docker with cri-dockerd.
    """

    name: str
    count: int
    flavor: str = "m1.large"
    zones: tuple[str, ...] = ("az1",)
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()
    kubelet: Mapping[str, str] = field(default_factory=dict)
    kubelet_config: Mapping[str, int | str | bool] = field(default_factory=dict)
    ports: PortKind | None = None
    boot: BootKind | None = None
    docker: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A sample application in namespace `namespace`.

    `claims`: one PersistentVolumeClaim for each replica (StatefulSet). `budget`: minAvailable of its
    PodDisruptionBudget, None = no budget. `group`: worker group it runs on, "" = any untainted one.
    """

    name: str
    namespace: str = "shop"
    kind: Literal["Deployment", "StatefulSet"] = "Deployment"
    replicas: int = 2
    claims: bool = False
    budget: int | None = None
    load_balancer: bool = False
    local_storage: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSpec:
    """One legacy kubeadm cluster.

    `control_planes`: 1 to 5. `port_name`: names of explicit ports, `{server}` and `{index}` filled in.
    `audit_policy`, `encryption`, `oidc`: files on the control planes that API server flags point at.
    `registry_login`: a registry's password stands in containerd's config.toml. `tidy_docker`: where machines
    run Docker, nothing else needs it, but the log agent reads its lines only.
    `proxy`: kubeadm ran behind an HTTP proxy, and left its variables in the static pods.
    `cloud`: cloud of clouds.yaml, one OpenStack project each. `defects`: names from
    `fleet/defects`, applied in this order (those that take things away go last).
    """

    name: str
    control_planes: int = 3
    control_plane_flavor: str = "m1.medium"
    control_plane_zones: tuple[str, ...] = ("az1", "az2", "az3")
    workers: tuple[WorkerGroup, ...] = (WorkerGroup(name="worker", count=2),)
    version: str = "v1.34.4"
    kubeadm_api: Literal["v1beta3", "v1beta4"] = "v1beta4"
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/12"
    load_balancer: LoadBalancerKind = "octavia"
    ports: PortKind = "explicit"
    port_name: str = "{server}-port"
    boot: BootKind = "image"
    provider_id: ProviderIdKind = "plain"
    audit_policy: bool = False
    encryption: bool = False
    oidc: bool = False
    proxy: bool = False
    terraform: StateShape = "count"
    cni: Cni = "calico"
    workloads: tuple[Workload, ...] = (Workload(name="web", replicas=2, budget=1),)
    webhook: bool = False
    registry_login: bool = True
    tidy_docker: bool = False
    cloud: str = "legacy"
    defects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.control_planes <= 5:
            raise ValueError(f"{self.name}: 1 to 5 control planes, not {self.control_planes}")
        if len({group.name for group in self.workers}) != len(self.workers):
            raise ValueError(f"{self.name}: two worker groups of one name")
