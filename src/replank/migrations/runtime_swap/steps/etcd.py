"""An etcd snapshot before a control plane's runtime is touched."""

from __future__ import annotations

from replank.inventory.facts.json_value import JSON
from replank.migrations.runtime_swap.steps.at import At, node_of
from replank.plan.parameters import number
from replank.ports.access import EtcdSnapshot


class EtcdSnapshotStep:
    """`runtime.etcd-snapshot`: one is taken on the node unless the newest is young enough. Undo keeps it."""

    async def found(self, at: At) -> JSON:
        newest = await at.access.hosts.newest_snapshot()
        return None if newest is None else _told(newest)

    async def apply(self, at: At) -> JSON:
        newest = await at.access.hosts.newest_snapshot()
        limit_s = 60 * number(at.step.params, "max_age_minutes")
        if newest is not None and at.access.clock.now() - newest.taken_at <= limit_s:
            return {"taken": False, **_told(newest)}
        return {"taken": True, **_told(await at.access.hosts.etcd_snapshot(node_of(at).node))}

    async def undo(self, at: At) -> JSON:
        newest = await at.access.hosts.newest_snapshot()
        return {"kept": newest.path if newest is not None else ""}


def _told(snapshot: EtcdSnapshot) -> dict[str, JSON]:
    return {
        "path": snapshot.path,
        "sha256": snapshot.sha256,
        "bytes": snapshot.bytes,
        "taken_at": snapshot.taken_at,
    }
