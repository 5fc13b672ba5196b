"""Alert rules and dashboards that ask Prometheus for what only a node with Docker gives. No expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Gone = Literal[
    "container-filesystem",
    "sandbox-name",
    "docker-container-name",
    "docker-cgroup",
    "dockershim-metric",
    "docker-daemon-metric",
    "docker-unit",
]
"""What a switch from Docker to containerd changes; the sources stand in `vanishing`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """`text`: a metric's name, or one matcher as `container="POD"`, cut where it is long."""

    gone: Gone
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerExpression:
    """A rule or a panel that has such a piece.

    `source`: `PrometheusRule/name` or `ConfigMap/name`; `key`: of a ConfigMap's data, else "". `what` `alert`
    and `recording`: a rule, told by its `alert` or `record`; `panel`: of a Grafana dashboard, by its title.
    """

    namespace: str
    source: str
    key: str = ""
    what: Literal["alert", "recording", "panel"]
    name: str
    pieces: tuple[Piece, ...]
