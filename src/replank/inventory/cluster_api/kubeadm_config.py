"""When KCP takes a Machine's KubeadmConfig for another one than it would write: the exact comparison.

Source: cluster-api v1.14.0, controlplane/kubeadm/pkg/filters.go (matchesKubeadmConfig,
PrepareKubeadmConfigsForDiff, dropOmittableFields), desiredstate (ComputeDesiredKubeadmConfig,
DefaultFeatureGates) and the Go types of api/bootstrap/kubeadm/v1beta2: what is equal there is what their
zero values make equal. Held against upstream's code over generated specs by tests/ground/test_would_roll.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

Spec = dict[str, Any]
Path = tuple[str, ...]

_MINOR: Final = re.compile(r"v?(\d+)\.(\d+)")
_GATE: Final = "ControlPlaneKubeletLocalMode"
_NUMBERS_WITH_ZERO_UNSET: Final = (
    *("bindPort", "percentage", "certificateValidityPeriodDays", "caCertificateValidityPeriodDays"),
)
# Pointers in Go: an empty one is not the same as none.
_POINTERS: Final = (
    *("controlPlane", "valueFrom", "fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"),
    "fileKeyRef",
)
_ARGS: Final = ("extraArgs", "kubeletExtraArgs")
# Lists that dropOmittableFields makes nil when they are empty; `taints` is not among them on purpose: none of
# them means "no taint", not "kubeadm's own". Its path ends so, wherever it stands.
_NIL_WHEN_EMPTY: Final = frozenset(
    {
        *("extraArgs", "extraEnvs", "extraVolumes", "certSANs", "serverCertSANs", "peerCertSANs"),
        *("bootstrapTokens", "usages", "kubeletExtraArgs", "ignorePreflightErrors", "skipPhases"),
        *("files", "filesystems", "extraOpts", "partitions", "mounts", "bootCommands"),
        *("preKubeadmCommands", "postKubeadmCommands", "users", "sshAuthorizedKeys", "servers"),
    }
)


class VersionUnreadable(ValueError):
    """KCP's version is none; upstream gives up on the whole control plane."""


def differing_fields(control_plane: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[str, ...]:
    """Fields of `config` (a KubeadmConfig's spec) that make KCP replace the Machine; none = keep.

    `control_plane`: KubeadmControlPlane's spec. Only names, never values. Raises `VersionUnreadable`.
    """
    joined = _differing(_wanted(control_plane, joining=True), _as_joined(config))
    if not joined or _joins(config):
        return joined
    # The Machine of `kubeadm init`: either of its configurations may be KCP's (filters.go).
    return joined if _differing(_wanted(control_plane, joining=False), dict(config)) else ()


def _joins(config: Mapping[str, Any]) -> bool:
    return _at(config, "joinConfiguration", "controlPlane") is not None


def _wanted(control_plane: Mapping[str, Any], *, joining: bool) -> Spec:
    spec: Spec = deepcopy(dict(control_plane.get("kubeadmConfigSpec") or {}))
    if joining:
        spec["initConfiguration"] = {}
        join = spec["joinConfiguration"] = spec.get("joinConfiguration") or {}
        if join.get("controlPlane") is None:
            join["controlPlane"] = {}
    else:
        spec["joinConfiguration"] = {}
    version = _MINOR.match(str(control_plane.get("version") or ""))
    if version is None:
        raise VersionUnreadable("the KubeadmControlPlane's version cannot be read")
    if (1, 31) <= (int(version[1]), int(version[2])) < (1, 36):
        cluster = spec["clusterConfiguration"] = spec.get("clusterConfiguration") or {}
        gates = cluster["featureGates"] = cluster.get("featureGates") or {}
        gates.setdefault(_GATE, True)
    return spec


def _as_joined(config: Mapping[str, Any]) -> Spec:
    """A configuration of `kubeadm init` turned into that of `kubeadm join`."""
    spec: Spec = deepcopy(dict(config))
    if _joins(config):
        return spec
    init = spec.pop("initConfiguration", None) or {}
    join = spec["joinConfiguration"] = spec.get("joinConfiguration") or {}
    for field in ("timeouts", "patches", "skipPhases", "nodeRegistration"):
        join[field] = init.get(field)
    join["controlPlane"] = {"localAPIEndpoint": init.get("localAPIEndpoint")}
    # It can only be set for a join, and never replaces the Machine of an init.
    join["caCertPath"] = _SAME
    return spec


_SAME: Final = object()
"""Stands where upstream copies the wanted value over before it compares."""


def _differing(wanted: Spec, current: Spec) -> tuple[str, ...]:
    for spec in (wanted, current):
        spec["format"] = spec.get("format") or "cloud-config"
        for part in ("initConfiguration", "joinConfiguration"):
            section = spec[part] = dict(spec.get(part) or {})
            node = section["nodeRegistration"] = dict(section.get("nodeRegistration") or {})
            node["imagePullPolicy"] = node.get("imagePullPolicy") or "IfNotPresent"
            timeouts = dict(section.get("timeouts") or {})
            timeouts.pop("controlPlaneComponentHealthCheckSeconds", None)
            section["timeouts"] = timeouts
        spec["joinConfiguration"].pop("discovery", None)
        cluster = spec["clusterConfiguration"] = dict(spec.get("clusterConfiguration") or {})
        for ignored in ("controlPlaneEndpoint", "dns"):
            cluster.pop(ignored, None)
    join = current["joinConfiguration"]
    if join.get("caCertPath") is _SAME:
        join["caCertPath"] = wanted["joinConfiguration"].get("caCertPath")
    return tuple(sorted(set(_differences(_set_fields(wanted, ()), _set_fields(current, ()), ()))))


def _set_fields(value: Mapping[str, Any], path: Path) -> Spec:
    """The fields that are set, as Go's zero values see it."""
    found = {}
    for key, item in value.items():
        here = (*path, key)
        plain = _plain(item, here)
        if not _unset(plain, here):
            found[key] = plain
    return found


def _plain(item: Any, path: Path) -> Any:
    if isinstance(item, Mapping):
        return dict(item) if path[-1] == "featureGates" else _set_fields(item, path)
    if isinstance(item, list):
        return [_plain(entry, path) for entry in item]
    return item


def _unset(item: Any, path: Path) -> bool:
    last = path[-1]
    if item is None:
        return True
    if item == "":
        # An argument's value is a pointer: `--flag=` is not a flag without a value.
        return not (last == "value" and path[-2] in _ARGS)
    if isinstance(item, dict):
        return not item and last not in _POINTERS
    if isinstance(item, list):
        # `groups` of a bootstrap token is a list, that of a user a text.
        return not item and (last in _NIL_WHEN_EMPTY or (last == "groups" and "bootstrapTokens" in path))
    return item == 0 and item is not False and last in _NUMBERS_WITH_ZERO_UNSET


def _differences(wanted: Any, current: Any, path: Path) -> Iterator[str]:
    # Where one side has nothing, the other's fields are named; an empty pointer has none to name.
    one = {} if wanted is None and current else wanted
    other = {} if current is None and wanted else current
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from _differences(one.get(key), other.get(key), (*path, key))
    elif wanted != current:
        yield ".".join(path)


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
