"""KCP's UpToDate: which control-plane Machines it would replace, and why. Pure.

Source: facts file, section 3 (cluster-api v1.14.0, controlplane/kubeadm/pkg/filters.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from replank.testbed.simulation.documents import Document, packed, unpacked
from replank.testbed.simulation.labels import CLONED_FROM_KIND, CLONED_FROM_NAME, annotations_of

_IGNORED_IN_CLUSTER = ("controlPlaneEndpoint", "dns")
_LOCAL_MODE = "ControlPlaneKubeletLocalMode"


def why_outdated(
    control_plane: Mapping[str, Any],
    machine: Mapping[str, Any],
    config: Mapping[str, Any] | None,
    infrastructure: Mapping[str, Any] | None,
) -> str:
    """ "" where the Machine is kept. Missing configurations and infrastructure count as equal."""
    spec = control_plane["spec"]
    after = (spec.get("rollout") or {}).get("after")
    if after and machine["metadata"].get("creationTimestamp", "") < after:
        return f"rollout.after {after}"
    if machine["spec"].get("version") != spec["version"]:
        return f"version {machine['spec'].get('version')} is not {spec['version']}"
    if infrastructure is not None:
        template = spec["machineTemplate"]["spec"]["infrastructureRef"]
        notes = annotations_of(infrastructure)
        name, kind = notes.get(CLONED_FROM_NAME), notes.get(CLONED_FROM_KIND)
        wanted = f"{template['kind']}.{template['apiGroup']}"
        if name and kind and (name != template["name"] or kind != wanted):
            return f"cloned from {kind} {name}, not {wanted} {template['name']}"
    if config is not None:
        has = _normal(config["spec"], spec["version"])
        wants = _normal(spec["kubeadmConfigSpec"], spec["version"])
        for part in sorted(has.keys() | wants.keys()):
            if has.get(part) != wants.get(part):
                return f"KubeadmConfig.spec.{part} differs"
    return ""


def _normal(spec: Mapping[str, Any], version: str) -> Document:
    """What both sides are brought to before they are compared; not to be changed."""
    return _normal_of(packed(dict(spec)), version)


@lru_cache(maxsize=1024)
def _normal_of(spec: bytes, version: str) -> Document:
    """Controllers look at every Machine again and again, and it is mostly the same."""
    result: Document = unpacked(spec)
    result.pop("initConfiguration", None)
    join = result.setdefault("joinConfiguration", {})
    for name in ("controlPlane", "discovery"):
        join.pop(name, None)
    (join.get("timeouts") or {}).pop("controlPlaneComponentHealthCheckSeconds", None)
    cluster = result.setdefault("clusterConfiguration", {})
    for name in _IGNORED_IN_CLUSTER:
        cluster.pop(name, None)
    if 31 <= int(version.split(".")[1]) < 36:
        cluster.setdefault("featureGates", {}).setdefault(_LOCAL_MODE, True)
    result.setdefault("format", "cloud-config")
    pruned = _pruned(result)
    return pruned if isinstance(pruned, dict) else {}


def _pruned(value: Any) -> Any:
    """Without what is empty: nil and empty are equal."""
    if isinstance(value, dict):
        kept = {key: _pruned(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ({}, [], None, "")}
    if isinstance(value, list):
        return [_pruned(item) for item in value]
    return value
