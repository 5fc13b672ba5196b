"""The kubelet of a machine: configuration, flags and command line.

Sources: kubernetes 1.34 cmd/kubeadm/app/componentconfigs/kubelet.go, phases/kubelet/flags.go; the drop-in
10-kubeadm.conf of the kubeadm package.
"""

from __future__ import annotations

import ipaddress

from replank.testbed.fleet.components import pause_image
from replank.testbed.fleet.layout import ClusterLayout, MachineLayout
from replank.testbed.world import Document

SOCKET = "unix:///run/containerd/containerd.sock"
CRI_DOCKERD_SOCKET = "unix:///run/cri-dockerd.sock"


def runtime_endpoint(machine: MachineLayout) -> str:
    """Where the machine's kubelet asks its runtime."""
    return CRI_DOCKERD_SOCKET if machine.docker else SOCKET


def kubelet_configuration(layout: ClusterLayout, machine: MachineLayout | None) -> Document:
    """KubeletConfiguration: of the ConfigMap (`machine` None), or as it lies on a machine."""
    dns = str(ipaddress.ip_network(layout.spec.service_cidr)[10])
    document: Document = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"cacheTTL": "0s", "enabled": True},
            "x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"},
        },
        "authorization": {
            "mode": "Webhook",
            "webhook": {"cacheAuthorizedTTL": "0s", "cacheUnauthorizedTTL": "0s"},
        },
        "cgroupDriver": "systemd",
        "clusterDNS": [dns],
        "clusterDomain": "cluster.local",
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": 10248,
        "kind": "KubeletConfiguration",
        "resolvConf": "/run/systemd/resolve/resolv.conf",
        "rotateCertificates": True,
        "staticPodPath": "/etc/kubernetes/manifests",
    }
    if layout.minor >= 34 and machine is not None:
        document["containerRuntimeEndpoint"] = runtime_endpoint(machine)
    if machine is not None and machine.group is not None:
        document |= machine.group.kubelet_config
    return dict(sorted(document.items()))


def kubeadm_flags(layout: ClusterLayout, machine: MachineLayout) -> dict[str, str]:
    """What kubeadm writes into /var/lib/kubelet/kubeadm-flags.env."""
    flags: dict[str, str] = {}
    if layout.spec.provider_id != "empty":
        flags["cloud-provider"] = "external"
    if layout.minor < 34:
        flags["container-runtime-endpoint"] = runtime_endpoint(machine)
        flags["pod-infra-container-image"] = pause_image(layout)
    if machine.group is not None:
        labels = {key: value for key, value in machine.group.labels.items() if "node-role" not in key}
        if labels:
            flags["node-labels"] = ",".join(f"{key}={value}" for key, value in labels.items())
        if machine.group.taints:
            flags["register-with-taints"] = ",".join(machine.group.taints)
        flags |= machine.group.kubelet
    return dict(sorted(flags.items()))


def command_line(layout: ClusterLayout, machine: MachineLayout) -> bytes:
    """/proc/<pid>/cmdline: words, each ended by a NUL byte."""
    words = [
        "/usr/bin/kubelet",
        "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
        "--kubeconfig=/etc/kubernetes/kubelet.conf",
        "--config=/var/lib/kubelet/config.yaml",
        *(f"--{name}={value}" for name, value in kubeadm_flags(layout, machine).items()),
    ]
    return "".join(f"{word}\0" for word in words).encode()
