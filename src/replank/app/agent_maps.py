"""ConfigMaps of log agents on a live cluster: read whole, written key by key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from replank.domain.errors import Refused
from replank.inventory.fleet.model import ClusterConfig, KubeconfigRef
from replank.inventory.kept_by import kept_by
from replank.inventory.log_agents.workload import AgentWorkload, sources
from replank.migrations.runtime_swap.log_agents.changes import LiveMap
from replank.ports.access import Conflict, Document, KubeApi, ObjectRef

_FORBIDDEN: Final = "RP900"


@asynccontextmanager
async def workload_api(config: ClusterConfig, *, writes: bool = False) -> AsyncIterator[KubeApi]:
    """The cluster's API. Raises `Refused` RP857 where fleet.yaml names no kubeconfig, and what the API raises
    (RP050 to RP059, RP900 to RP906)."""
    from replank.transports.kubernetes.api import KubernetesApi

    fence: Callable[[], None] = _writes if writes else _no_writes
    async with KubernetesApi(kubeconfig(config), fence=fence) as api:
        yield api


def kubeconfig(config: ClusterConfig) -> KubeconfigRef:
    """Raises `Refused` RP857 where fleet.yaml names none."""
    if config.kubeconfig is None:
        what = f"Cluster {config.name} cannot be worked on"
        raise Refused("RP857", what, "fleet.yaml does not name kubeconfig", "Complete it.")
    return config.kubeconfig


async def mounted_maps(api: KubeApi, workloads: Iterable[AgentWorkload]) -> list[LiveMap]:
    """The ConfigMaps that agents mount. Of one that is missing or may not be read the agents stay unread."""
    wanted = {
        (workload.namespace, source.name)
        for workload in workloads
        for source in sources(workload)
        if source.kind == "ConfigMap"
    }
    found = []
    for namespace, name in sorted(wanted):
        try:
            document = await api.get(_ref(namespace, name))
        except Refused as error:
            if error.code != _FORBIDDEN:
                raise
            continue
        if document is not None:
            found.append(_read(document))
    return found


async def live_map(api: KubeApi, namespace: str, name: str) -> LiveMap | None:
    """The ConfigMap, None where there is none."""
    document = await api.get(_ref(namespace, name))
    return None if document is None else _read(document)


async def write_map(api: KubeApi, live: LiveMap, texts: Mapping[str, str]) -> None:
    """One patch of exactly these keys, of exactly this version.

    Raises `Refused` RP962 (it changed meanwhile), RP900 (no right), RP969 (refused for its content).
    """
    name = f"ConfigMap {live.namespace}/{live.name}"
    patch: dict[str, Any] = {"data": dict(texts)}
    try:
        await api.merge(_ref(live.namespace, live.name), patch, resource_version=live.version)
    except Conflict as error:
        raise changed_meanwhile(name, "It was not written. Look at it again.") from error
    except Refused as error:
        if error.code == _FORBIDDEN:
            todo = "Grant what `replank permissions remedy` prints."
            raise Refused(error.code, error.what, error.why, todo, where=error.where) from error
        # The server's words, or a webhook's, may quote the text, and with it a secret.
        why = (
            f"the API server refused it ({error.code}); its words are not shown, for they may quote the text"
        )
        todo = "Ask whoever keeps the cluster's admission rules, or change it by hand."
        raise Refused("RP969", f"{name} cannot be written", why, todo, where=error.where) from None


def changed_meanwhile(what: str, todo: str) -> Refused:
    """RP962."""
    return Refused("RP962", f"{what} changed meanwhile", "it is not what was shown any more", todo)


def _read(document: Document) -> LiveMap:
    about = document["metadata"]
    return LiveMap(
        namespace=about["namespace"],
        name=about["name"],
        uid=about["uid"],
        version=about["resourceVersion"],
        texts=document.get("data") or {},
        immutable=document.get("immutable") is True,
        kept_by=kept_by(about),
    )


def _ref(namespace: str, name: str) -> ObjectRef:
    return ObjectRef("v1", "ConfigMap", namespace, name)


def _no_writes() -> None:
    raise AssertionError("a look at log agents only reads")


def _writes() -> None:
    """Who is fenced here is the ConfigMap: each patch is of the version that was read."""
