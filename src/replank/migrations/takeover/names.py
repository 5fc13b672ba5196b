"""What the objects of one takeover are called."""

from __future__ import annotations

from dataclasses import dataclass

from replank.migrations.takeover.naming import is_dns_label
from replank.migrations.takeover.notes import Notes
from replank.migrations.takeover.vocabulary import ADOPTED
from replank.plan.slug import LABEL_LIMIT, limited


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names of the objects of which there is one a cluster. Secrets' names are Cluster API's own rule."""

    namespace: str
    cluster: str

    @property
    def control_plane(self) -> str:
        """The KubeadmControlPlane."""
        return limited(f"{self.cluster}-control-plane")

    @property
    def control_plane_template(self) -> str:
        """The control plane's OpenStackMachineTemplate."""
        return limited(f"{self.cluster}-control-plane-{ADOPTED}")

    @property
    def files(self) -> str:
        """The Secret with the files that new control planes get."""
        return limited(f"{self.cluster}-control-plane-files")

    def secret(self, purpose: str) -> str:
        """`<cluster>-<purpose>` (cluster-api util/secret/consts.go)."""
        return f"{self.cluster}-{purpose}"

    def cluster_key(self) -> str:
        """The cluster as people write it: `namespace/name`."""
        return f"{self.namespace}/{self.cluster}"


def names_of(cluster: str, namespace: str, notes: Notes) -> Names:
    """The names; notes say where the cluster or the namespace cannot be called so."""
    for what, name in (("cluster", cluster), ("namespace", namespace)):
        if not is_dns_label(name):
            notes.bad_name(
                f"{what} {name}",
                f"it must be a DNS-1123 label of at most {LABEL_LIMIT} characters: it becomes a label value "
                "and a part of other names",
                f"Choose another name for the {what} in fleet.yaml.",
            )
    return Names(namespace=namespace, cluster=cluster)


def machine_set(deployment: str) -> str:
    """The MachineSet that holds a deployment's adopted machines."""
    return limited(f"{deployment}-{ADOPTED}")
