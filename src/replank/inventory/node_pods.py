"""The pods by which replank reaches nodes that have no SSH: where they live, and how they are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NAMESPACE: Final = "replank-nodes"
LABELS: Final[Mapping[str, str]] = {"app.kubernetes.io/managed-by": "replank"}


def is_node_pod(namespace: str, labels: Mapping[str, str] | None) -> bool:
    """Whether a pod is one of them. They end with the command that needs them, and are nobody's workload."""
    return namespace == NAMESPACE and LABELS.items() <= (labels or {}).items()
