"""Static pod manifests of the control plane."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from replank.inventory.facts.hosts import StaticPod
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.kubernetes import HostPathMount
from replank.inventory.hosts.command_line import parse_flags
from replank.inventory.hosts.document import load_mapping, unreadable

COMPONENTS: Final = frozenset({"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"})
CODE: Final = "RP085"


def parse_static_pod(text: str, *, path: str) -> StaticPod:
    """The pod in a manifest of the kubelet's static pod folder.

    The component is the pod's `component` label (kubeadm, util/staticpod/utils.go ComponentPod), else its
    first container's name: the file's name means nothing to the kubelet. Flags are kept for the four
    components only; environment values never. Raises `Refused` RP085.
    """
    document = load_mapping(text, code=CODE, where=path)
    metadata, spec = _mapping(document.get("metadata")), _mapping(document.get("spec"))
    containers = _mappings(spec.get("containers"))
    if document.get("kind") != "Pod" or not containers:
        raise unreadable("it is not the manifest of a pod", code=CODE, where=path)
    label = _text(_mapping(metadata.get("labels")).get("component"))
    container = next((c for c in containers if label and _text(c.get("name")) == label), containers[0])
    component = label or _text(container.get("name")) or PurePosixPath(path).stem
    words = [*_texts(container.get("command"), path), *_texts(container.get("args"), path)]
    return StaticPod(
        component=component,
        path=path,
        image=_text(container.get("image")),
        args=parse_flags(words) if component in COMPONENTS else (),
        volumes=_mounts(spec, container),
        env_names=tuple(_text(env.get("name")) for env in _mappings(container.get("env"))),
    )


def host_path(pod: StaticPod, path: str) -> str:
    """Where `path`, as the component sees it, lies on the host. Unmounted paths are returned as they are."""
    inside = PurePosixPath(path)
    best: HostPathMount | None = None
    for mount in pod.volumes:
        longer = best is None or len(mount.mount_path) > len(best.mount_path)
        if mount.mount_path and inside.is_relative_to(mount.mount_path) and longer:
            best = mount
    if best is None:
        return path
    return str(PurePosixPath(best.host_path) / inside.relative_to(best.mount_path))


def _mounts(spec: Mapping[str, JSON], container: Mapping[str, JSON]) -> tuple[HostPathMount, ...]:
    volumes = {_text(v.get("name")): _mapping(v.get("hostPath")) for v in _mappings(spec.get("volumes"))}
    return tuple(
        HostPathMount(
            name=name,
            host_path=_text(volumes[name].get("path")),
            mount_path=_text(mount.get("mountPath")),
            read_only=mount.get("readOnly") is True,
            path_type=_text(volumes[name].get("type")),
        )
        for mount in _mappings(container.get("volumeMounts"))
        if (name := _text(mount.get("name"))) and volumes.get(name)
    )


def _mapping(value: JSON) -> dict[str, JSON]:
    return value if isinstance(value, dict) else {}


def _mappings(value: JSON) -> list[dict[str, JSON]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: JSON, path: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise unreadable("a container's command or arguments are no list of texts", code=CODE, where=path)
    return [item for item in value if isinstance(item, str)]
