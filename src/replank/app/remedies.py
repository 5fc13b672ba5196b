"""Log agents' remedies on a live cluster: looked for and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from replank.app.agent_maps import changed_meanwhile, kubeconfig, mounted_maps, workload_api, write_map
from replank.app.remedy_records import write_record
from replank.domain.errors import ReplankError
from replank.inventory.fleet.model import ClusterConfig
from replank.migrations.runtime_swap.log_agents.changes import ClusterRemedies, MapChange, cluster_remedies


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """`maps`: as `namespace/name`. `error`: what stopped the rest, None = nothing did."""

    maps: tuple[str, ...]
    record: Path
    error: ReplankError | None = None


async def look(config: ClusterConfig) -> ClusterRemedies:
    """The remedies of a cluster as it is now; nothing is written.

    Raises `Refused` RP857 (fleet.yaml names no kubeconfig), RP968 (a listing failed), and what the cluster's
    API raises (RP050 to RP059, RP900 to RP906).
    """
    from replank.transports.kubernetes.runtime.agent_reader import agent_workloads

    workloads = await agent_workloads(kubeconfig(config))
    async with workload_api(config) as api:
        return cluster_remedies(workloads, await mounted_maps(api, workloads))


async def write(
    config: ClusterConfig, shown: ClusterRemedies, *, managed: bool, fleet: Path, now: datetime
) -> Written:
    """Writes the changes that were shown, after another look. `managed`: those that others keep, too.

    Raises `Refused` RP962 where they are not the same ones any more: then nothing is written.
    """
    anew = await look(config)
    if _wanted(anew) != _wanted(shown):
        raise changed_meanwhile("The cluster's log agents", "Nothing was written. Look at it again.")
    changes = to_be_written(anew, managed=managed)
    record = write_record(fleet, config.name, changes, now)
    done: list[str] = []
    async with workload_api(config, writes=True) as api:
        for change in changes:
            try:
                await write_map(api, change.live, {edit.key: edit.after for edit in change.edits})
            except ReplankError as error:
                return Written(maps=tuple(done), record=record, error=error)
            done.append(f"{change.live.namespace}/{change.live.name}")
    return Written(maps=tuple(done), record=record)


def to_be_written(found: ClusterRemedies, *, managed: bool) -> tuple[MapChange, ...]:
    """The changes that nothing hinders."""
    return tuple(change for change in found.changes if change.may_be_written(managed=managed))


def _wanted(found: ClusterRemedies) -> Sequence[tuple[Any, ...]]:
    return [
        (change.live.namespace, change.live.name, change.live.uid, change.edits, change.hindrances)
        for change in found.changes
    ]
