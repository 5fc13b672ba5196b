"""Sample applications with owners, budgets, volumes and load balancers, and the cloud's side of them."""

from __future__ import annotations

from replank.testbed.fleet.cloud.load_balancer import (
    add_service_load_balancer,
    service_address,
)
from replank.testbed.fleet.cloud.volumes import CLAIM_GIB, add_claim_volume, persistent_volume_name, volume_id
from replank.testbed.fleet.kube.addons import deployment_objects
from replank.testbed.fleet.kube.objects import make, pod
from replank.testbed.fleet.layout import ClusterLayout, MachineLayout
from replank.testbed.fleet.spec import Workload
from replank.testbed.world import Document, Project

_DRIVER = "cinder.csi.openstack.org"


def workload_objects(layout: ClusterLayout, project: Project) -> list[Document]:
    """The applications of the spec. Volumes and load balancers are put into `project`."""
    namespaces = {workload.namespace for workload in layout.spec.workloads}
    names = sorted({"default", "kube-node-lease", "kube-public", "kube-system", *namespaces})
    found = [make(layout, "v1", "Namespace", name, status={"phase": "Active"}) for name in names]
    services = [workload for workload in layout.spec.workloads if workload.load_balancer]
    for workload in layout.spec.workloads:
        found += _application(layout, project, workload)
        found.append(_settings(layout, workload))
        if workload.budget is not None:
            found.append(_budget(layout, workload, workload.budget))
    for index, workload in enumerate(services):
        found.append(_service(layout, project, workload, index))
    if layout.spec.webhook:
        found.append(_webhook(layout))
    return found


def _nodes(layout: ClusterLayout, workload: Workload) -> list[MachineLayout]:
    open_to_all = [m for m in layout.workers if m.group and not m.group.taints]
    wanted = [m for m in layout.workers if m.group and m.group.name == workload.group]
    candidates = wanted or open_to_all or list(layout.machines)
    return [candidates[index % len(candidates)] for index in range(workload.replicas)]


def _application(layout: ClusterLayout, project: Project, workload: Workload) -> list[Document]:
    nodes = _nodes(layout, workload)
    image = f"registry.example.org/{workload.namespace}/{workload.name}:2.4.1"
    env = {"DATABASE_PASSWORD": layout.secret("env", workload.name)}
    if workload.kind == "Deployment":
        volumes = [{"name": "cache", "emptyDir": {}}] if workload.local_storage else None
        return deployment_objects(
            layout,
            workload.name,
            workload.namespace,
            image,
            nodes=nodes,
            label="app",
            env=env,
            volumes=volumes,
        )
    labels = {"app": workload.name}
    count = workload.replicas
    stateful_set = make(
        layout,
        "apps/v1",
        "StatefulSet",
        workload.name,
        namespace=workload.namespace,
        labels=labels,
        spec={"replicas": count, "selector": {"matchLabels": labels}, "serviceName": workload.name},
        status={"replicas": count, "readyReplicas": count, "currentReplicas": count},
    )
    found = [stateful_set]
    for index, machine in enumerate(nodes):
        name = f"{workload.name}-{index}"
        volumes = None
        if workload.claims:
            claim = f"data-{name}"
            volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
            found += _claim(layout, project, f"{workload.namespace}/{claim}", machine)
        found.append(
            pod(
                layout,
                name,
                machine.name,
                namespace=workload.namespace,
                labels=labels | {"statefulset.kubernetes.io/pod-name": name},
                image=image,
                owner=stateful_set,
                volumes=volumes,
                env=env,
            )
        )
    return found


def _claim(layout: ClusterLayout, project: Project, claim: str, machine: MachineLayout) -> list[Document]:
    """PersistentVolumeClaim, PersistentVolume, VolumeAttachment and the Cinder volume behind them."""
    namespace, name = claim.split("/")
    volume = persistent_volume_name(layout, claim)
    handle = volume_id(layout, claim)
    add_claim_volume(project, layout, claim, machine)
    size = {"storage": f"{CLAIM_GIB}Gi"}
    persistent_claim = make(
        layout,
        "v1",
        "PersistentVolumeClaim",
        name,
        namespace=namespace,
        spec={"volumeName": volume, "storageClassName": "ssd", "resources": {"requests": size}},
        status={"phase": "Bound", "capacity": size},
    )
    persistent_volume = make(
        layout,
        "v1",
        "PersistentVolume",
        volume,
        spec={
            "capacity": size,
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "ssd",
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": name},
            "csi": {"driver": _DRIVER, "fsType": "ext4", "volumeHandle": handle},
        },
        status={"phase": "Bound"},
    )
    attachment = make(
        layout,
        "storage.k8s.io/v1",
        "VolumeAttachment",
        f"csi-{layout.mint.digest('attachment', volume).hex()}",
        spec={
            "attacher": _DRIVER,
            "nodeName": machine.name,
            "source": {"persistentVolumeName": volume},
        },
        status={"attached": True},
    )
    return [persistent_claim, persistent_volume, attachment]


def _settings(layout: ClusterLayout, workload: Workload) -> Document:
    """A ConfigMap with a password in its body: they exist everywhere."""
    body = f"url: postgres://app:{layout.secret('config-map', workload.name)}@db.example.org/app\n"
    return make(
        layout,
        "v1",
        "ConfigMap",
        f"{workload.name}-settings",
        namespace=workload.namespace,
        data={"settings.yaml": body},
    )


def _budget(layout: ClusterLayout, workload: Workload, least: int) -> Document:
    return make(
        layout,
        "policy/v1",
        "PodDisruptionBudget",
        workload.name,
        namespace=workload.namespace,
        spec={"minAvailable": least, "selector": {"matchLabels": {"app": workload.name}}},
        status={
            "currentHealthy": workload.replicas,
            "desiredHealthy": least,
            "disruptionsAllowed": max(0, workload.replicas - least),
            "expectedPods": workload.replicas,
        },
    )


def _service(layout: ClusterLayout, project: Project, workload: Workload, index: int) -> Document:
    node_port = 30443 + index
    add_service_load_balancer(project, layout, workload.namespace, workload.name, node_port, index)
    lb = layout.id("loadbalancer", f"{workload.namespace}/{workload.name}")
    return make(
        layout,
        "v1",
        "Service",
        workload.name,
        namespace=workload.namespace,
        annotations={"loadbalancer.openstack.org/load-balancer-id": lb},
        spec={
            "type": "LoadBalancer",
            "clusterIP": f"10.96.7.{index + 1}",
            "selector": {"app": workload.name},
            "ports": [{"name": "https", "port": 443, "targetPort": 8443, "nodePort": node_port}],
        },
        status={"loadBalancer": {"ingress": [{"ip": service_address(layout, index)}]}},
    )


def _webhook(layout: ClusterLayout) -> Document:
    return make(
        layout,
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "policy",
        webhooks=[
            {
                "name": "pods.policy.example.org",
                "failurePolicy": "Ignore",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"service": {"namespace": "shop", "name": "policy", "path": "/validate"}},
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["pods"],
                        "scope": "Namespaced",
                    }
                ],
            }
        ],
    )
