"""kube-proxy, CoreDNS, the CNI, the OpenStack cloud provider and the Cinder CSI driver, with their pods."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from replank.testbed.fleet.components import component_image, coredns_image
from replank.testbed.fleet.kube.objects import make, pod
from replank.testbed.fleet.layout import ClusterLayout, MachineLayout
from replank.testbed.world import Document


@dataclass(frozen=True, slots=True)
class _Daemon:
    name: str
    image: str
    label: str = "k8s-app"
    control_planes_only: bool = False
    secret_env: str = ""


def addon_objects(layout: ClusterLayout) -> list[Document]:
    """Workloads, pods and configuration of the addons."""
    found = [*_core_dns(layout), *_proxy_config(layout)]
    for daemon in _daemons(layout):
        found += _daemon_objects(layout, daemon)
    if layout.spec.cni == "calico":
        found += deployment_objects(
            layout,
            "calico-kube-controllers",
            "kube-system",
            "docker.io/calico/kube-controllers:v3.30.3",
            nodes=[layout.machines[-1]],
        )
    else:
        found += deployment_objects(
            layout,
            "cilium-operator",
            "kube-system",
            "quay.io/cilium/operator-generic:v1.18.2",
            nodes=[layout.machines[-1]],
        )
    if layout.spec.provider_id != "empty":
        found.append(_cloud_config(layout))
        found += deployment_objects(
            layout,
            "csi-cinder-controllerplugin",
            "kube-system",
            "registry.k8s.io/provider-os/cinder-csi-plugin:v1.34.1",
            nodes=[layout.machines[-1]],
            label="app",
        )
        found.append(
            make(
                layout,
                "storage.k8s.io/v1",
                "CSIDriver",
                "cinder.csi.openstack.org",
                spec={"podInfoOnMount": True},
            )
        )
    return found


def deployment_objects(
    layout: ClusterLayout,
    name: str,
    namespace: str,
    image: str,
    *,
    nodes: Iterable[MachineLayout],
    label: str = "k8s-app",
    labels: dict[str, str] | None = None,
    env: dict[str, str] | None = None,
    volumes: list[Document] | None = None,
) -> list[Document]:
    """A Deployment, its ReplicaSet and one ready pod on each of `nodes`."""
    placed = list(nodes)
    count = len(placed)
    labels = labels or {label: name}
    spec: Document = {"replicas": count, "selector": {"matchLabels": labels}, "template": {}}
    status = {"replicas": count, "readyReplicas": count, "availableReplicas": count, "updatedReplicas": count}
    spec["template"] = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": name, "image": image}]},
    }
    deployment = make(
        layout, "apps/v1", "Deployment", name, namespace=namespace, labels=labels, spec=spec, status=status
    )
    digest = layout.mint.suffix("cluster", layout.name, namespace, name, length=10)
    pod_labels = labels | {"pod-template-hash": digest}
    replica_set = make(
        layout,
        "apps/v1",
        "ReplicaSet",
        f"{name}-{digest}",
        namespace=namespace,
        labels=pod_labels,
        owner=deployment,
        spec=spec | {"selector": {"matchLabels": pod_labels}},
        status=status,
    )
    pods = [
        pod(
            layout,
            f"{name}-{digest}-{layout.mint.suffix('cluster', layout.name, namespace, name, index)}",
            machine.name,
            namespace=namespace,
            labels=pod_labels,
            image=image,
            owner=replica_set,
            env=env,
            volumes=volumes,
        )
        for index, machine in enumerate(placed)
    ]
    return [deployment, replica_set, *pods]


def _daemons(layout: ClusterLayout) -> list[_Daemon]:
    found = [_Daemon("kube-proxy", component_image(layout, "kube-proxy"))]
    if layout.spec.cni == "calico":
        found.append(_Daemon("calico-node", "docker.io/calico/node:v3.30.3"))
    else:
        found.append(_Daemon("cilium", "quay.io/cilium/cilium:v1.18.2"))
    if layout.spec.provider_id != "empty":
        image = f"registry.k8s.io/provider-os/openstack-cloud-controller-manager:v1.{layout.minor}.0"
        found.append(
            _Daemon(
                "openstack-cloud-controller-manager",
                image,
                control_planes_only=True,
                secret_env="OS_PASSWORD",  # noqa: S106 the variable's name
            )
        )
        found.append(
            _Daemon(
                "csi-cinder-nodeplugin", "registry.k8s.io/provider-os/cinder-csi-plugin:v1.34.1", label="app"
            )
        )
    return found


def _daemon_objects(layout: ClusterLayout, daemon: _Daemon) -> list[Document]:
    machines = layout.control_planes if daemon.control_planes_only else layout.machines
    labels = {daemon.label: daemon.name}
    count = len(machines)
    template = {
        "metadata": {"labels": labels},
        "spec": {"hostNetwork": True, "containers": [{"name": daemon.name, "image": daemon.image}]},
    }
    daemon_set = make(
        layout,
        "apps/v1",
        "DaemonSet",
        daemon.name,
        namespace="kube-system",
        labels=labels,
        spec={"selector": {"matchLabels": labels}, "template": template},
        status={
            "desiredNumberScheduled": count,
            "currentNumberScheduled": count,
            "numberReady": count,
            "numberAvailable": count,
            "numberMisscheduled": 0,
        },
    )
    env = {daemon.secret_env: layout.secret("env", daemon.name)} if daemon.secret_env else None
    pods = [
        pod(
            layout,
            f"{daemon.name}-{layout.mint.suffix('cluster', layout.name, daemon.name, machine.name)}",
            machine.name,
            namespace="kube-system",
            labels=labels,
            image=daemon.image,
            owner=daemon_set,
            host_network=True,
            env=env,
        )
        for machine in machines
    ]
    return [daemon_set, *pods]


def _core_dns(layout: ClusterLayout) -> list[Document]:
    # kubeadm starts both replicas on the first control planes; they stay there until somebody moves them.
    nodes = [layout.machines[0], layout.machines[min(1, len(layout.machines) - 1)]]
    corefile = (
        ".:53 {\n    errors\n    health\n    kubernetes cluster.local\n    forward . /etc/resolv.conf\n}\n"
    )
    return [
        *deployment_objects(
            layout,
            "coredns",
            "kube-system",
            coredns_image(layout),
            nodes=nodes,
            labels={"k8s-app": "kube-dns"},
        ),
        make(layout, "v1", "ConfigMap", "coredns", namespace="kube-system", data={"Corefile": corefile}),
    ]


def _proxy_config(layout: ClusterLayout) -> list[Document]:
    config = (
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"
        f'clusterCIDR: {layout.spec.pod_cidr}\nmode: ""\n'
    )
    kubeconfig = (
        f"kind: Config\nclusters:\n- cluster:\n    server: https://{layout.endpoint}\n  name: default\n"
    )
    data = {"config.conf": config, "kubeconfig.conf": kubeconfig}
    return [make(layout, "v1", "ConfigMap", "kube-proxy", namespace="kube-system", data=data)]


def _cloud_config(layout: ClusterLayout) -> Document:
    """The cloud provider's Secret, and what kubectl apply kept of it in an annotation."""
    password = layout.secret("cloud-config")
    text = f"[Global]\npassword={password}\n"
    applied = f'{{"kind":"Secret","stringData":{{"password":"{password}"}}}}'
    return make(
        layout,
        "v1",
        "Secret",
        "cloud-config",
        namespace="kube-system",
        type="Opaque",
        annotations={"kubectl.kubernetes.io/last-applied-configuration": applied},
        data={"cloud.conf": base64.b64encode(text.encode()).decode()},
    )
