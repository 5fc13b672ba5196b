"""All keys of daemon.json, and what kind of value each one holds.

Source: moby, daemon/config/config.go, config_linux.go (20.10: config_unix.go, config_common_unix.go) and
registry/config.go of 20.10.27, 24.0.9 and 28.5.2, and cmd/dockerd/config*.go for the flags.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final


class Kind(Enum):
    """How a value is read. What a kind does not keep is withheld."""

    BOOL = auto()
    INT = auto()
    TEXT = auto()
    TEXTS = auto()
    URL = auto()
    URLS = auto()
    PAIRS = auto()
    """A list of `key=value` of which replank knows the keys that may be shown (exec-opts, storage-opts)."""
    NAMES = auto()
    """A list of `key=value` of which only the keys are kept."""
    LOG_OPTS = auto()
    ULIMITS = auto()
    RUNTIMES = auto()
    FEATURES = auto()
    POOLS = auto()
    PROXIES = auto()
    SIZE = auto()
    """A number of bytes, or text such as `64M`."""
    OPAQUE = auto()
    """A table of which nothing is kept."""


def _kinds(kind: Kind, *keys: str) -> dict[str, Kind]:
    return dict.fromkeys(keys, kind)


DOCKER_KEYS: Final[Mapping[str, Kind]] = {
    **_kinds(
        Kind.BOOL,
        *("allow-direct-routing", "cri-containerd", "debug", "experimental", "icc", "init", "ip-forward"),
        *("ip-forward-no-drop", "ip-masq", "ip6tables", "iptables", "ipv6", "live-restore"),
        *("no-new-privileges", "raw-logs", "rootless", "selinux-enabled", "tls", "tlsverify"),
        "userland-proxy",
    ),
    **_kinds(
        Kind.INT,
        *("cpu-rt-period", "cpu-rt-runtime", "max-concurrent-downloads", "max-concurrent-uploads"),
        *("max-download-attempts", "mtu", "network-control-plane-mtu", "network-diagnostic-port"),
        *("oom-score-adjust", "shutdown-timeout", "swarm-raft-election-tick", "swarm-raft-heartbeat-tick"),
    ),
    **_kinds(
        Kind.TEXT,
        *("api-cors-header", "bip", "bip6", "bridge", "cgroup-parent", "cluster-advertise"),
        *("containerd-namespace", "containerd-plugin-namespace", "data-root", "default-cgroupns-mode"),
        *("default-gateway", "default-gateway-v6", "default-init", "default-ipc-mode", "default-runtime"),
        *("deprecated-key-path", "exec-root", "fixed-cidr", "fixed-cidr-v6", "graph", "group"),
        *("host-gateway-ip", "init-path", "ip", "log-driver", "log-format", "log-level", "metrics-addr"),
        *("pidfile", "resolv-conf", "seccomp-profile", "storage-driver", "swarm-default-advertise-addr"),
        *("tlscacert", "tlscert", "tlskey", "userland-proxy-path", "userns-remap"),
    ),
    **_kinds(
        Kind.TEXTS,
        *("allow-nondistributable-artifacts", "authorization-plugins", "cdi-spec-dirs", "dns", "dns-opts"),
        *("dns-search", "host-gateway-ips", "insecure-registries"),
    ),
    **_kinds(Kind.URL, "cluster-store", "containerd", "http-proxy", "https-proxy", "no-proxy"),
    **_kinds(Kind.URLS, "hosts", "registry-mirrors"),
    **_kinds(Kind.PAIRS, "exec-opts", "storage-opts"),
    **_kinds(Kind.NAMES, "labels", "node-generic-resources"),
    **_kinds(Kind.SIZE, "default-shm-size"),
    **_kinds(Kind.OPAQUE, "builder", "cluster-store-opts", "default-network-opts"),
    "default-address-pools": Kind.POOLS,
    "default-ulimits": Kind.ULIMITS,
    "features": Kind.FEATURES,
    "log-opts": Kind.LOG_OPTS,
    "proxies": Kind.PROXIES,
    "runtimes": Kind.RUNTIMES,
}

SHOWN_LOG_OPTS: Final = frozenset(
    {
        *("max-size", "max-file", "max-buffer-size", "mode", "compress", "labels", "labels-regex", "env"),
        *("env-regex", "tag", "cache-disabled", "cache-max-file", "cache-max-size", "cache-compress"),
    }
)
"""Options of log drivers whose value can be no secret; of all others (splunk-token, ...) the name is kept."""

SHOWN_PAIRS: Final = ("native.cgroupdriver", "overlay2.", "dm.", "btrfs.", "zfs.", "isolation")
"""Starts of exec-opts' and storage-opts' names whose values are kept."""

SHOWN_RUNTIME_OPTIONS: Final = frozenset(
    {"BinaryName", "ConfigPath", "CriuPath", "NoPivotRoot", "Root", "SystemdCgroup", "TypeUrl"}
)
"""Of a runtime's `options` (Docker 23 on)."""

FLAGS: Final[Mapping[str, str]] = {
    "add-runtime": "runtimes",
    "authorization-plugin": "authorization-plugins",
    "cdi-spec-dir": "cdi-spec-dirs",
    "cluster-store-opt": "cluster-store-opts",
    "containerd-plugins-namespace": "containerd-plugin-namespace",
    "default-address-pool": "default-address-pools",
    "default-network-opt": "default-network-opts",
    "default-ulimit": "default-ulimits",
    "dns-opt": "dns-opts",
    "exec-opt": "exec-opts",
    "feature": "features",
    "host": "hosts",
    "host-gateway-ip": "host-gateway-ips",
    "insecure-registry": "insecure-registries",
    "label": "labels",
    "log-opt": "log-opts",
    "node-generic-resource": "node-generic-resources",
    "registry-mirror": "registry-mirrors",
    "storage-opt": "storage-opts",
    "D": "debug",
    "G": "group",
    "H": "hosts",
    "b": "bridge",
    "g": "graph",
    "l": "log-level",
    "p": "pidfile",
    "s": "storage-driver",
}
"""dockerd's flags that daemon.json calls otherwise; all others have the key's name."""

NO_SETTINGS: Final = frozenset({"config-file", "validate", "v", "version", "help", "h", "restart", "r"})
"""Flags that set nothing about containers (`--restart` has done nothing since Docker 1.x)."""
