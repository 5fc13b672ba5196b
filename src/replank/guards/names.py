"""Names that the operator reads and writes: its own, and Cluster API's.

Source of Cluster API's: cluster-api v1.14.0, api/core/v1beta2 (machine_types.go, common_types.go) and
api/controlplane/kubeadm/v1beta2.
"""

from __future__ import annotations

from typing import Final

from replank.inventory.cluster_api import names

GROUP: Final = "replank.dev"
GUARD_API: Final = f"{GROUP}/v1alpha1"
GUARD_KIND: Final = "ClusterGuard"

PRE_DRAIN: Final = names.PRE_DRAIN
PRE_TERMINATE: Final = names.PRE_TERMINATE

GOING_TAINT: Final = f"{GROUP}/going"
"""Key of the taint (NoSchedule) on nodes that are about to go."""

CONDITION: Final = f"{GROUP}/Guard"
"""Type of the condition on a Machine that says what a hook waits for."""

SURGE: Final = f"{GROUP}/surge"
"""Annotation of a Deployment whose owner allows one replica more while its only pod moves: `allowed`."""
SURGED: Final = f"{GROUP}/surged-from"
"""Label that replank sets with the replica more: the number to go back to. A label, so that such Deployments
can be found when nothing moves any more."""

MEMBER_TAG: Final = "replank"
"""Tag of load balancer members that the operator added."""

WAITING_FOR_PRE_DRAIN: Final = "WaitingForPreDrainHook"
WAITING_FOR_PRE_TERMINATE: Final = "WaitingForPreTerminateHook"
"""Reasons of a Machine's condition Deleting (v1beta2)."""
