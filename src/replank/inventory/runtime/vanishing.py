"""Which pieces of a PromQL expression depend on Docker.

No parser of PromQL: selectors, metric names and matchers are told apart by their quotes and braces alone, so
that Grafana's variables and expressions that Prometheus refuses are read too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from replank.inventory.runtime.expression_facts import Gone, Piece

_LONGEST: Final = 80
_STRING: Final = r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'" + r"|`[^`]*`"
_COMMENT: Final = re.compile(rf"({_STRING})|#[^\n]*")
_SELECTOR: Final = re.compile(rf"(?:(?<![\w:])([a-zA-Z_:][\w:]*+))?\s*\{{((?:{_STRING}|[^{{}}\"'`])*+)\}}")
_MATCHER: Final = re.compile(rf"\b([a-zA-Z_]\w*+)\s*(=~|!~|!=|=)\s*({_STRING})")
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_MARKS: Final = ("POD", "k8s_", "docker", "container_fs_", "engine_daemon_")

# cAdvisor's handler of containerd gives no usage of file systems (v0.60.5,
# lib/container/containerd/handler.go, GetSpec), that of Docker does (v0.43.0, container/docker/handler.go);
# these metrics have no other source (metrics/prometheus.go, fsValues), while reads and writes come from the
# cgroup under either.
_FILESYSTEM: Final = re.compile(r"container_fs_(?:inodes_free|inodes_total|limit_bytes|usage_bytes)")
# dockershim's own (Kubernetes v1.23, pkg/kubelet/dockershim/metrics/metrics.go).
_DOCKERSHIM: Final = re.compile(r"kubelet_docker_\w+")
# Docker's (moby v28.5.2, internal/metrics/metrics.go: namespace engine, subsystem daemon).
_DAEMON: Final = re.compile(r"engine_daemon_\w+")
_METRICS: Final[tuple[tuple[re.Pattern[str], Gone], ...]] = (
    (_FILESYSTEM, "container-filesystem"),
    (_DOCKERSHIM, "dockershim-metric"),
    (_DAEMON, "docker-daemon-metric"),
)
Matcher = tuple[str, str, str]


def may_depend(text: str) -> bool:
    """Whether a file is worth parsing: without one of these words no expression in it depends on Docker."""
    return any(mark in text for mark in _MARKS)


def pieces_of(expression: str) -> tuple[Piece, ...]:
    """What the expression has of Docker, each piece once, in its order; () for nothing."""
    if not may_depend(expression):
        return ()
    text = " ".join(_COMMENT.sub(lambda found: found[1] or " ", expression).split())
    found: list[Piece] = []
    for selector in _SELECTOR.finditer(text):
        matchers = tuple((m[1], m[2], m[3][1:-1]) for m in _MATCHER.finditer(selector[2]))
        found += _of_selector(selector[1] or "", matchers)
    bare = re.sub(_STRING, " ", _SELECTOR.sub(" ", text))
    for name in _NAME.findall(bare):
        found += _of_metric(name, ())
    return tuple(dict.fromkeys(found))


def _of_selector(metric: str, matchers: tuple[Matcher, ...]) -> Iterator[Piece]:
    yield from _of_metric(metric, matchers)
    for label, sign, value in matchers:
        if label == "__name__":
            for name in _NAME.findall(value):
                yield from _of_metric(name, matchers)
        elif (gone := _of_matcher(metric, (label, sign, value), matchers)) is not None:
            yield _piece(gone, f'{label}{sign}"{value}"')


def _of_metric(name: str, matchers: tuple[Matcher, ...]) -> Iterator[Piece]:
    """The node's own file systems stay: their cgroup is `/`."""
    for pattern, gone in _METRICS:
        root = gone == "container-filesystem" and ("id", "=", "/") in matchers
        if pattern.fullmatch(name) and not root:
            yield _piece(gone, name)


def _piece(gone: Gone, text: str) -> Piece:
    return Piece(gone=gone, text=text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")


def _of_matcher(metric: str, matcher: Matcher, all_of_them: tuple[Matcher, ...]) -> Gone | None:
    label, sign, value = matcher
    if label in ("container", "container_name") and re.search(r"\bPOD\b", value):
        # dockershim and cri-dockerd name the sandbox's container POD (core/sandbox_helpers.go,
        # makeSandboxDockerConfig); containerd's sandbox has no such label, so that cAdvisor gives "".
        harmless = sign in ("!=", "!~") and any(_leaves_out_empty(one) for one in all_of_them)
        return None if harmless else "sandbox-name"
    if label == "name" and "k8s_" in value:
        # cAdvisor's first alias: Docker's name of the container, but containerd's ID
        # (newDockerContainerHandler, newContainerdContainerHandler).
        return "docker-container-name"
    if label == "id" and "docker" in value:
        # /docker/<ID> or, with systemd, docker-<ID>.scope (moby v28.5.2, daemon/oci_linux.go, withCgroups);
        # docker.service has a cgroup of its own.
        return "docker-cgroup"
    if label == "name" and "docker" in value and metric.startswith("node_systemd_"):
        # node_exporter, collector/systemd_linux.go: `name` is the unit's.
        return "docker-unit"
    return None


def _leaves_out_empty(matcher: Matcher) -> bool:
    """A sandbox of containerd is left out already: its label is empty."""
    label, sign, value = matcher
    if label not in ("container", "container_name"):
        return False
    if sign == "!=":
        return value == ""
    if sign == "=":
        return value != ""
    try:
        empty = re.fullmatch(value, "") is not None
    except re.error:
        # RE2 knows what Python does not: not known to be left out.
        return False
    return empty == (sign == "!~")
