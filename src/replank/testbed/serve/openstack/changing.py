"""A request that changes something, and the change of a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from replank.testbed.serve.openstack.services import Answer, Call, error
from replank.testbed.world import Document


@dataclass(frozen=True, slots=True)
class Write:
    """A request that changes something. `roles`: of the token."""

    call: Call
    method: str
    body: Document
    roles: Sequence[str]


def documents(given: Write, service: str, collection: str) -> list[Document]:
    """The world's own list, to be changed in place."""
    project = given.call.project
    return project.collections[service].setdefault(collection, []) if project is not None else []


def changed(document: Document | None, values: object, changeable: frozenset[str], key: str) -> Answer:
    """Takes `values` over into `document`, if they are all `changeable`."""
    if document is None:
        return error(404, f"{key} could not be found")
    if not isinstance(values, dict):
        return error(400, f"there is no {key} in the body")
    if unknown := sorted(set(values) - changeable):
        return error(400, f"Invalid input for {', '.join(unknown)}")
    document.update(values)
    return Answer(200, {key: {k: v for k, v in document.items() if k != "members_full"}}, {})
