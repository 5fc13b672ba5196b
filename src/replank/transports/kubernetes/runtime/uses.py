"""From objects to facts: who mounts what, ends only once, holds ports of nodes, or looks at the runtime."""

from __future__ import annotations

from collections.abc import Iterator

from replank.inventory.runtime.cluster_facts import (
    Builder,
    HostPort,
    NetworkDaemon,
    NodeAgent,
    OnceOnlyPod,
    RuntimeMount,
)
from replank.inventory.runtime.mount_paths import reached
from replank.inventory.runtime.workload_kinds import agent_of, builder_of, network_of, version_of
from replank.transports.kubernetes.runtime.resources import Container
from replank.transports.kubernetes.runtime.templates import Kept, Objects


def mounts(objects: Objects) -> tuple[RuntimeMount, ...]:
    """Mounts of sockets, data folders and folders above them."""
    # Two ReplicaSets of one owner that replank cannot read may have the same.
    found = dict.fromkeys(mount for kept in objects.kept() for mount in _mounts(kept))
    return tuple(sorted(found, key=lambda m: (m.namespace, m.owner, m.path)))


def _mounts(kept: Kept) -> Iterator[RuntimeMount]:
    for volume in kept.spec.volumes or ():
        if volume.host_path is None:
            continue
        # A subPath narrows a folder down: what the container sees is the path below.
        by_path: dict[str, list[tuple[Container, bool]]] = {}
        for container in kept.spec.all_containers:
            for mount in container.volume_mounts or ():
                if mount.name == volume.name:
                    path = f"{volume.host_path.path.rstrip('/')}/{mount.sub_path}".rstrip("/") or "/"
                    by_path.setdefault(path, []).append((container, mount.read_only))
        for path, users in by_path.items():
            held = reached(path)
            if held is not None:
                yield RuntimeMount(
                    namespace=kept.namespace,
                    owner=kept.owner,
                    path=path,
                    held=held,
                    read_only=all(read_only for _, read_only in users),
                    containers=tuple(dict.fromkeys(container.name for container, _ in users)),
                    images=tuple(dict.fromkeys(container.image for container, _ in users)),
                    nodes=kept.nodes,
                )


def once_only(objects: Objects) -> tuple[OnceOnlyPod, ...]:
    """Live pods with restartPolicy Never or OnFailure."""
    found = [
        OnceOnlyPod(
            namespace=pod.metadata.namespace,
            name=pod.metadata.name,
            node=pod.spec.node_name,
            owner=objects.owner(pod),
            policy="Never" if pod.spec.restart_policy == "Never" else "OnFailure",
        )
        for pod in objects.live()
        if pod.spec.restart_policy in ("Never", "OnFailure")
    ]
    return tuple(sorted(found, key=lambda p: (p.namespace, p.name)))


def host_ports(objects: Objects) -> tuple[HostPort, ...]:
    """Ports that portmap leads to pods."""
    found = [
        HostPort(
            namespace=pod.metadata.namespace,
            pod=pod.metadata.name,
            node=pod.spec.node_name,
            owner=objects.owner(pod),
            port=port.host_port,
            protocol=port.protocol,
            host_ip=port.host_ip,
        )
        for pod in objects.live()
        if not pod.spec.host_network
        for container in pod.spec.containers or ()
        for port in container.ports or ()
        if port.host_port
    ]
    return tuple(sorted(found, key=lambda p: (p.namespace, p.pod, p.port, p.protocol)))


def networks(objects: Objects) -> tuple[NetworkDaemon, ...]:
    """CNIs among the DaemonSets, each once."""
    found: dict[tuple[str, str, str], NetworkDaemon] = {}
    for kept in objects.kept():
        for container in kept.spec.containers or ():
            name = network_of(container.image) if kept.owner.startswith("DaemonSet/") else ""
            if name:
                found.setdefault(
                    (kept.namespace, kept.owner, name),
                    NetworkDaemon(
                        name=name,
                        namespace=kept.namespace,
                        workload=kept.owner,
                        image=container.image,
                        version=version_of(container.image),
                    ),
                )
    return tuple(found[key] for key in sorted(found))


def node_agents(objects: Objects) -> tuple[NodeAgent, ...]:
    """Security and monitoring agents, each product of a workload once."""
    found: dict[tuple[str, str, str], NodeAgent] = {}
    for kept in objects.kept():
        for container in kept.spec.containers or ():
            if product := agent_of(container.image):
                found.setdefault(
                    (kept.namespace, kept.owner, product),
                    NodeAgent(
                        product=product,
                        namespace=kept.namespace,
                        workload=kept.owner,
                        image=container.image,
                    ),
                )
    return tuple(found[key] for key in sorted(found))


def builders(objects: Objects) -> tuple[Builder, ...]:
    """Containers that build images by Docker: one of their own, or the node's."""
    found = {}
    for kept in objects.kept():
        using = {c for mount in _mounts(kept) if mount.held == "docker-socket" for c in mount.containers}
        for container in kept.spec.all_containers:
            how = builder_of(container.image, docker_socket=container.name in using)
            if how is not None:
                builder = Builder(namespace=kept.namespace, owner=kept.owner, image=container.image, how=how)
                found[builder.namespace, builder.owner, builder.image] = builder
    return tuple(found[key] for key in sorted(found))
