"""One call to one service: a document or none, a write with its receipt. Imported only inside functions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from openstack.exceptions import NotFoundException, raise_from_response
from openstack.proxy import Proxy
from openstack.utils import maximum_supported_microversion

from replank.domain.errors import ReplankError, Transient
from replank.transports.openstack.connect import OpenProject
from replank.transports.openstack.documents import Unreadable, by_id, list_all
from replank.transports.openstack.errors import LISTING_ERRORS, translated
from replank.transports.openstack.refusals import refused_write

LOCKED_REASON = "2.73"
"""Nova's first microversion whose lock takes a reason (api_version_history.rst)."""

AGAIN = "It is tried again."
# An answer that was lost: the write may have been done.
_WIRE_ERRORS = frozenset({"RP046", "RP047"})


@dataclass(slots=True)
class Services:
    """An open project and its services' clients, each discovered once. Threads may share it."""

    project: OpenProject
    _clients: dict[str, Proxy] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service_type: str) -> Proxy:
        """The client. Raises what `OpenProject.service` raises."""
        with self._lock:
            if service_type not in self._clients:
                client = self.project.service(service_type)
                if service_type == "compute":
                    client.default_microversion = maximum_supported_microversion(client, LOCKED_REASON)
                self._clients[service_type] = client
            return self._clients[service_type]


@dataclass(slots=True)
class Call:
    """What one method of the port does in a thread. `receipts`: of its writes, in order."""

    services: Services
    what: str
    receipts: list[str] = field(default_factory=list)

    def read(self, service_type: str, path: str, key: str) -> dict[str, Any] | None:
        """The document under `key`, None where the service says that there is none.

        Raises the SDK's exceptions and `Unreadable`: a 404 that the service itself did not write (a proxy's
        page) is no answer.
        """
        response = self.services.client(service_type).request(
            path, "GET", headers={"Accept": "application/json"}, skip_cache=True
        )
        if response.status_code == 404:
            _json_object(response)
            return None
        raise_from_response(response)
        document = _json_object(response).get(key)
        if not isinstance(document, dict):
            raise Unreadable(f"it has no {key}")
        return document

    def parts(
        self,
        service_type: str,
        owner: tuple[str, str],
        collection: str,
        key: str,
        *,
        microversion: str | None = None,
    ) -> list[dict[str, Any]] | None:
        """What an owner has in `collection`, under `key` of the answer; None where there is no such owner.

        `owner`: its path and key. Raises what `read` raises: a 404 for the collection of an owner who is
        there is no answer either.
        """
        client, (path, name) = self.services.client(service_type), owner
        try:
            found = list_all(client, f"{path}/{collection}", key, microversion=microversion)
        except NotFoundException:
            if self.read(service_type, path, name) is None:
                return None
            raise
        return [dict(document) for document in found]

    def write(
        self,
        service_type: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        note: str = "",
        quote: bool = True,
        fine: frozenset[int] = frozenset(),
        refuse: Callable[[requests.Response], ReplankError | None] = lambda _: None,
    ) -> dict[str, Any]:
        """One write; the answer's JSON object, {} where it has none.

        `note`: for the receipt. `quote`: see `refused_write`. `fine`: statuses from 400 on that are no error.
        `refuse`: what an answer means here, None where it means nothing particular.
        Raises `ReplankError` RP920 to RP925, and what the fence raises.
        """
        more: dict[str, Any] = {} if body is None else {"json": body}
        client = self.services.client(service_type)
        try:
            response = client.request(path, method, headers={"Accept": "application/json"}, **more)
        except LISTING_ERRORS as error:
            raise _lost(error, self.what) from error
        self.receipts.append(receipt_of(method, path, response, note))
        if response.status_code >= 400 and response.status_code not in fine:
            raise refuse(response) or refused_write(response, self.what, quote=quote)
        return _json_object(response) if response.content and response.status_code < 400 else {}


def ports_of(call: Call, network_id: str) -> tuple[dict[str, Any], ...]:
    """Sorted by ID. `network_id` "" = all that the project sees."""
    network = {"network_id": network_id} if network_id else {}
    scope = {**call.services.project.port_scope, **network}
    return by_id(list_all(call.services.client("network"), "/ports", "ports", params=scope))


def receipt_of(method: str, path: str, response: requests.Response, note: str = "") -> str:
    """`PUT /ports/… 200 req-…`, so that a write can be found in the service's log."""
    headers = response.headers
    request_id = headers.get("x-openstack-request-id") or headers.get("x-compute-request-id") or "no-id"
    words = (method, path, str(response.status_code), request_id, f"({note})" if note else "")
    return " ".join(word for word in words if word)


def _lost(error: BaseException, what: str) -> ReplankError:
    found = translated(error, what, later=AGAIN)
    if found.code not in _WIRE_ERRORS:
        return found
    return Transient(
        "RP925",
        what,
        f"{found.why}: it may have been done all the same",
        "It is looked at again before it is tried again.",
    )


def _json_object(response: requests.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError as error:
        raise Unreadable("it is not JSON") from error
    if not isinstance(document, dict):
        raise Unreadable("it is not a JSON object")
    return document
