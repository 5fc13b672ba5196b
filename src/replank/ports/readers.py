"""Readers: the read-only side of every system that a survey looks at."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from replank.inventory.cluster_api.controlled import ClusterApiFacts
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.facts.kubernetes import KubernetesFacts
from replank.inventory.facts.management import ManagementFacts
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.facts.terraform import StateFile
from replank.inventory.fleet.model import (
    CloudRef,
    ClusterConfig,
    KubeconfigRef,
    ManagementTarget,
    SshAccess,
    StateSource,
)
from replank.inventory.runtime.cluster_facts import ClusterRuntimeFacts
from replank.inventory.runtime.facts import NodeRuntime


class StateReader(Protocol):
    """Reads Terraform/OpenTofu states. Never writes, never locks."""

    async def read(self, source: StateSource) -> tuple[StateFile, ...]:
        """All states of `source` (a folder may hold several), not yet filtered by `only`."""
        ...


class CloudReader(Protocol):
    """Reads one OpenStack project."""

    async def read(self, cloud: CloudRef) -> OpenStackFacts:
        """The whole project; a listing that failed is an `Unknown` in its field.

        Raises only if nothing at all could be seen (no such cloud, no authentication).
        """
        ...


class ClusterReader(Protocol):
    """Reads one workload cluster through its API."""

    async def read(self, kubeconfig: KubeconfigRef) -> KubernetesFacts:
        """All facts; what could not be read is an `Unknown` in its field. Raises if nothing could be seen."""
        ...


class ManagementReader(Protocol):
    """Reads the management cluster."""

    async def read(self, target: ManagementTarget, cluster: str) -> ManagementFacts:
        """Providers, served kinds, and what already exists in the target namespace for `cluster`."""
        ...


class HostReader(Protocol):
    """Reads one machine over SSH."""

    async def read(self, server: str, address: str, access: SshAccess, certificates_dir: str) -> HostFacts:
        """Facts of the machine at `address`; what could not be read is an `Unknown` in its field.

        `server`: name for messages. `certificates_dir`: kubeadm's, usually /etc/kubernetes/pki.
        Raises if no session could be had.
        """
        ...


class NodeReader(Protocol):
    """Reads the container runtimes of one cluster's nodes."""

    async def read(self, node: str, address: str) -> NodeRuntime:
        """Facts of the Node `node` at `address`; what could not be read is an `Unknown` in its field.

        Raises if no session could be had.
        """
        ...


class RuntimeReader(Protocol):
    """Reaches the nodes of a cluster as fleet.yaml says: over SSH, or by a short-lived pod on each."""

    def reaching(self, config: ClusterConfig) -> AbstractAsyncContextManager[NodeReader | None]:
        """What was made to reach them is removed when it is left. None: fleet.yaml names no way."""
        ...


class RuntimeUseReader(Protocol):
    """Reads, through a cluster's API, what hangs on the nodes' runtime."""

    async def read(self, kubeconfig: KubeconfigRef) -> ClusterRuntimeFacts:
        """What could not be read is an `Unknown` in its field. Raises if nothing could be seen."""
        ...


class ClusterApiReader(Protocol):
    """Reads, on the management cluster, the objects of a cluster that Cluster API has."""

    async def read(self, target: ManagementTarget, cluster: str, version: str) -> ClusterApiFacts | None:
        """None where there is no such Cluster. `version`: of Cluster API there, as it was seen.

        Raises if a kind could not be read: a part would look like the whole.
        """
        ...
