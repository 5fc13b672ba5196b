"""The runtime of a machine: containerd 1.7 as kubeadm guides set it up, or Docker with cri-dockerd.

Texts are shaped as the programs print them: containerd v1.7.29 cmd/ctr, Docker 28 `docker info`, crictl 1.34.
Logins and tokens are planted where operators have them.
"""

from __future__ import annotations

import json

from replank.inventory.hosts import commands
from replank.inventory.hosts import runtime_commands as runtime
from replank.testbed.fleet.components import pause_image
from replank.testbed.fleet.hosts.runtime_texts import (
    CONFIG,
    CONTAINERD_UNIT,
    DOCKER_UNIT,
    DUMP_EXTRA,
    HOSTS_TOML,
    LOGIN,
    PROGRAMS,
    image_table,
    unit_block,
)
from replank.testbed.fleet.hosts.tidy_docker import tidy_docker
from replank.testbed.fleet.kube.nodes import CONTAINERD, DOCKER
from replank.testbed.fleet.kubelet import CRI_DOCKERD_SOCKET, SOCKET
from replank.testbed.fleet.layout import ClusterLayout, MachineLayout
from replank.testbed.world import FileEntry, Machine

CONTAINERD_PID, DOCKERD_PID, CRI_DOCKERD_PID = 611, 702, 711
_SOCKET = SOCKET.removeprefix("unix://")
_GIB = 2**30


def add_runtime(layout: ClusterLayout, machine: MachineLayout, made: Machine) -> None:
    """Puts the runtime's files, packages and answers into a machine."""
    _add_containerd(layout, machine, made)
    if machine.docker:
        _add_docker(layout, machine, made)
    root = "/var/lib/docker" if machine.docker else "/var/lib/containerd"
    size = 80 * _GIB
    made.commands |= {
        runtime.KERNEL.call().line: "6.8.0-79-generic\n",
        runtime.CGROUP.call().line: "cgroup2fs\n",
        runtime.KUBELET_VERSION.call().line: f"Kubernetes {layout.spec.version}\n",
        runtime.ROOM.call(path=root).line: (
            f"{'Avail':>13} {'1B-blocks':>13} Mounted on\n{size // 2:>13} {size:>13} /\n"
        ),
        runtime.UNIT_SETTINGS.call().line: _units(layout, machine),
    }
    endpoint = CRI_DOCKERD_SOCKET if machine.docker else SOCKET
    text = f"runtime-endpoint: {endpoint}\nimage-endpoint: {endpoint}\ntimeout: 10\n"
    made.files[runtime.CRICTL_YAML] = FileEntry(text.encode())
    name, conf = _cni(layout)
    made.files[f"/etc/cni/net.d/{name}"] = FileEntry(conf.encode(), "0600")
    if machine.docker and layout.spec.tidy_docker:
        tidy_docker(made)


def _add_containerd(layout: ClusterLayout, machine: MachineLayout, made: Machine) -> None:
    """Docker's machines have it too: dockerd works on the system's containerd."""
    login = (
        LOGIN.format(password=layout.secret("containerd", "registry")) if layout.spec.registry_login else ""
    )
    config = CONFIG.format(pause=pause_image(layout)) + login
    made.files |= {
        "/etc/containerd/config.toml": FileEntry(config.encode(), "0600"),
        "/etc/containerd/certs.d/registry.example.org/hosts.toml": FileEntry(
            HOSTS_TOML.format(token=layout.secret("containerd", "mirror")).encode(), "0600"
        ),
        "/usr/lib/systemd/system/containerd.service": FileEntry(
            CONTAINERD_UNIT.encode(), package="containerd.io"
        ),
        **{path: FileEntry(text, "0755", package="containerd.io") for path, text in PROGRAMS.items()},
        f"/proc/{CONTAINERD_PID}/cmdline": FileEntry(b"/usr/bin/containerd\0", "0444"),
        f"/proc/{CONTAINERD_PID}/environ": FileEntry(
            b"LANG=C.UTF-8\0PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\0"
            + f"HTTPS_PROXY=http://replank:{layout.secret('proxy')}@proxy.example.org:3128\0".encode(),
            "0400",
        ),
        "/root/.docker/config.json": FileEntry(_logins(layout).encode(), "0600"),
    }
    made.packages["containerd.io"] = f"{CONTAINERD}-1~ubuntu.24.04~noble"
    at = {"path": _SOCKET}
    made.commands |= {
        commands.CONTAINERD.call().line: (
            f"containerd containerd.io v{CONTAINERD} 442cb34bda9a6a0fed82a2ca7cade05c5c749582\n"
        ),
        runtime.CONFIG_DUMP.call(containerd="/usr/bin/containerd", path=runtime.CONFIG_TOML).line: (
            config + DUMP_EXTRA
        ),
        runtime.CTR_VERSION.call(**at).line: (
            f"Client:\n  Version:  v{CONTAINERD}\n  Revision: 442cb34b\n  Go version: go1.24.9\n\n"
            f"Server:\n  Version:  v{CONTAINERD}\n  Revision: 442cb34b\n  UUID: {layout.id('containerd')}\n"
        ),
        runtime.CTR_NAMESPACES.call(**at).line: "moby\n" if machine.docker else "k8s.io\n",
        runtime.CTR_DEPRECATIONS.call(**at).line: json.dumps(
            [
                {
                    "id": "io.containerd.deprecation/cri-registry-auths",
                    "message": 'The `auths` property of `[plugins."io.containerd.grpc.v1.cri".registry]` ...',
                    "lastOccurrence": "2026-01-01T00:00:00Z",
                }
            ],
            indent=4,
        )
        + "\n",
    }
    if not machine.docker:
        # Control planes have crictl (kubeadm's package recommends it), workers do not.
        if machine.control_plane:
            made.commands[runtime.CRICTL_IMAGES.call(**at).line] = _crictl(layout)
        made.commands[runtime.CTR_IMAGES.call(**at).line] = image_table(pause_image(layout))


def _add_docker(layout: ClusterLayout, machine: MachineLayout, made: Machine) -> None:
    secret = layout.secret("docker", "cron")
    daemon = {
        "exec-opts": ["native.cgroupdriver=systemd"],
        "log-driver": "json-file",
        "log-opts": {"max-size": "10m", "max-file": "3"},
        "registry-mirrors": [f"https://replank:{layout.secret('docker', 'mirror')}@mirror.example.org"],
    }
    made.files |= {
        runtime.DAEMON_JSON: FileEntry(json.dumps(daemon, indent=2).encode(), "0600"),
        "/usr/lib/systemd/system/docker.service": FileEntry(DOCKER_UNIT.encode(), package="docker-ce"),
        "/etc/systemd/system/docker.service.d/proxy.conf": FileEntry(
            f"[Service]\n{_proxy(layout)}\n".encode(), "0600"
        ),
        "/etc/docker/certs.d/registry.example.org/ca.crt": FileEntry(b"", "0644"),
        "/etc/cron.d/docker-prune": FileEntry(
            f"# left by hand\nTOKEN={secret}\n0 3 * * 0 root docker system prune -f\n".encode(), "0600"
        ),
        "/usr/local/bin/backup.sh": FileEntry(
            f"#!/bin/sh\ndocker run --rm -e PASSWORD={secret} registry.example.org/backup\n".encode(), "0755"
        ),
        f"/proc/{DOCKERD_PID}/cmdline": FileEntry(
            b"/usr/bin/dockerd\0-H\0fd://\0--containerd=/run/containerd/containerd.sock\0", "0444"
        ),
        f"/proc/{CRI_DOCKERD_PID}/cmdline": FileEntry(
            b"/usr/bin/cri-dockerd\0--container-runtime-endpoint\0fd://\0--pod-infra-container-image="
            + f"{pause_image(layout)}\0".encode(),
            "0444",
        ),
        "/var/lib/cni/networks/cbr0/10.244.7.3": FileEntry(f"{'a' * 64}\r\neth0".encode()),
        "/var/lib/cni/networks/cbr0/last_reserved_ip.0": FileEntry(b"10.244.7.3"),
    }
    made.packages |= {
        "docker-ce": f"5:{DOCKER}-1~ubuntu.24.04~noble",
        "docker-ce-cli": f"5:{DOCKER}-1~ubuntu.24.04~noble",
        "cri-dockerd": "0.3.21~3-0~ubuntu-noble",
    }
    made.held = (*made.held, "docker-ce")
    made.units["docker.service"] = made.units["cri-docker.service"] = "enabled"
    made.commands |= {
        commands.DOCKER.call().line: f"Docker version {DOCKER}, build ecc6942\n",
        runtime.DOCKER_INFO.call().line: _docker_info(layout),
        runtime.DOCKER_CONTAINERS.call().line: _docker_ps(layout, machine),
        runtime.DOCKER_IMAGES.call(path=runtime.DOCKER_SOCKET).line: _docker_images(layout),
    }


def _docker_info(layout: ClusterLayout) -> str:
    proxy = f"http://replank:{layout.secret('proxy')}@proxy.example.org:3128"
    document = {
        "ID": layout.id("docker"),
        "Driver": "overlay2",
        "CgroupDriver": "systemd",
        "CgroupVersion": "2",
        "DockerRootDir": "/var/lib/docker",
        "HttpProxy": proxy,
        "ServerVersion": DOCKER,
        "RegistryConfig": {"Mirrors": [f"https://replank:{layout.secret('docker', 'mirror')}@mirror"]},
    }
    return json.dumps(document) + "\n"


def _docker_ps(layout: ClusterLayout, machine: MachineLayout) -> str:
    uid = layout.id("pod", machine.name)
    sandbox = f"io.kubernetes.pod.uid={uid},io.kubernetes.docker.type=podsandbox,io.kubernetes.pod.name=web"
    rows = [
        {"ID": "b" * 64, "Names": "k8s_POD_web", "Image": pause_image(layout), "Labels": sandbox},
        {
            "ID": "c" * 64,
            "Names": "old-registry",
            "Image": "registry:2",
            "Labels": f"maintainer=ops,token={layout.secret('docker', 'label')}",
        },
    ]
    return "".join(json.dumps(row | {"State": "running", "Command": '"/entrypoint"'}) + "\n" for row in rows)


def _docker_images(layout: ClusterLayout) -> str:
    images = [
        {
            "Id": f"sha256:{'1' * 64}",
            "RepoTags": [pause_image(layout)],
            "RepoDigests": [f"registry.k8s.io/pause@sha256:{'2' * 64}"],
            "Size": 735_000,
        },
        {"Id": f"sha256:{'3' * 64}", "RepoTags": ["<none>:<none>"], "RepoDigests": [], "Size": 3 * _GIB},
    ]
    return json.dumps(images) + "\n"


def _crictl(layout: ClusterLayout) -> str:
    images = [
        {
            "id": f"sha256:{'1' * 64}",
            "repoTags": [pause_image(layout)],
            "repoDigests": [f"registry.k8s.io/pause@sha256:{'2' * 64}"],
            "size": "321520",
            "pinned": True,
        }
    ]
    return json.dumps({"images": images}) + "\n"


def _units(layout: ClusterLayout, machine: MachineLayout) -> str:
    drop_in = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf"
    proxy = _proxy(layout).removeprefix("Environment=") if machine.docker else ""
    blocks = [
        unit_block("docker.service", DOCKERD_PID if machine.docker else 0, proxy, drop_ins=_DOCKER_DROP_IN),
        unit_block("docker.socket", 0, loaded=machine.docker),
        unit_block("containerd.service", CONTAINERD_PID),
        unit_block("cri-docker.service", CRI_DOCKERD_PID if machine.docker else 0),
        unit_block("crio.service", 0),
        unit_block("kubelet.service", 873, drop_ins=drop_in),
    ]
    return "\n".join(blocks)


_DOCKER_DROP_IN = "/etc/systemd/system/docker.service.d/proxy.conf"


def _proxy(layout: ClusterLayout) -> str:
    return f"Environment=HTTP_PROXY=http://replank:{layout.secret('proxy')}@proxy.example.org:3128"


def _logins(layout: ClusterLayout) -> str:
    auth = {"auth": layout.secret("docker", "login")}
    return json.dumps({"auths": {"registry.example.org:5000": auth}, "credHelpers": {}}, indent="\t")


def _cni(layout: ClusterLayout) -> tuple[str, str]:
    if layout.spec.cni == "cilium":
        return "05-cilium.conflist", json.dumps(
            {"cniVersion": "0.3.1", "name": "cilium", "plugins": [{"type": "cilium-cni"}]}
        )
    calico = {"type": "calico", "etcd_password": layout.secret("cni"), "ipam": {"type": "calico-ipam"}}
    plugins = [calico, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return "10-calico.conflist", json.dumps(
        {"cniVersion": "0.3.1", "name": "k8s-pod-network", "plugins": plugins}
    )
