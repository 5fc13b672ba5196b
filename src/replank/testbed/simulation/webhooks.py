"""What the providers' webhooks default and refuse, as far as a takeover can meet it.

Source: facts file, sections 2, 4 and 9 (cluster-api v1.14.0 core/webhooks/admission, CAPO v0.14.7). Pure.
"""

from __future__ import annotations

import re
from typing import Any

from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.labels import CLUSTER_NAME

_VERSION = re.compile(r"v\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")
_DNS_1123 = re.compile(r"[a-z0-9]([a-z0-9-.]{0,251}[a-z0-9])?")


class Denied(Exception):
    """A webhook or schema says no; the text is its message."""


def admitted(old: Document | None, new: Document) -> Document:
    """`new` with defaults. `new` is changed. Raises `Denied`."""
    if not _DNS_1123.fullmatch(new["metadata"]["name"]):
        raise Denied(f"metadata.name: invalid value {new['metadata']['name']!r}")
    rule = _RULES.get(new["kind"])
    if rule is not None:
        rule(old, new)
    return new


def _control_plane(old: Document | None, new: Document) -> None:
    spec = new["spec"]
    spec.setdefault("replicas", 1)
    rollout = spec.setdefault("rollout", {}).setdefault("strategy", {})
    rollout.setdefault("type", "RollingUpdate")
    rollout.setdefault("rollingUpdate", {}).setdefault("maxSurge", 1)
    _version(spec.get("version", ""))
    config = spec["kubeadmConfigSpec"]
    external = (config.get("clusterConfiguration") or {}).get("etcd", {}).get("external")
    if spec["replicas"] <= 0 or (not external and spec["replicas"] % 2 == 0):
        raise Denied("spec.replicas: cannot be 0 or, with stacked etcd, an even number")
    if rollout["rollingUpdate"]["maxSurge"] not in (0, 1):
        raise Denied("spec.rollout.strategy.rollingUpdate.maxSurge: must be 0 or 1")
    if old is not None:
        before = old["spec"]["kubeadmConfigSpec"].get("clusterConfiguration") or {}
        after = config.get("clusterConfiguration") or {}
        for field in ("certificatesDir", "controlPlaneEndpoint"):
            if before.get(field) != after.get(field):
                raise Denied(f"spec.kubeadmConfigSpec.clusterConfiguration.{field}: cannot be modified")


def _machine(old: Document | None, new: Document) -> None:
    spec = new["spec"]
    bootstrap = spec.get("bootstrap") or {}
    if not bootstrap.get("configRef") and not bootstrap.get("dataSecretName"):
        raise Denied(
            "spec.bootstrap: expected either spec.bootstrap.dataSecretName or spec.bootstrap.configRef"
        )
    if spec.get("version"):
        _version(spec["version"])
    new["metadata"].setdefault("labels", {})[CLUSTER_NAME] = spec["clusterName"]
    spec.setdefault("deletion", {}).setdefault("nodeDeletionTimeoutSeconds", 10)
    _same(old, new, "clusterName")


def _group(old: Document | None, new: Document) -> None:
    spec = new["spec"]
    spec.setdefault("replicas", 1)
    template = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    template.setdefault(CLUSTER_NAME, spec["clusterName"])
    new["metadata"].setdefault("labels", {})[CLUSTER_NAME] = spec["clusterName"]
    wanted = (spec.get("selector") or {}).get("matchLabels") or {}
    if not wanted:
        raise Denied("spec.selector: must not be empty")
    if any(template.get(key) != value for key, value in wanted.items()):
        raise Denied("spec.template.metadata.labels: must match spec.selector")
    if spec["template"]["spec"].get("version"):
        _version(spec["template"]["spec"]["version"])
    _same(old, new, "clusterName")
    if new["kind"] == "MachineSet" and old is not None and old["spec"]["selector"] != spec["selector"]:
        raise Denied("spec.selector: field is immutable")


def _openstack_machine(old: Document | None, new: Document) -> None:
    if old is None:
        return
    before, after = dict(old["spec"]), dict(new["spec"])
    if not before.get("providerID"):
        after.pop("providerID", None)
        before.pop("providerID", None)
    if before != after:
        raise Denied("spec: cannot be modified")


def _template(old: Document | None, new: Document) -> None:
    if "providerID" in new["spec"]["template"]["spec"]:
        raise Denied("spec.template.spec.providerID: cannot be set in templates")
    if old is not None and old["spec"]["template"]["spec"] != new["spec"]["template"]["spec"]:
        raise Denied("spec.template.spec: is immutable")


def _openstack_cluster(old: Document | None, new: Document) -> None:
    if old is None:
        return
    loose = ("managedSecurityGroups", "bastion", "controlPlaneAvailabilityZones", "identityRef")
    before = {key: value for key, value in old["spec"].items() if key not in loose}
    after = {key: value for key, value in new["spec"].items() if key not in loose}
    if before != after:
        raise Denied("spec: cannot be modified")


def _version(text: Any) -> None:
    if not isinstance(text, str) or not _VERSION.fullmatch(text):
        raise Denied(f"spec.version: must be a valid semantic version with a leading v, not {text!r}")


def _same(old: Document | None, new: Document, field: str) -> None:
    if old is not None and old["spec"].get(field) != new["spec"].get(field):
        raise Denied(f"spec.{field}: field is immutable")


_RULES = {
    "KubeadmControlPlane": _control_plane,
    "Machine": _machine,
    "MachineSet": _group,
    "MachineDeployment": _group,
    "OpenStackMachine": _openstack_machine,
    "OpenStackMachineTemplate": _template,
    "OpenStackCluster": _openstack_cluster,
}
