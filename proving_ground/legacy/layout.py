"""What a legacy cluster is asked to be: its machines, and the traits that replank must cope with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from proving_ground.settings import cluster_cidr


@dataclass(frozen=True, slots=True)
class WorkerGroup:
    """Workers that are alike. `taint`: `key=value:Effect`, "" = none. `allowed_address_pairs`: IP addresses
    or CIDRs that the ports of the group may use besides their own."""

    name: str = "worker"
    count: int = 1
    flavor: str = "m1.worker"
    taint: str = ""
    allowed_address_pairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traits:
    """What a platform team did to its clusters over the years."""

    audit: bool = False
    encryption: bool = False
    extra_sans: tuple[str, ...] = ()
    api_server_flags: Mapping[str, str] = field(default_factory=dict)
    hand_edited_manifest: bool = False
    provider_id: Literal["plain", "region", "none"] = "plain"
    workload: bool = True

    @property
    def cloud_provider(self) -> bool:
        """Whether kubelets run with `--cloud-provider=external`."""
        return self.provider_id != "none"


Layout = Literal["plain", "kubespray"]
"""How the machines were made: by a platform team's own configuration, or by one with Kubespray's names."""


Runtime = Literal["containerd", "docker"]
"""What the kubelet runs containers with. `docker` needs a Kubernetes that has dockershim: 1.23."""


@dataclass(frozen=True, slots=True)
class LegacyCluster:
    """A cluster; `number` (0 to 200) chooses its subnet. `kubernetes`: a version with a machine image.
    `load_balancer`: in front of the API servers; only the layout `kubespray` can do without."""

    name: str
    number: int
    control_planes: int = 3
    worker_groups: tuple[WorkerGroup, ...] = (WorkerGroup(count=2),)
    kubernetes: str = "1.35"
    traits: Traits = field(default_factory=Traits)
    layout: Layout = "plain"
    runtime: Runtime = "containerd"
    load_balancer: bool = True

    @property
    def cidr(self) -> str:
        """The machines' subnet."""
        return cluster_cidr(self.number)

    @property
    def pod_cidr(self) -> str:
        if self.layout == "kubespray":
            return "10.233.64.0/18"  # Kubespray's default, as that of services
        return f"10.{10 + self.number % 80}.0.0/16"

    @property
    def service_cidr(self) -> str:
        return "10.233.0.0/18" if self.layout == "kubespray" else "10.96.0.0/16"

    @property
    def api_name(self) -> str:
        """A name of the API endpoint that only the machines know."""
        return f"api.{self.name}.platform.test"

    @property
    def nodes(self) -> int:
        return self.control_planes + sum(group.count for group in self.worker_groups)
