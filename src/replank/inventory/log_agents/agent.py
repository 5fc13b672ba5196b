"""A log agent as a survey keeps it: its inputs that read container logs, and what they make of them.

Nothing of an agent's outputs is kept. Where a configuration may hold secrets only places in it are named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from replank.domain.unknown import Fact

AgentKind = Literal[
    "fluentd", "fluent-bit", "vector", "promtail", "grafana-agent", "alloy", "filebeat", "opentelemetry"
]
Format = Literal["docker", "cri"]
Through = Literal["files", "docker-api", "kubernetes-api"]
"""How an agent comes to lines: the kubelet's log files, Docker's API, or the Kubernetes API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRef:
    """The ConfigMap or Secret that a configuration file comes from, in the workload's namespace."""

    kind: Literal["ConfigMap", "Secret"]
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a configuration. `source` None: built into the image. `line`: from 1, 0 = the whole file."""

    source: SourceRef | None
    key: str
    line: int = 0

    def __str__(self) -> str:
        whose = str(self.source) if self.source else "image"
        return f"{whose}, {self.key}" + (f", line {self.line}" if self.line else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Records of one format that are decoded and lost afterwards, and why."""

    format: Format
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInput:
    """One input of an agent that reads container logs.

    `name`: as the agent names it. `says`: the settings that decide, in the configuration's words.
    `understood`: names of the lines of `probes.PROBES` whose content comes out right. `fields`: where the
    content of each format stands in a record. `joins`: formats whose partial lines are put together again.
    `blind_to`: formats whose files are not mounted. `paths`: as they lie on the node. `new_files_from`:
    where reading begins in a file that the agent has no position of. `positions`: file or directory of the
    positions, "" = none. `positions_on`: node = a hostPath, pod = lost with the pod, volume = a claim.
    """

    name: str
    place: Place
    through: Through = "files"
    paths: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    understood: Fact[tuple[str, ...]] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    joins: tuple[Format, ...] = ()
    losses: tuple[Loss, ...] = ()
    blind_to: tuple[Format, ...] = ()
    new_files_from: Literal["start", "end"] = "start"
    positions: str = ""
    positions_on: Fact[Literal["node", "volume", "pod"]] = "pod"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAgent:
    """A log agent of a workload.

    `workload`: `DaemonSet/name`. `image`: as written. `inputs`: those that read container logs; Unknown
    where the configuration could not be read wholly. `sources`: where the configuration lies.
    """

    kind: AgentKind
    namespace: str
    workload: str
    container: str
    image: str
    inputs: Fact[tuple[LogInput, ...]]
    sources: tuple[SourceRef, ...] = ()
