"""Step `kubernetes.apply`: objects of the plan, by server-side apply without force, under the pause."""

from __future__ import annotations

from dataclasses import dataclass

from replank.domain.errors import Hold, Refused
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.control_plane_machines import require_control_plane_machines
from replank.migrations.takeover.steps.family import kind_in, live
from replank.migrations.takeover.steps.live_object import is_deleting, spec_of, uid_of
from replank.migrations.takeover.steps.namespace import delete_if_empty
from replank.migrations.takeover.steps.tree_removal import TreeRemoval

_NAMESPACE = "Namespace"
_BEFORE_THE_PAUSE = (_NAMESPACE, "Cluster")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyObjects:
    """Writes the step's objects; its undo removes them and all that came to be owned by them."""

    removal: TreeRemoval

    async def found(self, at: At) -> JSON:
        """`Kind/name` -> uid of the object that is there already, None where there is none."""
        uids: dict[str, JSON] = {}
        for name in at.step.objects:
            document = await live(at, name)
            uids[name] = None if document is None else uid_of(document)
        return {"uids": uids}

    async def apply(self, at: At) -> JSON:
        """Writes each object. Raises `Refused` where one stood there before (RP860), the Cluster is not
        paused (RP863) or a control plane is incomplete (RP868); `Hold` while an old one is going (RP861)."""
        await _require_pause(at)
        if any(kind_in(name) == "KubeadmControlPlane" for name in at.step.objects):
            # Safety does not rest on the plan's check alone: a KCP without Machines removes etcd members.
            await require_control_plane_machines(at)
        written: dict[str, JSON] = {}
        for name in at.step.objects:
            written[name] = await _write(at, name, there_before(at.before, name))
        return {"uids": written}

    async def undo(self, at: At) -> JSON:
        """Removes what this step made. Raises as `TreeRemoval.remove`."""
        made = [name for name in at.step.objects if there_before(at.before, name) is None]
        namespaces = [name for name in made if kind_in(name) == _NAMESPACE]
        removed: JSON = await self.removal.remove(at, [name for name in made if name not in namespaces])
        answer: dict[str, JSON] = {"removed": removed}
        for name in namespaces:
            answer["namespace"] = await delete_if_empty(at, name)
        return answer


def there_before(before: JSON, name: str) -> str | None:
    """The uid that `found` noted for an object."""
    uids = before.get("uids") if isinstance(before, dict) else None
    uid = uids.get(name) if isinstance(uids, dict) else None
    return uid if isinstance(uid, str) else None


async def _require_pause(at: At) -> None:
    """Whatever is written after the Cluster is written under its pause."""
    if all(kind_in(name) in _BEFORE_THE_PAUSE for name in at.step.objects):
        return
    cluster = await live(at, key("Cluster", at.plan.cluster))
    if cluster is not None and spec_of(cluster).get("paused") is True:
        return
    raise Refused(
        "RP863",
        f"{', '.join(at.step.objects)} cannot be written",
        f"Cluster {at.plan.namespace}/{at.plan.cluster} "
        + ("is not there" if cluster is None else "is not paused: controllers would act on half of it"),
        "Find out who changed it. Set spec.paused to true again and resume, or undo the run.",
    )


async def _write(at: At, name: str, before: str | None) -> str:
    document = await live(at, name)
    if document is not None and is_deleting(document):
        raise Hold(
            "RP861",
            f"{name} cannot be written yet",
            "an object of that name is still being deleted",
            "It goes by itself; if not, look at its finalizers.",
        )
    if document is not None and kind_in(name) == _NAMESPACE:
        # It stays as it was made; an apply would make replank a manager of somebody else's namespace.
        return uid_of(document)
    if before is not None:
        raise Refused(
            "RP860",
            f"{name} cannot be written",
            "an object of that name stood there before this run",
            "Find out whose it is. What an earlier run left goes by its undo, never by a plain delete.",
        )
    planned = at.plan.manifests[name]
    if not any(check.kind == "kubernetes.dry-run" for check in at.step.before):
        await at.access.management.apply(planned, dry_run=True)
    return uid_of(await at.access.management.apply(planned))
