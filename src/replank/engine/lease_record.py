"""A coordination.k8s.io/v1 Lease as a record, and its writing: compare and set, past the fence it feeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from replank.ports.access import Conflict, Document, KubeApi, ObjectRef

API: Final = "coordination.k8s.io/v1"

_OWN_WRITE: ContextVar[bool] = ContextVar("own_write", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """Every field with a value; a Lease may lack any of them. `holder` "": nobody's. `acquired`, `renewed`:
    MicroTime. `duration_s`: silence after which it is free."""

    holder: str
    duration_s: int
    acquired: str
    renewed: str
    transitions: int

    @classmethod
    def of(cls, found: Document | None, *, duration_s: int) -> LeaseRecord:
        """`duration_s`: where the Lease does not say."""
        spec = (found or {}).get("spec") or {}
        return cls(
            holder=spec.get("holderIdentity") or "",
            duration_s=spec.get("leaseDurationSeconds") or duration_s,
            acquired=spec.get("acquireTime") or micro_time(0),
            renewed=spec.get("renewTime") or micro_time(0),
            transitions=spec.get("leaseTransitions") or 0,
        )


@dataclass(frozen=True, slots=True)
class LeaseObject:
    """One Lease of one API server. `duration_s`: written with every renewal."""

    api: KubeApi
    ref: ObjectRef
    duration_s: int

    @classmethod
    def named(cls, api: KubeApi, namespace: str, name: str, duration_s: int) -> LeaseObject:
        """The Lease of that name."""
        return cls(api, ObjectRef(API, "Lease", namespace, name), duration_s)

    async def get(self) -> Document | None:
        """As it is now, None where there is none."""
        return await self.api.get(self.ref)

    def record(self, found: Document | None) -> LeaseRecord:
        """What it says."""
        return LeaseRecord.of(found, duration_s=self.duration_s)

    async def write(self, found: Document | None, identity: str, now: float) -> bool:
        """Whether it is `identity`'s now, renewed at `now`. False where somebody came in between `found` and
        this."""
        old = self.record(found)
        mine = old.holder == identity
        return await self._write(
            found,
            {
                "holderIdentity": identity,
                "leaseDurationSeconds": self.duration_s,
                "acquireTime": old.acquired if mine else micro_time(now),
                "renewTime": micro_time(now),
                "leaseTransitions": old.transitions + (0 if mine or found is None else 1),
            },
        )

    async def give_back(self, found: Document, now: float) -> bool:
        """Leaves it there as nobody's, for one second, as client-go does (leaderelection.go, release)."""
        spec = {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": micro_time(now)}
        return await self._write(found, spec)

    async def delete(self, found: Document) -> None:
        """Takes exactly that one away."""
        meta = found["metadata"]
        with _own_write():
            await self.api.delete(self.ref, uid=meta["uid"], resource_version=meta["resourceVersion"])

    async def _write(self, found: Document | None, spec: dict[str, Any]) -> bool:
        try:
            with _own_write():
                if found is None:
                    await self.api.create(self._document(spec))
                else:
                    version = found["metadata"]["resourceVersion"]
                    await self.api.merge(self.ref, {"spec": spec}, resource_version=version)
        except Conflict:
            return False
        return True

    def _document(self, spec: dict[str, Any]) -> Document:
        return {
            "apiVersion": self.ref.api_version,
            "kind": self.ref.kind,
            "metadata": {"namespace": self.ref.namespace, "name": self.ref.name},
            "spec": spec,
        }


def is_own_write() -> bool:
    """Whether a fence is asked about a write of the lease itself."""
    return _OWN_WRITE.get()


def micro_time(seconds: float) -> str:
    """Kubernetes' MicroTime: RFC 3339 with six digits."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds_of(time: str) -> float:
    """Since 1970."""
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


@contextmanager
def _own_write() -> Iterator[None]:
    """The lease's own writes pass its fence: else one that ran dry could never be renewed."""
    token = _OWN_WRITE.set(True)
    try:
        yield
    finally:
        _OWN_WRITE.reset(token)
