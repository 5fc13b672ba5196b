"""What a runtime swap must know of a cluster that Cluster API has. No Secret, no content of files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from replank.domain.unknown import Unknown

NO_MANAGEMENT: Final = Unknown("fleet.yaml names no management cluster", "RP000")
"""The cluster is not under Cluster API, as far as anybody has told replank."""
NOT_LOOKED_AT: Final = Unknown("this survey did not look for the cluster's objects of Cluster API", "RP000")
"""A snapshot of an older replank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeArgument:
    """An argument of the kubelet that is about its runtime. `name`: without dashes."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How kubeadm registers a Node. `part`: initConfiguration or joinConfiguration. `cri_socket` "" = none is
    named: kubeadm looks for one. `arguments`: of the kubelet, those about its runtime, in their order."""

    part: Literal["initConfiguration", "joinConfiguration"]
    cri_socket: str
    arguments: tuple[RuntimeArgument, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A command or file of a bootstrap configuration that is about a container runtime.

    `place`: `preKubeadmCommands[1]`, `files[0] /etc/containerd/config.toml`. `line`: of it, from 1; 0 = only
    its path says so, and its content is not known (it lies in a Secret). `word`: docker, containerd,
    cri-dockerd. `installs`: it brings that runtime to the machine, or starts it. `version`: that it names.
    """

    place: str
    line: int
    word: str
    installs: bool = False
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapSpec:
    """The configuration in a KubeadmControlPlane, KubeadmConfig or KubeadmConfigTemplate.

    `mentions`: not looked for in KubeadmConfigs, whose machines are there already.
    """

    kind: str
    name: str
    registrations: tuple[Registration, ...] = ()
    mentions: tuple[Mention, ...] = ()
    kept_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineTemplate:
    """An infrastructure template. `image_id`, `image_name`: "" = it does not name its image so."""

    kind: str
    name: str
    image_id: str = ""
    image_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Who makes new machines: a KubeadmControlPlane or a MachineDeployment.

    `infrastructure`: `Kind/name` of the template. `bootstrap`: the KubeadmConfigTemplate, "" for a control
    plane, which has its own. `kept_by`: who writes it anew from elsewhere, "" = nobody that is seen.
    `moving`: why it is not at rest, empty where it is.
    """

    kind: Literal["KubeadmControlPlane", "MachineDeployment"]
    name: str
    replicas: int
    infrastructure: str
    bootstrap: str = ""
    kept_by: str = ""
    moving: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`Kind/name`."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentSet:
    """The MachineSet of a MachineDeployment that has its very template."""

    name: str
    deployment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlledMachine:
    """A Machine. `keeper`: `Kind/name`, "" = nobody. `config`: its KubeadmConfig, "" = none.

    `infrastructure`: `Kind/name` of its infrastructure. `cloned_from`: the template that it says to be made
    from, "" where it says no name or no kind: then Cluster API does not compare it. `deleting`: it is going.
    """

    name: str
    node: str
    keeper: str
    config: str
    infrastructure: str
    cloned_from: str = ""
    deleting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnhealthyAfter:
    """What a MachineHealthCheck takes for ill. `of`: Node or Machine."""

    of: Literal["Node", "Machine"]
    type: str
    status: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """A MachineHealthCheck that is not paused. `machines`: names of those that it watches."""

    name: str
    machines: tuple[str, ...]
    unhealthy: tuple[UnhealthyAfter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterApiFacts:
    """Objects of one Cluster, sorted by kind and name. `topology`: its ClusterClass, "" = none. `paused`: the
    Cluster is. `pools`: names of MachinePools. `version`: of Cluster API, `v1.14.0`, "" = not seen."""

    namespace: str
    paused: bool
    topology: str
    version: str = ""
    keepers: tuple[Keeper, ...] = ()
    sets: tuple[CurrentSet, ...] = ()
    machines: tuple[ControlledMachine, ...] = ()
    configurations: tuple[BootstrapSpec, ...] = ()
    templates: tuple[MachineTemplate, ...] = ()
    health_checks: tuple[HealthCheck, ...] = ()
    pools: tuple[str, ...] = ()
