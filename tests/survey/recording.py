"""Every call of a takeover to the two API servers, as the rights that it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, cast

import pytest

from replank.ports.access import Access, Document, KubeApi, ObjectRef
from replank.ports.rights import Right
from replank.testbed.simulation.worlds import SimulatedWorld

Side = Literal["management", "workload"]


class Recorder:
    """A `KubeApi` that notes what an API server would ask its authorizer, before each call."""

    def __init__(self, inner: KubeApi, asked: set[Right]) -> None:
        self._inner = inner
        self._asked = asked

    def __getattr__(self, method: str) -> Callable[..., Any]:
        inner = getattr(self._inner, method)

        async def call(*arguments: Any, **options: Any) -> Any:
            if method in ("create", "apply"):
                await self._written(method, arguments[0])
            elif method == "list":
                version, kind, namespace = (*arguments, "")[:3]
                self._asked.add(Right(namespace=namespace, api_version=version, kind=kind, verb="list"))
            elif method in _VERBS:
                self._note(_VERBS[method], arguments[0])
            else:
                # Paths below /api and /apis, /readyz and SelfSubjectReview are open to every user.
                assert method in ("document", "ready", "whoami", "works_with"), method
            return await inner(*arguments, **options)

        return call

    async def _written(self, method: str, document: Document) -> None:
        """Server-side apply asks for `create` too where there is no such object."""
        ref = ObjectRef.of(document)
        if method == "apply":
            self._note("patch", ref)
        if method == "create" or await self._inner.get(ref) is None:
            self._note("create", replace(ref, name=""))

    def _note(self, verb: str, ref: ObjectRef) -> None:
        self._asked.add(
            Right(
                namespace=ref.namespace, api_version=ref.api_version, kind=ref.kind, verb=verb, name=ref.name
            )
        )


_VERBS = {"get": "get", "merge": "patch", "json_patch": "patch", "delete": "delete"}


def recorded(monkeypatch: pytest.MonkeyPatch) -> dict[Side, set[Right]]:
    """What simulations ask for from here on, by side."""
    asked: dict[Side, set[Right]] = {"management": set(), "workload": set()}
    plain = SimulatedWorld.access

    def access(world: SimulatedWorld, *, endpoint: str) -> Access:
        found = plain(world, endpoint=endpoint)
        recorders = {side: Recorder(getattr(found, side), asked[side]) for side in asked}
        return replace(
            found,
            management=cast("KubeApi", recorders["management"]),
            workload=cast("KubeApi", recorders["workload"]),
        )

    monkeypatch.setattr(SimulatedWorld, "access", access)
    return asked
