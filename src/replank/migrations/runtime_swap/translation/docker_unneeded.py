"""Docker's settings that no container of Kubernetes depends on, each with its reason.

The kubelet sets up a pod's network, names, limits and cgroups itself; what dockerd would do by itself does
not reach it (kubernetes 1.23, pkg/kubelet/dockershim; cri-dockerd is its successor).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_BRIDGE: Final = "It shapes Docker's own bridge network; pods are connected by CNI."
_API: Final = "It belongs to Docker's API, which containerd does not have."
_SWARM: Final = "It belongs to Swarm, which no pod uses."
_DNS: Final = "The kubelet writes every pod's resolv.conf itself."
_BUILD: Final = "It is about building or pushing images, which containerd does not do."
_OWN: Final = "It is dockerd's own housekeeping; the new containerd has its own."
_NAMESPACE: Final = "Kubernetes' containers live in containerd's namespace k8s.io, whatever Docker used."

NOT_NEEDED: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("allow-direct-routing", "bip", "bip6", "bridge", "default-address-pools", "default-gateway"),
            *("default-gateway-v6", "default-network-opts", "fixed-cidr", "fixed-cidr-v6", "icc", "ip"),
            *("ip-forward-no-drop", "ip-masq", "ip6tables", "iptables", "ipv6", "mtu", "userland-proxy"),
            *("network-control-plane-mtu", "network-diagnostic-port", "userland-proxy-path"),
        ),
        _BRIDGE,
    ),
    **dict.fromkeys(
        ("api-cors-header", "group", "hosts", "tls", "tlscacert", "tlscert", "tlskey", "tlsverify"), _API
    ),
    **dict.fromkeys(
        (
            *("cluster-advertise", "cluster-store", "cluster-store-opts", "node-generic-resources"),
            *("swarm-default-advertise-addr", "swarm-raft-election-tick", "swarm-raft-heartbeat-tick"),
        ),
        _SWARM,
    ),
    **dict.fromkeys(("dns", "dns-opts", "dns-search", "resolv-conf"), _DNS),
    **dict.fromkeys(
        (
            *("allow-nondistributable-artifacts", "builder", "deprecated-key-path"),
            "max-concurrent-uploads",
        ),
        _BUILD,
    ),
    **dict.fromkeys(("exec-root", "experimental", "labels", "pidfile", "raw-logs"), _OWN),
    **dict.fromkeys(("containerd-namespace", "containerd-plugin-namespace"), _NAMESPACE),
    "cgroup-parent": "The kubelet names the cgroup of every pod.",
    "containerd": "The new containerd is another one, with a socket of its own.",
    "cri-containerd": "The new containerd serves CRI by itself.",
    "default-init": "It names the program for `init`, which has a row of its own.",
    "default-ipc-mode": "The kubelet names every pod's IPC mode.",
    "default-shm-size": "dockershim asks for 64 MiB whatever dockerd's default is; so does containerd.",
    "host-gateway-ip": "It is for --add-host, which the kubelet does not use.",
    "host-gateway-ips": "It is for --add-host, which the kubelet does not use.",
    "init-path": "It names the program for `init`, which has a row of its own.",
    "live-restore": "containerd's containers always outlive a restart of the daemon: each has a shim.",
    "max-download-attempts": "The kubelet tries again by itself (ImagePullBackOff).",
    "shutdown-timeout": "containerd stops no container when it stops; the kubelet's grace periods hold.",
}
"""Key of daemon.json -> why it is not needed."""

SOURCE: Final = "kubernetes 1.23, pkg/kubelet/dockershim; moby 20.10 to 28, daemon/config"
