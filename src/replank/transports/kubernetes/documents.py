"""The three ConfigMaps of kubeadm that replank reads: kubeadm-config, kubelet-config and cluster-info."""

from __future__ import annotations

import re
from collections.abc import Mapping

from replank.domain.errors import Refused
from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.kubernetes import ClusterConfiguration, ClusterInfo
from replank.inventory.kubeadm.cluster_configuration import parse_cluster_configuration
from replank.inventory.kubeadm.cluster_info import parse_cluster_info
from replank.inventory.kubeadm.kubelet_configuration import parse_kubelet_configuration
from replank.transports.kubernetes.errors import NotFound
from replank.transports.kubernetes.resources import ConfigMap
from replank.transports.kubernetes.session import ApiSession


async def read_kubeadm_config(api: ApiSession) -> ClusterConfiguration | None:
    """ConfigMap kube-system/kubeadm-config, None where there is none."""
    where = "kube-system/kubeadm-config"
    found = await _config_map(api, where)
    if found is None:
        return None
    return parse_cluster_configuration(_key(found, "ClusterConfiguration", where, "RP080"), where=where)


async def read_cluster_info(api: ApiSession) -> ClusterInfo | None:
    """ConfigMap kube-public/cluster-info, None where there is none."""
    where = "kube-public/cluster-info"
    found = await _config_map(api, where)
    return None if found is None else parse_cluster_info(found, where=where)


async def read_kubelet_config(api: ApiSession, version: Fact[str]) -> tuple[str, dict[str, JSON] | None]:
    """Name and content of the ConfigMap with the kubelet's configuration; ("", None) where there is none.

    `version`: the API server's. It is `kubelet-config-1.X` before 1.24, and may have stayed so
    (kubeadm's feature gate UnversionedKubeletConfigMap, GA in 1.25).
    """
    names = ["kubelet-config"]
    if match := re.match(r"v1\.(\d+)\.", "" if isinstance(version, Unknown) else version):
        names.append(f"kubelet-config-1.{match[1]}")
    for name in names:
        where = f"kube-system/{name}"
        found = await _config_map(api, where)
        if found is not None:
            return name, parse_kubelet_configuration(_key(found, "kubelet", where, "RP084"), where=where)
    return "", None


async def _config_map(api: ApiSession, where: str) -> dict[str, str] | None:
    namespace, _, name = where.partition("/")
    try:
        return (await api.get(ConfigMap, name, namespace=namespace)).data or {}
    except NotFound:
        return None


def _key(data: Mapping[str, str], key: str, where: str, code: str) -> str:
    if key not in data:
        raise Refused(
            code,
            f"ConfigMap {where} cannot be read",
            f"it has no key {key!r}",
            "Write it anew with `kubeadm init phase upload-config all`.",
            where=where,
        )
    return data[key]
