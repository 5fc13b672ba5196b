"""The port `StatusApi` on an API server in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replank.domain.errors import Refused
from replank.ports.access import Conflict, ObjectRef
from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.kube import SimulatedKube, key
from replank.testbed.simulation.objects import Changed, Objects
from replank.testbed.simulation.status_apply import status_applied
from replank.testbed.world import ApiServer

_MANAGER = "replank-guard"


class TellingKube(SimulatedKube):
    """The same API server, where conditions can be told."""

    def __init__(self, objects: Objects) -> None:
        super().__init__(objects, ApiServer("v1.34.4", "", "", ""))
        self._store = objects

    async def apply_status(self, document: Mapping[str, Any]) -> Document:
        """See the port. Another uid is a conflict, as it is for the real one."""
        ref = ObjectRef.of(document)
        live = self._store.at(key(ref))
        if live is None:
            raise Refused("RP000", f"{ref.kind} {ref.name}", "there is no such object", "Look again.")
        if document["metadata"].get("uid", live["metadata"]["uid"]) != live["metadata"]["uid"]:
            raise Conflict("RP000", f"{ref.kind} {ref.name}", "it is another one by now", "Look again.")
        had = self._store.managers.get(live["metadata"]["uid"], ())
        new, managers = status_applied(live, document, had, _MANAGER, force=True)
        try:
            written = self._store.put(new, _MANAGER, managers=managers)
        except Changed as error:
            raise Conflict("RP000", "Somebody else wrote", str(error), "Look again.") from error
        return self._store.shown(written)
