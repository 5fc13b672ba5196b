"""What in a cluster hangs on its nodes' runtime, seen through the API. No environment, no arguments, no text
of a ConfigMap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from replank.domain.unknown import Fact, Unknown
from replank.inventory.log_agents.agent import LogAgent
from replank.inventory.runtime.expression_facts import DockerExpression

NOT_LOOKED_AT: Final = Unknown("alert rules and dashboards: the survey did not look at them yet", "RP000")
"""Of a snapshot that an older replank wrote."""

Held = Literal[
    "docker-socket",
    "dockershim-socket",
    "cri-dockerd-socket",
    "containerd-socket",
    "parent",
    "docker-data",
    "docker-logs",
    "containerd-data",
]
"""What a mount reaches. `parent`: a folder above one of the sockets or data folders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeMount:
    """A pod template that mounts something of a runtime by hostPath.

    `owner`: `DaemonSet/name`, `CronJob/name`, `Job/name`, `Pod/name` of a bare pod, `StaticPod/name` (without
    the Node's name). `path`: on the node, as written. `read_only`: every container mounts it so. `nodes`:
    where its pods are now; empty: a controller with no pod. `containers`, `images`: of those that mount it.
    """

    namespace: str
    owner: str
    path: str
    held: Held
    read_only: bool
    containers: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceOnlyPod:
    """A running or waiting pod that is not started again when it has ended. `policy`: Never or OnFailure."""

    namespace: str
    name: str
    node: str
    owner: str
    policy: Literal["Never", "OnFailure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPort:
    """A port of the node that leads to a pod by portmap. Pods in the node's own network are left out."""

    namespace: str
    pod: str
    node: str
    owner: str
    port: int
    protocol: str = "TCP"
    host_ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkDaemon:
    """A CNI's DaemonSet. `name`: amazon-vpc-cni, calico, ...; `version`: of its image's tag, "" if that
    names none."""

    name: str
    namespace: str
    workload: str
    image: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemDetector:
    """node-problem-detector. `docker_monitor`: its arguments name a monitor of Docker."""

    namespace: str
    workload: str
    image: str
    docker_monitor: Fact[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAgent:
    """A security or monitoring agent that looks at containers by their runtime. `product`: Falco, ..."""

    product: str
    namespace: str
    workload: str
    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Something that builds images. `how`: dind, a Docker of its own in a pod; docker-socket, the node's."""

    namespace: str
    owner: str
    image: str
    how: Literal["dind", "docker-socket"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRuntimeFacts:
    """The cluster's side. Lists are sorted by namespace and owner. `docker_expressions`: rules and panels
    that depend on Docker, and no other."""

    mounts: Fact[tuple[RuntimeMount, ...]]
    log_agents: Fact[tuple[LogAgent, ...]]
    once_only: Fact[tuple[OnceOnlyPod, ...]]
    host_ports: Fact[tuple[HostPort, ...]]
    networks: Fact[tuple[NetworkDaemon, ...]]
    problem_detectors: Fact[tuple[ProblemDetector, ...]]
    node_agents: Fact[tuple[NodeAgent, ...]]
    builders: Fact[tuple[Builder, ...]]
    docker_expressions: Fact[tuple[DockerExpression, ...]] = NOT_LOOKED_AT
