"""The objects of a generated world as a store that can be written to."""

from __future__ import annotations

import time
import uuid
from typing import Final

from replank.testbed.simulation.documents import Document, copied
from replank.testbed.simulation.objects import Objects, key_of
from replank.testbed.world import ApiServer

_SPACE: Final = uuid.UUID("5e000000-0000-4000-8000-000000000000")


def live_objects(api: ApiServer) -> Objects:
    """Copies of `api.objects`: the world stays as it was made. uid and resourceVersion, which the generator
    leaves out where nobody reads them, are always the same ones."""
    return Objects.of(api.version, [_identified(document) for document in api.objects], time.time)


def _identified(document: Document) -> Document:
    new: Document = copied(document)
    new["metadata"].setdefault("uid", str(uuid.uuid5(_SPACE, "/".join(key_of(document)))))
    new["metadata"].setdefault("resourceVersion", "4711")
    return new
