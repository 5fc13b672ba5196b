"""Looks at a cluster that Cluster API has: both API servers, the project and the states. Only reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from replank.domain.errors import Refused, ReplankError
from replank.domain.unknown import Fact, Unknown
from replank.inventory.cluster_api.names import (
    BOOTSTRAP,
    CLUSTER_NAME,
    CONTROL_PLANE,
    CORE,
    INFRASTRUCTURE,
    SERVERS,
)
from replank.inventory.cluster_api.object_meta import key_of, part
from replank.inventory.cluster_api.would_roll import Replaced
from replank.inventory.facts.management import ManagementFacts
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.facts.terraform import StateFile
from replank.inventory.fleet.model import ClusterConfig
from replank.ports.access import Clock, Document, Judge, KubeApi
from replank.ports.readers import CloudReader, ManagementReader, StateReader
from replank.survey.look import look
from replank.survey.progress import Progress
from replank.verify.checks.guarded import LEASE
from replank.verify.rollout import wanted_template
from replank.verify.sight import Judged, Sight, name_of

_LABELLED: Final = {
    "KubeadmControlPlane": CONTROL_PLANE,
    "MachineDeployment": CORE,
    "MachineSet": CORE,
    "Machine": CORE,
    "KubeadmConfig": BOOTSTRAP,
    "OpenStackMachine": INFRASTRUCTURE,
}
"""Kinds that carry the cluster's name, and the version by which they are read."""
_NAMED: Final = {
    "OpenStackServer": SERVERS,
    "OpenStackCluster": INFRASTRUCTURE,
    "OpenStackMachineTemplate": INFRASTRUCTURE,
    "KubeadmConfigTemplate": BOOTSTRAP,
}
"""Kinds that need not carry it: of these what others call by name."""
_JUDGED: Final = (
    *("KubeadmControlPlane", "MachineDeployment", "MachineSet", "Machine", "KubeadmConfig"),
    "OpenStackMachine",
)
_PROVIDER: Final = "cluster-api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Systems:
    """What is looked at. `workload` None: fleet.yaml names no kubeconfig of it. `judge`: by the version of
    Cluster API that runs there (`v1.14.0`), "" = it could not be seen."""

    management: KubeApi
    workload: KubeApi | None
    cloud: CloudReader
    states: StateReader
    providers: ManagementReader
    judge: Callable[[str], Judge]
    clock: Clock


async def look_at_controlled(config: ClusterConfig, systems: Systems, progress: Progress) -> Sight:
    """All that a verification needs; what cannot be seen is `Unknown`.

    Raises what the management cluster raises where it does not answer, and `Refused` RP757 where it has no
    such Cluster: then there is nothing to verify.
    """
    cluster = await _cluster(config, systems.management)
    objects, nodes, leases, cloud, states, providers = await asyncio.gather(
        _Family(config, systems.management, cluster).read(),
        _nodes(config, systems.workload, progress),
        look(progress, config.name, "management leases", _leases(systems.management)),
        _cloud(config, systems.cloud, progress),
        look(progress, config.name, "state", _states(config, systems.states)),
        look(
            progress,
            config.name,
            "management providers",
            systems.providers.read(config.management, config.name),
        ),
    )
    found, unread = objects
    for kind, unknown in sorted(unread.items()):
        progress.started(config.name, f"management {kind}")
        progress.ended(config.name, f"management {kind}", f"{unknown.code} {unknown.unknown}")
    judging = _judged(found, unread, systems.judge(_version(providers)))
    return Sight(
        cluster=config.name,
        namespace=config.management.namespace,
        at=systems.clock.now(),
        objects=found,
        unread=unread,
        nodes=nodes,
        cloud=cloud,
        states=states,
        leases=leases,
        judged=await look(progress, config.name, "judge", judging),
        new_machines=config.new_machines,
        new_control_planes=config.new_control_planes,
    )


async def _cluster(config: ClusterConfig, management: KubeApi) -> Document:
    namespace = config.management.namespace
    there = await management.list(CORE, "Cluster", namespace)
    found = next((cluster for cluster in there if name_of(cluster) == config.name), None)
    if found is None:
        raise Refused(
            "RP757",
            f"Cluster {config.name} cannot be verified",
            f"the management cluster has no Cluster {namespace}/{config.name}",
            "If it was not taken over yet, survey and plan first; else correct `management` in fleet.yaml.",
        )
    return found


class _Family:
    """The cluster's objects on the management cluster. Only lists: who may do no more can verify, too."""

    def __init__(self, config: ClusterConfig, management: KubeApi, cluster: Document) -> None:
        self._name, self._namespace = config.name, config.management.namespace
        self._api = management
        self._objects: dict[str, Document] = {key_of(cluster): cluster}
        self._unread: dict[str, Unknown] = {}
        self._cluster = cluster

    async def read(self) -> tuple[dict[str, Document], dict[str, Unknown]]:
        """`Kind/name` -> object, and the kinds that could not be read."""
        own = {CLUSTER_NAME: self._name}
        await asyncio.gather(*(self._list(kind, version, own) for kind, version in _LABELLED.items()))
        names = self._named()
        await asyncio.gather(
            *(self._list(kind, version, None, names[kind]) for kind, version in _NAMED.items())
        )
        return dict(sorted(self._objects.items())), self._unread

    def _of(self, *kinds: str) -> list[Document]:
        return [document for document in self._objects.values() if document["kind"] in kinds]

    async def _list(
        self, kind: str, version: str, labels: Mapping[str, str] | None, names: Collection[str] | None = None
    ) -> None:
        """Those with the labels, or with one of the names."""
        if names is not None and not names:
            return
        try:
            found = await self._api.list(version, kind, self._namespace, labels)
        except ReplankError as error:
            self._unread[kind] = Unknown(error.reason, error.code)
            return
        kept = [document for document in found if names is None or name_of(document) in names]
        self._objects.update({key_of(document): document for document in kept})

    def _named(self) -> dict[str, set[str]]:
        """Kind -> names by which others call one of it.

        CAPO calls the OpenStackServer as its OpenStackMachine, and copies the cluster's label to it only
        where the OpenStackCluster has it (v0.14.7, getOrCreateMachineServer).
        """
        references = [part(self._cluster, "spec", "infrastructureRef")]
        for keeper in self._of("KubeadmControlPlane", "MachineDeployment"):
            template = wanted_template(keeper)
            references += [part(template, "infrastructureRef"), part(template, "bootstrap", "configRef")]
        names: dict[str, set[str]] = {kind: set() for kind in _NAMED}
        names["OpenStackServer"] = {name_of(machine) for machine in self._of("OpenStackMachine")}
        for reference in references:
            if reference.get("kind") in names:
                names[reference["kind"]].add(str(reference.get("name")))
        return names


async def _nodes(
    config: ClusterConfig, workload: KubeApi | None, progress: Progress
) -> Fact[tuple[Document, ...]]:
    if workload is None:
        return Unknown("fleet.yaml names no kubeconfig for this cluster")
    return await look(progress, config.name, "kubernetes", workload.list("v1", "Node"))


async def _leases(management: KubeApi) -> tuple[Document, ...]:
    """The operator's, in whatever namespace it runs."""
    found = await management.list("coordination.k8s.io/v1", "Lease")
    return tuple(lease for lease in found if name_of(lease) == LEASE)


async def _cloud(config: ClusterConfig, reader: CloudReader, progress: Progress) -> Fact[OpenStackFacts]:
    if config.cloud is None:
        return Unknown("fleet.yaml names no cloud for this cluster")
    return await look(progress, config.name, "openstack", reader.read(config.cloud))


async def _states(config: ClusterConfig, reader: StateReader) -> tuple[StateFile, ...]:
    """Whole, whatever `only` says: a server that another part of the state holds is held all the same."""
    read: Iterable[Awaitable[tuple[StateFile, ...]]] = (reader.read(source) for source in config.state)
    return tuple(state for states in await asyncio.gather(*read) for state in states)


def _version(providers: Fact[ManagementFacts]) -> str:
    """Of Cluster API, "" where it cannot be told."""
    installed = providers if isinstance(providers, Unknown) else providers.providers
    if isinstance(installed, Unknown):
        return ""
    return next((provider.version for provider in installed if provider.name == _PROVIDER), "")


async def _judged(objects: Mapping[str, Document], unread: Mapping[str, Unknown], judge: Judge) -> Judged:
    """Upstream takes what is missing for equal, so nobody is asked about half of the objects."""
    if blind := [kind for kind in _JUDGED if kind in unread]:
        raise Refused(
            "RP758",
            "What would be replaced cannot be said",
            f"{', '.join(blind)} could not be read",
            "Mend what the messages above name, and verify again.",
        )
    asked = {key: document for key, document in objects.items() if document["kind"] in _JUDGED}
    judgement = await judge.judge(asked)
    return Judged(judgement.by, tuple(Replaced(each.object, each.why) for each in judgement.rolling))
