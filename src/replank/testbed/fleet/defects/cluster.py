"""Defects of what runs in the cluster, of joining it, and of the operator's way in."""

from __future__ import annotations

from replank.testbed.fleet.defects.defect import Defect, first_worker
from replank.testbed.fleet.kube.addons import deployment_objects
from replank.testbed.fleet.kube.objects import make, pod
from replank.testbed.fleet.made import Made


def _budget_never_allows(made: Made) -> None:
    """As many must be available as there are."""
    budgets = list(made.objects("PodDisruptionBudget"))
    if not budgets:
        raise LookupError(f"{made.layout.name} has no PodDisruptionBudget")
    status = budgets[0]["status"]
    budgets[0]["spec"]["minAvailable"] = status["expectedPods"]
    status |= {"desiredHealthy": status["expectedPods"], "disruptionsAllowed": 0}


def _autoscaler(made: Made) -> None:
    image = f"registry.k8s.io/autoscaling/cluster-autoscaler:v1.{made.layout.minor}.0"
    made.cluster.api.objects += deployment_objects(
        made.layout,
        "cluster-autoscaler",
        "kube-system",
        image,
        nodes=[first_worker(made.layout)],
        label="app",
    )


def _webhook_fails_closed(made: Made) -> None:
    rules = [
        {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"], "scope": "*"}
    ]
    made.cluster.api.objects.append(
        make(
            made.layout,
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            "guard",
            webhooks=[
                {
                    "name": "all.guard.example.org",
                    "failurePolicy": "Fail",
                    "sideEffects": "None",
                    "admissionReviewVersions": ["v1"],
                    "clientConfig": {"service": {"namespace": "guard", "name": "guard"}},
                    "rules": rules,
                }
            ],
        )
    )


def _bare_pod(made: Made) -> None:
    made.cluster.api.objects.append(
        pod(
            made.layout,
            "debug-shell",
            first_worker(made.layout).name,
            namespace="default",
            labels={"app": "debug-shell"},
            image="docker.io/library/busybox:1.36",
            volumes=[{"name": "scratch", "hostPath": {"path": "/srv/scratch"}}],
        )
    )


def _join_rbac_missing(made: Made) -> None:
    """Hardening removed what kubeadm had left for joining."""
    made.remove_object("ClusterRoleBinding", "kubeadm:kubelet-bootstrap")
    made.remove_object("ClusterRoleBinding", "kubeadm:node-autoapprove-bootstrap")


def _cluster_info_missing(made: Made) -> None:
    made.remove_object("ConfigMap", "cluster-info")


def _cluster_info_unsigned(made: Made) -> None:
    """All bootstrap tokens have expired: the signer took its signatures away."""
    data = made.object("ConfigMap", "cluster-info")["data"]
    for key in [key for key in data if key.startswith("jws-")]:
        del data[key]


def _kubeadm_config_missing(made: Made) -> None:
    made.remove_object("ConfigMap", "kubeadm-config")


def _token_only(made: Made) -> None:
    token = made.layout.secret("kubeconfig-token")
    made.cluster.kubeconfig_token = token
    made.cluster.api.tokens = (token,)


def _custom_dns(made: Made) -> None:
    containers = made.object("Deployment", "coredns")["spec"]["template"]["spec"]["containers"]
    containers[0]["image"] = "registry.example.org/mirror/coredns:1.12.3-patched"


DEFECTS = (
    Defect("budget-never-allows", "a PodDisruptionBudget allows no disruption", _budget_never_allows),
    Defect("autoscaler", "a cluster autoscaler runs", _autoscaler),
    Defect("webhook-fails-closed", "a webhook for everything fails closed", _webhook_fails_closed),
    Defect("bare-pod", "a pod has no controller, and keeps data on its machine", _bare_pod),
    Defect("join-rbac-missing", "bootstrap tokens may not join machines", _join_rbac_missing),
    Defect("cluster-info-missing", "kube-public/cluster-info is gone", _cluster_info_missing),
    Defect("cluster-info-unsigned", "kube-public/cluster-info is not signed", _cluster_info_unsigned),
    Defect("kubeadm-config-missing", "kube-system/kubeadm-config is gone", _kubeadm_config_missing),
    Defect("token-only", "the operator's kubeconfig has a token, no certificate", _token_only),
    Defect("custom-dns", "CoreDNS runs from a private image", _custom_dns),
)
