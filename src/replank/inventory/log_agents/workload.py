"""What of a workload matters to its log agent: images, a few environment values, mounts. Pure selection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from replank.inventory.log_agents.agent import SourceRef

KEPT_ENV: Final = frozenset(
    (
        "FLUENT_CONTAINER_TAIL_PARSER_TYPE",
        "FLUENT_CONTAINER_TAIL_PARSER_TIME_FORMAT",
        "FLUENT_CONTAINER_TAIL_PATH",
        "FLUENT_CONTAINER_TAIL_TAG",
        "FLUENTD_CONF",
        "FLUENTD_PATH",
        "FLUENT_CONF",
        "K8S_NODE_NAME",
        "LOG_PATH",
        "CONTAINER_LOG_PATH",
        "CONTAINER_RUNTIME",
        "LOG_PARSER",
        "PARSER",
        "READ_FROM_HEAD",
        "READ_FROM_TAIL",
    )
)
"""Environment variables whose values are kept: they choose parsers and paths. Of all others only the
names.
"""

KUBELET_LOGS: Final = ("/var/log/containers", "/var/log/pods")
DOCKER_LOGS: Final = "/var/lib/docker/containers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A volume where a container sees it. `items`: keys of the source by their file name, empty = all.

    `host_path` and `source`: where it comes from; both empty for anything else (emptyDir, claim: `volume`).
    """

    path: str
    sub_path: str = ""
    host_path: str = ""
    source: SourceRef | None = None
    items: Mapping[str, str] = field(default_factory=dict)
    volume: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentContainer:
    """A container that may be a log agent.

    `env`: values of `KEPT_ENV`. `env_from`: more variables come from objects that nobody looks into.
    `flags`: values of `--config=...` and its like.
    """

    name: str
    image: str
    env_names: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    env_from: bool = False
    flags: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWorkload:
    """A DaemonSet, Deployment, StatefulSet or Pod, cut down to what a log agent is made of."""

    kind: str
    namespace: str
    name: str
    containers: tuple[AgentContainer, ...] = ()

    @property
    def reference(self) -> str:
        return f"{self.kind}/{self.name}"


def select(document: Mapping[str, Any]) -> AgentWorkload:
    """The part of a workload (as its API object) that is kept. Init containers are left out: they end."""
    metadata = document.get("metadata") or {}
    spec = document.get("spec") or {}
    pod = spec if document.get("kind") == "Pod" else (spec.get("template") or {}).get("spec") or {}
    volumes = {str(volume.get("name")): volume for volume in _list(pod.get("volumes"))}
    containers = tuple(_container(found, volumes) for found in _list(pod.get("containers")))
    return AgentWorkload(
        kind=str(document.get("kind", "")),
        namespace=str(metadata.get("namespace", "default")),
        name=str(metadata.get("name", "")),
        containers=containers,
    )


def sources(workload: AgentWorkload) -> tuple[SourceRef, ...]:
    """ConfigMaps and Secrets that the workload's containers mount: what a survey has to read, and may not
    keep.
    """
    found = {mount.source: None for c in workload.containers for mount in c.mounts if mount.source}
    return tuple(found)


def host_path_of(container: AgentContainer, path: str) -> str:
    """Where a path of the container lies on the node; "" where it does not."""
    mount = mount_of(container, path)
    if mount is None or not mount.host_path:
        return ""
    return (mount.host_path.rstrip("/") + path.removeprefix(mount.path.rstrip("/"))) or "/"


def mount_of(container: AgentContainer, path: str) -> Mount | None:
    """The mount that holds a path: the longest, as the kernel has it."""
    holding = [m for m in container.mounts if path == m.path or path.startswith(m.path.rstrip("/") + "/")]
    return max(holding, key=lambda mount: len(mount.path), default=None)


def _container(found: Mapping[str, Any], volumes: Mapping[str, Mapping[str, Any]]) -> AgentContainer:
    env = _list(found.get("env"))
    words = [str(word) for word in (*_list(found.get("command")), *_list(found.get("args")))]
    return AgentContainer(
        name=str(found.get("name", "")),
        image=str(found.get("image", "")),
        env_names=tuple(str(entry.get("name", "")) for entry in env),
        env={
            str(entry["name"]): str(entry["value"])
            for entry in env
            if entry.get("name") in KEPT_ENV and entry.get("value") is not None
        },
        env_from=bool(found.get("envFrom")),
        flags=tuple(_configuration_flags(words)),
        mounts=tuple(
            mount
            for entry in _list(found.get("volumeMounts"))
            for mount in _mounts(entry, volumes.get(str(entry.get("name")), {}))
        ),
    )


def _configuration_flags(words: Sequence[str]) -> Iterator[str]:
    """Only flags that name configuration files; others may hold secrets."""
    names = ("-config.file", "-config", "-c", "-conf", "-config-dir", "-config-toml", "-config-yaml")
    for index, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag.replace("--", "-", 1) in names:
            following = words[index + 1] if index + 1 < len(words) else ""
            yield value if equals else following
        elif index and words[index - 1] == "run" and word.startswith("/"):
            yield word


def _mounts(entry: Mapping[str, Any], volume: Mapping[str, Any]) -> Iterator[Mount]:
    path, sub_path = str(entry.get("mountPath", "")), str(entry.get("subPath", ""))
    if "hostPath" in volume:
        base = str(volume["hostPath"].get("path", ""))
        host = f"{base.rstrip('/')}/{sub_path}" if sub_path else base
        yield Mount(path=path, host_path=host, volume="hostPath")
        return
    parts = _list(volume["projected"].get("sources")) if "projected" in volume else [volume]
    several = False
    for part in parts:
        for kind, key, name in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
            if key not in part:
                continue
            of = part[key] or {}
            items = {str(item["path"]): str(item["key"]) for item in _list(of.get("items"))}
            source = SourceRef(
                kind="ConfigMap" if kind == "ConfigMap" else "Secret",
                name=str(of.get(name) or of.get("name", "")),
            )
            yield Mount(path=path, sub_path=sub_path, source=source, items=items, volume=key)
            several = True
    if not several:
        kinds = [key for key in volume if key != "name"]
        yield Mount(path=path, sub_path=sub_path, volume=kinds[0] if kinds else "")


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
