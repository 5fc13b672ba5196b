"""How the kubelet is started: its process, else the files that systemd reads for it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.kubernetes import ExtraArg
from replank.inventory.hosts.command_line import parse_flags
from replank.inventory.hosts.document import load_mapping, unreadable

CODE: Final = "RP087"
SECRET_KEYS: Final = frozenset({"staticPodURLHeader"})
"""Keys of KubeletConfiguration that may hold a credential (k8s.io/kubelet/config/v1beta1/types.go)."""

DEFAULT_CONFIG: Final = "/var/lib/kubelet/config.yaml"
KUBESPRAY_CONFIG: Final = "/etc/kubernetes/kubelet-config.yaml"

# The variables of kubeadm's drop-in 10-kubeadm.conf, then those of Kubespray's kubelet.env, in the order in
# which the units put them on the command line (later flags win).
_VARIABLES: Final = (
    "KUBELET_KUBECONFIG_ARGS",
    "KUBELET_CONFIG_ARGS",
    "KUBE_LOGTOSTDERR",
    "KUBE_LOG_LEVEL",
    "KUBELET_API_SERVER",
    "KUBELET_ADDRESS",
    "KUBELET_PORT",
    "KUBELET_HOSTNAME",
    "KUBELET_ARGS",
    "KUBELET_CLOUDPROVIDER",
    "KUBELET_KUBEADM_ARGS",
    "KUBELET_EXTRA_ARGS",
)
_ASSIGNMENT = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)", flags=re.DOTALL)
_SERVER = re.compile(r"^\s*server:\s*[\"']?(https?://[^\s\"'@]+)[\"']?\s*$", flags=re.M | re.ASCII)


def parse_process(command_line: bytes) -> tuple[ExtraArg, ...]:
    """The flags of a running process from /proc/<pid>/cmdline (words ended by NUL bytes)."""
    words = command_line.decode("utf-8", errors="replace").split("\0")
    return parse_flags([word for word in words if word])


def parse_environment(text: str, *, path: str) -> dict[str, str]:
    """The variables of a systemd EnvironmentFile (systemd.exec(5)). Raises `Refused` RP087.

    A line that ends with a backslash goes on in the next one, as in Kubespray's kubelet.env.
    """
    variables: dict[str, str] = {}
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        match = _ASSIGNMENT.fullmatch(line)
        if match is None:
            raise unreadable("a line is no assignment", code=CODE, where=path)
        try:
            variables[match[1]] = " ".join(shlex.split(match[2]))
        except ValueError as error:
            raise unreadable(f"the quotes of {match[1]} do not match", code=CODE, where=path) from error
    return variables


def environment_flags(variables: Mapping[str, str]) -> tuple[ExtraArg, ...]:
    """The flags that the usual units make of these variables."""
    return parse_flags([word for name in _VARIABLES for word in variables.get(name, "").split()])


def parse_config(text: str, *, path: str) -> dict[str, JSON]:
    """A KubeletConfiguration without the keys that may hold a credential. Raises `Refused` RP087."""
    document = load_mapping(text, code=CODE, where=path)
    if document.get("kind") != "KubeletConfiguration":
        raise unreadable("it is not a KubeletConfiguration", code=CODE, where=path)
    return _without_secrets(document)


def parse_instance_config(text: str, *, path: str) -> dict[str, JSON]:
    """kubeadm's instance-config.yaml, a patch of the KubeletConfiguration without apiVersion and kind.

    kubeadm writes one line, `containerRuntimeEndpoint: "unix://..."`, and applies the file to config.yaml
    (kubernetes v1.35, cmd/kubeadm/app/phases/kubelet/config.go, WriteInstanceConfigToDisk). Without the keys
    that may hold a credential. Raises `Refused` RP087.
    """
    return _without_secrets(load_mapping(text, code=CODE, where=path))


def _without_secrets(document: Mapping[str, JSON]) -> dict[str, JSON]:
    return {key: value for key, value in sorted(document.items()) if key not in SECRET_KEYS}


def parse_server(text: str) -> str:
    """The API server's URL in a kubeconfig's `server:` lines, "" if there is none (or it holds a login)."""
    match = _SERVER.search(text)
    return match[1] if match else ""


def parse_drop_ins(text: str) -> tuple[str, ...]:
    """The paths of `systemctl show --property=DropInPaths`, in systemd's order."""
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name == "DropInPaths":
            return tuple(word for word in value.split() if word.startswith("/"))
    return ()


def parse_pid(text: str) -> str | None:
    """The process number that pgrep printed, None if it printed none."""
    first = text.split()[:1]
    return first[0] if first and re.fullmatch(r"[0-9]{1,9}", first[0], flags=re.ASCII) else None


def config_path(flags: Sequence[ExtraArg], *, kubespray: bool) -> str:
    """Where the configuration file is: the last --config, else the layout's default."""
    named = [flag.value for flag in flags if flag.name == "config" and flag.value.startswith("/")]
    return named[-1] if named else (KUBESPRAY_CONFIG if kubespray else DEFAULT_CONFIG)
