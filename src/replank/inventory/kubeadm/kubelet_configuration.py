"""kubeadm's shared KubeletConfiguration (ConfigMap kube-system/kubelet-config)."""

from __future__ import annotations

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.inventory.hosts.kubelet import SECRET_KEYS
from replank.inventory.kubeadm.document import read_mapping

_CODE = "RP084"


def parse_kubelet_configuration(text: str, *, where: str) -> dict[str, JSON]:
    """The document in `text` without the keys that may hold a credential.

    `where`: for messages. Raises `Refused` RP084.
    """
    what = "The kubelet's configuration"
    mapping = read_mapping(text, code=_CODE, what=what, where=where)
    if mapping.get("kind") != "KubeletConfiguration":
        raise Refused(
            _CODE,
            f"{what} cannot be read",
            "its kind is not KubeletConfiguration",
            "Look at the document; kubeadm keeps the kubelet's configuration there.",
            where=where,
        )
    return {key: value for key, value in sorted(mapping.items()) if not _is_secret(key, value)}


def _is_secret(key: str, value: JSON) -> bool:
    """`staticPodURL` is harmless unless it carries user and password."""
    return key in SECRET_KEYS or (key == "staticPodURL" and "@" in str(value))
