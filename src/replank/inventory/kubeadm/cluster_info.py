"""ConfigMap kube-public/cluster-info: what a joining machine is told about the cluster.

Source: kubernetes cmd/kubeadm/app/phases/bootstraptoken/clusterinfo/clusterinfo.go (the ConfigMap) and
pkg/controller/bootstrap/bootstrapsigner.go (the signatures, one a token).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.kubernetes import ClusterInfo
from replank.inventory.hosts.certificates import parse_certificates
from replank.inventory.kubeadm.document import read_mapping

_CODE: Final = "RP083"
SIGNATURE: Final = "jws-kubeconfig-"


def parse_cluster_info(data: Mapping[str, str], *, where: str) -> ClusterInfo:
    """The facts in the ConfigMap's `data`. Raises `Refused` RP083.

    `signed` is false where no bootstrap token exists just now: nothing to sign with is not an error.
    """
    text = data.get("kubeconfig")
    if text is None:
        raise _damaged("it has no key `kubeconfig`", where)
    document = read_mapping(text, code=_CODE, what="ConfigMap cluster-info", where=where)
    clusters = document.get("clusters")
    first = clusters[0] if isinstance(clusters, list) and clusters else None
    cluster = first.get("cluster") if isinstance(first, dict) else None
    if not isinstance(cluster, dict):
        raise _damaged("its kubeconfig names no cluster", where)
    server = cluster.get("server")
    if not isinstance(server, str):
        raise _damaged("its kubeconfig names no server", where)
    return ClusterInfo(
        server=server,
        ca_sha256=_fingerprint(cluster.get("certificate-authority-data"), where),
        signed=any(key.startswith(SIGNATURE) for key in data),
    )


def _fingerprint(data: JSON, where: str) -> str:
    if not isinstance(data, str):
        raise _damaged("its kubeconfig holds no CA certificate", where)
    try:
        found = parse_certificates(base64.b64decode(data, validate=True).decode("ascii"), path=where)
    except (binascii.Error, ValueError, Refused) as error:
        raise _damaged("its CA certificate cannot be read", where) from error
    if not found:
        raise _damaged("its CA certificate is not in PEM form", where)
    return found[0].sha256


def _damaged(why: str, where: str) -> Refused:
    todo = "Write it anew with `kubeadm init phase bootstrap-token`; no machine can join without it."
    return Refused(_CODE, "ConfigMap cluster-info cannot be read", why, todo, where=where)
