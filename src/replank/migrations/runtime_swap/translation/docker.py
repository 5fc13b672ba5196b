"""Docker (with dockershim or cri-dockerd) to containerd."""

from __future__ import annotations

from typing import Final

from replank.domain.unknown import is_known
from replank.inventory.hosts.command_line import flag_value
from replank.inventory.runtime.containerd_setting import CRI, GRPC, NRI, OPT, RUNTIME, TTRPC
from replank.inventory.runtime.docker_facts import DockerConfiguration
from replank.inventory.runtime.facts import NodeRuntime
from replank.inventory.runtime.tree import at
from replank.inventory.runtime.versions import parse_version
from replank.migrations.runtime_swap.translation.docker_defaults import (
    DEFAULT_RULES,
    not_needed,
    stop,
)
from replank.migrations.runtime_swap.translation.docker_logs import translate_logs
from replank.migrations.runtime_swap.translation.docker_paths import translate_daemon, translate_storage
from replank.migrations.runtime_swap.translation.docker_registries import translate_registries
from replank.migrations.runtime_swap.translation.docker_runtimes import translate_runtimes
from replank.migrations.runtime_swap.translation.docker_unneeded import NOT_NEEDED
from replank.migrations.runtime_swap.translation.docker_unneeded import SOURCE as DOCKERSHIM
from replank.migrations.runtime_swap.translation.draft import Draft
from replank.migrations.runtime_swap.translation.kubelet import move_kubelet
from replank.migrations.runtime_swap.translation.kubelet_flags import no_cni
from replank.migrations.runtime_swap.translation.model import Outcome, Target, Translation
from replank.migrations.runtime_swap.translation.needs import (
    SANDBOX,
    check_images,
    check_kernel,
    check_kubelet,
    check_sandbox,
    own_paths,
)
from replank.migrations.runtime_swap.translation.registry_logins import keep_logins
from replank.migrations.runtime_swap.translation.render import config_toml, drop_in
from replank.migrations.runtime_swap.translation.unit import translate_limits, translate_proxies

_GROUPS: Final = frozenset(
    {
        *("log-driver", "log-opts", "registry-mirrors", "insecure-registries", "runtimes", "default-runtime"),
        *("exec-opts", "storage-driver", "storage-opts", "data-root", "graph", "debug", "log-level"),
        *("log-format", "max-concurrent-downloads", "metrics-addr", "ip-forward", "http-proxy"),
        *("https-proxy", "no-proxy", "proxies"),
    }
)
"""Settings that are translated together, by the functions below."""

_LOW_PORTS_SINCE: Final = (20, 10)


def from_docker(node: NodeRuntime, target: Target) -> Translation:
    """The translation of a node that runs Docker. Every setting has a row; what is unknown stops."""
    draft = Draft(node=node, target=target)
    docker = _without_empty(draft, _configuration(draft))
    _own_daemon(draft, docker)
    for setting in docker.settings:
        rule = DEFAULT_RULES.get(setting.key)
        if rule is not None:
            rule(draft, setting)
        elif setting.key in NOT_NEEDED:
            not_needed(draft, setting, NOT_NEEDED[setting.key], DOCKERSHIM)
        elif setting.key not in _GROUPS:
            stop(draft, setting, "RP441", "replank does not know this setting.", _UNKNOWN, DOCKERSHIM)
    translate_logs(draft, docker)
    translate_registries(draft, docker)
    translate_runtimes(draft, docker)
    translate_storage(draft, docker)
    translate_daemon(draft, docker)
    translate_proxies(draft, docker)
    translate_limits(draft)
    keep_logins(draft)
    _low_ports(draft)
    _network(draft)
    check_kubelet(draft)
    move_kubelet(draft, from_docker=True)
    _sandbox(draft)
    check_sandbox(draft)
    check_images(draft)
    _write(draft)
    return draft.finished()


def _configuration(draft: Draft) -> DockerConfiguration:
    """Docker's configuration; an empty one and a stop where there is none to be seen."""
    docker = draft.seen(draft.node.docker, "Docker's configuration")
    if docker is not None:
        return docker
    if is_known(draft.node.docker):
        draft.stop(
            "RP440",
            "Docker's configuration",
            "the node",
            "(none)",
            why="The node does not run Docker.",
            todo="Translate it as what it is.",
            source="replank",
        )
    return DockerConfiguration()


def _without_empty(draft: Draft, docker: DockerConfiguration) -> DockerConfiguration:
    """The configuration without empty lists and tables, each of which has its row now."""
    for setting in docker.settings:
        if setting.value in ([], {}):
            not_needed(draft, setting, "It is empty.", DOCKERSHIM)
    return DockerConfiguration(settings=tuple(s for s in docker.settings if s.value not in ([], {})))


def _own_daemon(draft: Draft, docker: DockerConfiguration) -> None:
    """Address, ttrpc, opt and NRI of its own, and nothing of Docker's containerd touched."""
    target = draft.target
    address = docker.find("containerd")
    taken = {str(address.value).removeprefix("unix://"): "Docker's containerd"} if address is not None else {}
    data_root = draft.node.data_root
    if is_known(data_root):
        taken[data_root.rstrip("/")] = "Docker"
    containerd = draft.seen(draft.node.containerd, "the configuration of Docker's containerd")
    if containerd is not None:
        taken |= {file.path: "Docker's containerd" for file in containerd.files}
        if target.config_path in taken:
            draft.stop(
                "RP467",
                "config.toml",
                target.config_path,
                target.config_path,
                why="Docker's own containerd reads this file.",
                todo="Give the new containerd a configuration file of its own.",
                source="docs/decisions/0006-runtime-swap.md",
            )
    own_paths(draft, taken)
    draft.set(("plugins", GRPC, "address"), target.socket)
    draft.set(("plugins", TTRPC, "address"), f"{target.socket}.ttrpc")
    draft.set(("plugins", OPT, "path"), target.opt)
    draft.set(("plugins", CRI, "disable_tcp_service"), True)
    if target.line >= (2, 0):
        draft.set(("plugins", NRI, "disable"), True)
        draft.row(
            "NRI",
            "containerd's default",
            "on since 2.0",
            Outcome.NOT_NEEDED,
            became="nri.disable = true",
            why="Docker has no NRI, and two daemons must not share its socket. Switch it on when wanted.",
            source="containerd 2.0, docs/NRI.md",
        )


def _low_ports(draft: Draft) -> None:
    """Docker lets containers open ports below 1024 and send ICMP without privileges from 20.10 on."""
    text = draft.seen(draft.node.version, "Docker's version")
    version = parse_version(text) if text is not None else None
    if version is None:
        return
    on = check_kernel(draft, unprivileged=version.line >= _LOW_PORTS_SINCE)
    draft.set(("plugins", RUNTIME, "enable_unprivileged_ports"), on)
    draft.set(("plugins", RUNTIME, "enable_unprivileged_icmp"), on)
    draft.row(
        "ports below 1024 and ICMP without privileges",
        f"Docker {version}",
        "allowed" if version.line >= _LOW_PORTS_SINCE else "not allowed",
        Outcome.CARRIED_OVER,
        became=f"enable_unprivileged_ports, enable_unprivileged_icmp = {'true' if on else 'false'}",
        why="Docker sets the pod's sysctls so; containerd's default changed with 2.0.",
        source="moby 20.10, daemon/oci_linux.go; containerd 2.0, docs/containerd-2.0.md",
    )


def _network(draft: Draft) -> None:
    """dockershim without --network-plugin=cni uses Docker's bridge; cri-dockerd uses CNI by itself."""
    kubelet = draft.node.kubelet
    dockershim = draft.seen(draft.node.shim, "what speaks CRI for Docker") == "dockershim"
    if dockershim and is_known(kubelet) and not flag_value(kubelet.flags, "network-plugin"):
        no_cni(draft, "")
    cni = draft.seen(draft.node.cni, "CNI configuration")
    if cni is not None and not cni:
        draft.stop(
            "RP454",
            "CNI configuration",
            "/etc/cni/net.d",
            "(none)",
            why="No CNI configuration is on the node, and containerd knows only CNI.",
            todo="Install the cluster's CNI plugin on this node first.",
            source="containerd, docs/cri/config.md",
        )


def _sandbox(draft: Draft) -> None:
    """The sandbox image that Docker's sandboxes run, unless a flag of the kubelet named one."""
    if at(draft.tree, SANDBOX) is not None:
        return
    image = draft.seen(draft.node.sandbox_image, "the sandbox image")
    if not image:
        if image is not None:
            draft.stop(
                "RP440",
                "the sandbox image",
                "the node",
                "(none)",
                why="No sandbox runs and no flag names its image, so nothing says which one is wanted.",
                todo="Start a pod on the node, or set --pod-infra-container-image, then survey again.",
                source="replank",
            )
        return
    draft.set(SANDBOX, image)
    draft.row(
        "sandbox image",
        "running sandboxes",
        image,
        Outcome.CARRIED_OVER,
        became=f"sandbox image of containerd = {image}",
        why="The same image, so that it is there and from the same registry.",
        source="kubernetes documentation, Container Runtimes",
    )


def _write(draft: Draft) -> None:
    target = draft.target
    text = config_toml(draft.tree, version=target.config_version, line=target.line, imports=draft.imports)
    draft.write(target.config_path, text)
    if draft.unit_lines:
        path = f"/etc/systemd/system/{target.unit}.d/50-replank-settings.conf"
        draft.write(path, drop_in(sorted(draft.unit_lines)))


_UNKNOWN: Final = (
    "Say what it does: replank translates nothing by guess. Or take it out of Docker's configuration."
)
