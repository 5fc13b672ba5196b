"""Static pod manifests, as kubeadm writes them to /etc/kubernetes/manifests and the API mirrors them."""

from __future__ import annotations

from replank.testbed.fleet.components import (
    PKI,
    Component,
    api_server_extra,
    component_args,
    component_image,
)
from replank.testbed.fleet.layout import ClusterLayout, MachineLayout
from replank.testbed.world import Document

_CA_DIRS = {
    "ca-certs": "/etc/ssl/certs",
    "etc-ca-certificates": "/etc/ca-certificates",
    "usr-local-share-ca-certificates": "/usr/local/share/ca-certificates",
    "usr-share-ca-certificates": "/usr/share/ca-certificates",
}
_CPU = {"kube-apiserver": "250m", "kube-controller-manager": "200m", "kube-scheduler": "100m", "etcd": "100m"}
_PORTS = {"kube-apiserver": 6443, "kube-controller-manager": 10257, "kube-scheduler": 10259, "etcd": 2381}


def manifest(layout: ClusterLayout, machine: MachineLayout, component: Component) -> Document:
    """The Pod document of one component on one control plane.

    Behind a proxy, kubeadm copies the proxy variables of the shell that ran it: a login is planted there.
    """
    command: list[str] = [component]
    command += [f"--{name}={value}" for name, value in component_args(layout, machine, component)]
    volumes, mounts = _volumes(layout, component)
    container: Document = {
        "command": command,
        "image": component_image(layout, component),
        "imagePullPolicy": "IfNotPresent",
        "livenessProbe": _probe(machine, component, "/livez", failures=8),
        "name": component,
        "readinessProbe": _probe(machine, component, "/readyz", failures=3),
        "resources": {"requests": {"cpu": _CPU[component]}},
        "startupProbe": _probe(machine, component, "/livez", failures=24),
        "volumeMounts": mounts,
    }
    metadata: Document = {
        "labels": {"component": component, "tier": "control-plane"},
        "name": component,
        "namespace": "kube-system",
    }
    if layout.spec.proxy and component != "etcd":
        login = layout.secret("proxy-login")
        container["env"] = [{"name": "HTTPS_PROXY", "value": f"http://ops:{login}@proxy.example.org:3128"}]
    if component == "kube-apiserver":
        endpoint = f"{machine.address}:6443"
        metadata["annotations"] = {
            "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint": endpoint
        }
    elif component == "etcd":
        urls = f"https://{machine.address}:2379"
        metadata["annotations"] = {"kubeadm.kubernetes.io/etcd.advertise-client-urls": urls}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            "containers": [container],
            "hostNetwork": True,
            "priority": 2000001000,
            "priorityClassName": "system-node-critical",
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": volumes,
        },
        "status": {},
    }


def _probe(machine: MachineLayout, component: str, path: str, *, failures: int) -> Document:
    port = _PORTS[component]
    plain = component == "etcd"
    return {
        "failureThreshold": failures,
        "httpGet": {
            "host": machine.address if component == "kube-apiserver" else "127.0.0.1",
            "path": path,
            "port": port,
            "scheme": "HTTP" if plain else "HTTPS",
        },
        "periodSeconds": 10,
        "timeoutSeconds": 15,
    }


def _volumes(layout: ClusterLayout, component: str) -> tuple[list[Document], list[Document]]:
    """hostPath volumes and mounts, sorted by name."""
    found: list[tuple[str, str, str, bool]] = []
    if component in ("kube-apiserver", "kube-controller-manager"):
        found += [(name, path, "DirectoryOrCreate", True) for name, path in _CA_DIRS.items()]
        found.append(("k8s-certs", PKI, "DirectoryOrCreate", True))
    if component == "kube-apiserver":
        found += [
            (v["name"], v["hostPath"], v["pathType"], v.get("readOnly", False))
            for v in api_server_extra(layout)[1]
        ]
    elif component == "kube-controller-manager":
        found.append(("kubeconfig", "/etc/kubernetes/controller-manager.conf", "FileOrCreate", True))
        flexvolume = "/usr/libexec/kubernetes/kubelet-plugins/volume/exec"
        found.append(("flexvolume-dir", flexvolume, "DirectoryOrCreate", False))
    elif component == "kube-scheduler":
        found.append(("kubeconfig", "/etc/kubernetes/scheduler.conf", "FileOrCreate", True))
    else:
        found.append(("etcd-certs", f"{PKI}/etcd", "DirectoryOrCreate", False))
        found.append(("etcd-data", "/var/lib/etcd", "DirectoryOrCreate", False))
    volumes, mounts = [], []
    for name, path, kind, read_only in sorted(found):
        volumes.append({"hostPath": {"path": path, "type": kind}, "name": name})
        mount: Document = {"mountPath": path, "name": name}
        mounts.append(mount | {"readOnly": True} if read_only else mount)
    return volumes, mounts
