"""Fact files of the translation: a node as its files and commands say, and what must become of it.

`tests/runtime/translation_cases/*.yaml`:

    says: one line
    from: docker                      # or containerd
    node:                             # what differs from the plain node below, as text where it is text
      daemon_json: |
        {"log-driver": "json-file"}
    target: {containerd: 2.3.5}       # what differs from the plain target
    expect:
      stops: [RP446]                  # exactly these codes
      warnings: []                    # exactly these codes
      rows:                           # each must be there with these fields
      - {setting: log-driver, outcome: stop}
      config: {"plugins.\"io.containerd...\".x": 1}   # values in the new config.toml, by dotted path
      absent: [dotted paths that the new config.toml must not have]
      files:                          # path -> texts that it must contain
        /etc/crictl.yaml: ["unix:///run/k8s-containerd/containerd.sock"]
      no_files: [paths that must not be written]

Texts go through the parsers that a survey uses. Unknown keys are errors.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import KubeletFacts
from replank.inventory.hosts.command_line import parse_flags
from replank.inventory.hosts.kubelet import environment_flags, parse_config, parse_environment
from replank.inventory.runtime.cni_conf import parse_cni
from replank.inventory.runtime.config_dump import parse_dump
from replank.inventory.runtime.containerd_config import imported, parse_file
from replank.inventory.runtime.containerd_facts import ContainerdConfiguration, ContainerdFile
from replank.inventory.runtime.daemon_json import docker_configuration, parse_daemon_json, parse_dockerd
from replank.inventory.runtime.facts import DiskRoom, ImageInUse, NodeRuntime, TextFile, UnitLimit
from replank.inventory.runtime.hosts_toml import parse_hosts
from replank.inventory.runtime.registry_facts import RegistryCertificates, RegistryLogin
from replank.inventory.runtime.systemd_unit import file_proxies, unit_proxies
from replank.inventory.runtime.versions import Version, parse_version
from replank.migrations.runtime_swap.translation.containerd import from_containerd
from replank.migrations.runtime_swap.translation.docker import from_docker
from replank.migrations.runtime_swap.translation.model import Target, Translation
from yaml_files import read_yaml_file

CASES = Path(__file__).parent / "translation_cases"
CONFIG_YAML = "/var/lib/kubelet/config.yaml"
FLAGS_ENV = "/var/lib/kubelet/kubeadm-flags.env"

Document = dict[str, Any]
_IMAGES: TypeAdapter[tuple[ImageInUse, ...]] = TypeAdapter(tuple[ImageInUse, ...])

SYSTEMD_KUBELET = """\
kind: KubeletConfiguration
apiVersion: kubelet.config.k8s.io/v1beta1
cgroupDriver: systemd
"""

DOCKER_NODE: Document = {
    "version": "20.10.27",
    "kernel": "5.15.0-100-generic",
    "shim": "dockershim",
    "storage_driver": "overlay2",
    "data_root": "/var/lib/docker",
    "mount": "/",
    "cgroup": "v1",
    "cgroup_driver": "systemd",
    "kubelet_version": "v1.23.17",
    "kubelet_config": SYSTEMD_KUBELET,
    "kubelet_env": {
        FLAGS_ENV: 'KUBELET_KUBEADM_ARGS="--network-plugin=cni '
        '--pod-infra-container-image=registry.example/pause:3.6"\n'
    },
    "daemon_json": "{}",
    "dockerd": "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock",
    "limits": {"LimitNOFILE": "1048576"},
}
CONTAINERD_NODE: Document = {
    "version": "1.7.29",
    "kernel": "6.8.0-50-generic",
    "shim": "",
    "storage_driver": "overlayfs",
    "data_root": "/var/lib/containerd",
    "mount": "/",
    "cgroup": "v2",
    "cgroup_driver": "systemd",
    "kubelet_version": "v1.34.2",
    "kubelet_config": SYSTEMD_KUBELET,
    "kubelet_env": {
        FLAGS_ENV: 'KUBELET_KUBEADM_ARGS="'
        "--container-runtime-endpoint=unix:///run/containerd/containerd.sock "
        '--pod-infra-container-image=registry.k8s.io/pause:3.10"\n'
    },
    "toml": {},
    "limits": {"LimitNOFILE": "infinity"},
}
_OPTIONAL = {
    *("instance_config", "crictl", "environment", "environment_files", "hosts_toml", "certs_d", "cni"),
    *("sandbox_image", "images", "dump", "unseen", "extra_flags", "kubelet_secret", "logins"),
}
_OWN = {"root": "/var/lib/k8s-containerd", "state": "/run/k8s-containerd"}
DOCKER_TARGET: Document = {
    "containerd": "2.3.5",
    "kubelet": "1.23.17",
    **_OWN,
    "socket": "/run/k8s-containerd/containerd.sock",
    "config_path": "/etc/k8s-containerd/config.toml",
    "unit": "k8s-containerd.service",
    "opt": "/opt/k8s-containerd",
}
CONTAINERD_TARGET: Document = {
    "containerd": "2.3.5",
    "kubelet": "1.34.2",
    "root": "/var/lib/containerd",
    "state": "/run/containerd",
    "socket": "/run/containerd/containerd.sock",
    "config_path": "/etc/containerd/replank/config.toml",
    "in_place": True,
}


@dataclass(frozen=True)
class TranslationCase:
    """One fact file."""

    path: Path
    document: Document

    @property
    def target(self) -> Target:
        plain = DOCKER_TARGET if self.document["from"] == "docker" else CONTAINERD_TARGET
        return target_of({**plain, **self.document.get("target", {})})

    @property
    def node(self) -> NodeRuntime:
        return node_of(self.document["from"], self.document.get("node", {}))

    def translate(self) -> Translation:
        return translate(self.document["from"], self.node, self.target)


def translate(kind: str, node: NodeRuntime, target: Target) -> Translation:
    return (from_docker if kind == "docker" else from_containerd)(node, target)


def cases() -> list[TranslationCase]:
    """All fact files, sorted by name. ValueError: one has keys that nobody reads."""
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        document = read_yaml_file(path)
        unknown = set(document) - {"says", "from", "node", "target", "expect"}
        expects = set(document["expect"]) - {
            *("stops", "warnings", "rows", "config", "absent", "files", "no_files", "count")
        }
        if unknown or expects or not document.get("says"):
            raise ValueError(f"{path}: {unknown | expects} or nothing said")
        found.append(TranslationCase(path, document))
    return found


def target_of(document: Document) -> Target:
    return Target(
        **{**document, "containerd": version(document["containerd"]), "kubelet": version(document["kubelet"])}
    )


def version(text: str) -> Version:
    found = parse_version(text)
    assert found is not None, text
    return found


def containerd_files(texts: dict[str, str], root: str) -> tuple[ContainerdFile, ...]:
    """The files in the order in which containerd loads them."""
    pending, files = [root] if root in texts else [], {}
    while pending:
        path = pending.pop(0)
        if path not in files:
            files[path] = parse_file(
                texts[path], path=path, sha256=hashlib.sha256(texts[path].encode()).hexdigest()
            )
            pending += imported(files[path], list(texts))
    return tuple(files.values())


def node_of(kind: str, changes: Document) -> NodeRuntime:
    """A node of `kind` with what differs from the plain one."""
    plain = DOCKER_NODE if kind == "docker" else CONTAINERD_NODE
    if strange := set(changes) - set(plain) - _OPTIONAL:
        raise ValueError(f"unknown keys {sorted(strange)}")
    given = {**plain, **changes}
    flags = parse_flags(str(given.get("extra_flags", "")).split())
    for path, text in given["kubelet_env"].items():
        flags += environment_flags(parse_environment(text, path=path))
    instance = given.get("instance_config", "")
    kubelet = KubeletFacts(
        flags=flags,
        config_path=CONFIG_YAML,
        config=parse_config(given["kubelet_config"], path=CONFIG_YAML),
        instance_config={"containerRuntimeEndpoint": instance.partition(": ")[2].strip().strip('"')}
        if instance
        else {},
    )
    secret = bool(given.get("kubelet_secret"))
    files = [TextFile(path=path, text=text) for path, text in given["kubelet_env"].items()]
    files.append(TextFile(path=CONFIG_YAML, text=None if secret else given["kubelet_config"]))
    if instance:
        files.append(TextFile(path="/var/lib/kubelet/instance-config.yaml", text=instance))
    proxies = unit_proxies(
        {"Environment": given.get("environment", "")}, where="/etc/systemd/system/docker.service.d/proxy.conf"
    )
    for path, text in given.get("environment_files", {}).items():
        proxies += file_proxies(text, path=path)
    docker = containerd = None
    if kind == "docker":
        docker = docker_configuration(
            parse_daemon_json(given["daemon_json"]),
            parse_dockerd("\0".join(given["dockerd"].split()).encode()),
        )
    else:
        dump = given.get("dump")
        containerd = ContainerdConfiguration(
            path="/etc/containerd/config.toml",
            files=containerd_files(given["toml"], "/etc/containerd/config.toml"),
            dump=parse_dump(dump) if dump else in_force_of(given),
        )
    node = NodeRuntime(
        node="node-1",
        name=kind,
        version=given["version"],
        kernel=given["kernel"],
        shim=given["shim"],
        endpoint="",
        storage_driver=given["storage_driver"],
        data_root=given["data_root"],
        state_dir="/var/run/docker" if kind == "docker" else "/run/containerd",
        disk=DiskRoom(mount=given["mount"], free=50 * 2**30, total=100 * 2**30),
        image_bytes=3 * 2**30,
        cgroup_version=given["cgroup"],
        cgroup_driver=given["cgroup_driver"],
        kubelet_version=given["kubelet_version"],
        kubelet=kubelet,
        kubelet_files=tuple(files),
        crictl=TextFile(path="/etc/crictl.yaml", text=given["crictl"]) if "crictl" in given else None,
        files=(),
        docker=docker,
        containerd=containerd,
        registry_hosts=tuple(
            parse_hosts(text, path=path) for path, text in given.get("hosts_toml", {}).items()
        ),
        registry_certificates=tuple(
            RegistryCertificates(
                registry=name,
                path=f"/etc/docker/certs.d/{name}",
                ca=tuple(entry.get("ca", ())),
                client=tuple(tuple(pair) for pair in entry.get("client", ())),
            )
            for name, entry in given.get("certs_d", {}).items()
        ),
        registry_logins=tuple(RegistryLogin(**entry) for entry in given.get("logins", ())),
        proxies=proxies,
        limits=tuple(UnitLimit(name=name, value=value) for name, value in given["limits"].items()),
        selinux="disabled",
        sandbox_image=given.get("sandbox_image", ""),
        images=_IMAGES.validate_python(given.get("images", ())),
        cni=tuple(
            parse_cni(text, path=path)
            for path, text in given.get(
                "cni", {"/etc/cni/net.d/10-calico.conflist": '{"name": "n", "plugins": [{"type": "calico"}]}'}
            ).items()
        ),
        cni_bin_dirs=("/opt/cni/bin",),
        addresses=(),
        other_containers=(),
        packages=(),
        docker_users=(),
        deprecations=(),
    )
    return unseen(node, given.get("unseen", ()))


def in_force_of(given: Document) -> Any:
    """What the daemon says of itself where a case gives no dump of its own: the files, as it reads them."""
    from replank.domain.errors import Refused
    from replank.inventory.runtime.containerd_merge import in_force

    line = version(given["version"]).line
    try:
        return in_force(containerd_files(given["toml"], "/etc/containerd/config.toml"), line)
    except Refused as error:
        return Unknown(error.reason, error.code)


def unseen(node: NodeRuntime, fields: tuple[str, ...]) -> NodeRuntime:
    """The node with these facts unknown."""
    from dataclasses import replace

    return replace(node, **{name: Unknown("the machine did not answer", "RP080") for name in fields})
