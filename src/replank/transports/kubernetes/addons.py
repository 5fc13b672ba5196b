"""Components of the cluster that a takeover must know, told by their workloads' names and images."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from replank.inventory.facts.kubernetes import Addon
from replank.transports.kubernetes.resources import Controller


@dataclass(frozen=True, slots=True)
class _Rule:
    """`workload`: pattern of the whole name; `image`: of the repository's last parts, without tag.

    `prefer`: the kind of workload that stands for the component, where several match.
    """

    kind: str
    name: str
    workload: str
    image: str = ""
    prefer: str = "Deployment"

    def matches(self, workload: str, images: Iterable[str]) -> bool:
        if re.fullmatch(self.workload, workload):
            return True
        return bool(self.image) and any(re.search(f"(^|/)({self.image})$", image) for image in images)


_RULES: Final = (
    _Rule("kube-proxy", "kube-proxy", r"kube-proxy(-.*)?", "kube-proxy(-amd64|-arm64)?", "DaemonSet"),
    _Rule("dns", "coredns", r"coredns", "coredns"),
    _Rule("dns", "node-local-dns", r"node-?local-?dns", "k8s-dns-node-cache", "DaemonSet"),
    _Rule("dns", "kube-dns", r"kube-dns"),
    # Canal is Calico and flannel in one DaemonSet: before both.
    _Rule("cni", "canal", r"(rke2-)?canal", "", "DaemonSet"),
    _Rule("cni", "calico", r"calico-node", "", "DaemonSet"),
    _Rule("cni", "cilium", r"cilium", "", "DaemonSet"),
    _Rule("cni", "flannel", r"(kube-)?flannel(-ds.*)?", "", "DaemonSet"),
    _Rule("cni", "weave", r"weave-net", "weave-kube", "DaemonSet"),
    _Rule("cni", "antrea", r"antrea-agent", "", "DaemonSet"),
    _Rule("cni", "kube-router", r"kube-router", "kube-router", "DaemonSet"),
    _Rule("cni", "kube-ovn", r"kube-ovn-cni", "", "DaemonSet"),
    _Rule("cni", "ovn-kubernetes", r"ovnkube-node", "", "DaemonSet"),
    _Rule("cni", "kindnet", r"kindnet(d)?", "kindnetd", "DaemonSet"),
    _Rule("cni", "bridge", r"(cni-|kube-)bridge|bridge-cni", "", "DaemonSet"),
    _Rule("cni", "multus", r"(kube-)?multus(-ds.*)?", "multus-cni", "DaemonSet"),
    _Rule("csi", "cinder-csi", r".*cinder-csi-.*|csi-cinder-.*", "cinder-csi-plugin"),
    _Rule("csi", "manila-csi", r".*manila-csi-.*", "manila-csi-plugin"),
    _Rule("csi", "ceph-csi", r"csi-(rbd|cephfs)plugin(-provisioner)?|ceph-csi-.*", "cephcsi"),
    _Rule("csi", "longhorn", r"longhorn-(manager|csi-plugin|driver-deployer)"),
    _Rule("csi", "nfs-csi", r"csi-nfs-(controller|node)", "nfsplugin"),
    _Rule(
        "cloud-provider",
        "openstack-ccm",
        r"openstack-cloud-controller-manager",
        "openstack-cloud-controller-manager",
        "DaemonSet",
    ),
    _Rule("cloud-provider", "other-ccm", r".*cloud-controller-manager", "", "DaemonSet"),
    _Rule(
        "autoscaler", "cluster-autoscaler", r".*cluster-autoscaler.*", "cluster-autoscaler(-amd64|-arm64)?"
    ),
    _Rule("ingress", "ingress-nginx", r".*ingress-nginx-controller|nginx-ingress-controller"),
    _Rule("ingress", "traefik", r"traefik", "traefik"),
    _Rule("ingress", "haproxy-ingress", r".*haproxy-ingress.*|.*kubernetes-ingress"),
    _Rule("ingress", "contour", r"(.*-)?contour", "contour"),
    _Rule("other", "kube-vip", r"kube-vip(-.*)?", "kube-vip", "DaemonSet"),
    _Rule("other", "metallb", r"metallb-(controller|speaker)|speaker", "metallb/(controller|speaker)"),
    # What reboots, drains, heals or moves machines and pods by itself.
    _Rule("other", "kured", r"kured", "kured", "DaemonSet"),
    _Rule("other", "draino", r"draino", "draino"),
    _Rule("other", "descheduler", r".*descheduler", "descheduler"),
    _Rule("other", "magnum-auto-healer", r"magnum-auto-healer", "magnum-auto-healer", "DaemonSet"),
    _Rule("other", "medik8s", r"(node-healthcheck|self-node-remediation)-controller-manager"),
    # What puts things back as its repository has them.
    _Rule("other", "flux", r"kustomize-controller", "kustomize-controller"),
    _Rule("other", "argo-cd", r"(.*-)?argocd-application-controller", "", "StatefulSet"),
)


def addon_facts(controllers: Mapping[str, Iterable[Controller]]) -> tuple[Addon, ...]:
    """One for each component and namespace, by kind, name and namespace. `controllers`: by kind."""
    found: dict[tuple[str, str, str], tuple[bool, str, Addon]] = {}
    for workload_kind, items in controllers.items():
        for item in items:
            rule, addon = _addon(workload_kind, item)
            if rule is None or addon is None:
                continue
            key = (addon.kind, addon.name, addon.namespace)
            candidate = (workload_kind != rule.prefer, addon.workload, addon)
            if key not in found or candidate[:2] < found[key][:2]:
                found[key] = candidate
    return tuple(found[key][2] for key in sorted(found))


def _addon(workload_kind: str, item: Controller) -> tuple[_Rule | None, Addon | None]:
    images = sorted({c.image for c in item.spec.template.spec.containers or () if c.image})
    repositories = [_repository(image) for image in images]
    for rule in _RULES:
        if rule.matches(item.metadata.name, repositories):
            return rule, Addon(
                kind=rule.kind,
                name=rule.name,
                namespace=item.metadata.namespace,
                workload=f"{workload_kind}/{item.metadata.name}",
                images=tuple(images),
            )
    return None, None


def _repository(image: str) -> str:
    """Without digest and tag; a colon before the last slash is a port."""
    image = image.partition("@")[0]
    head, slash, tail = image.rpartition("/")
    return f"{head}{slash}{tail.partition(':')[0]}"
