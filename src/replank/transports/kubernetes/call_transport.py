"""The way of a `Call` to the API server: the fence before every write, and what an answer means."""

from __future__ import annotations

from collections.abc import Callable

import httpx2

from replank.domain.errors import Hold, Transient
from replank.transports.kubernetes.call import EXTENSION, Call
from replank.transports.kubernetes.connection import Connection
from replank.transports.kubernetes.errors import not_understood
from replank.transports.kubernetes.refusals import lost, refused
from replank.transports.kubernetes.transport import ApiTransport, Limits


class CallTransport(ApiTransport):
    """As `ApiTransport`, for requests that carry a `Call`.

    `fence`: called right before a write is sent, also when it is sent again; raises `Hold` where writing is
    not ours any more.
    """

    def __init__(self, connection: Connection, limits: Limits, fence: Callable[[], None]) -> None:
        super().__init__(connection, limits)
        self._fence = fence

    async def _once(self, request: httpx2.Request) -> httpx2.Response:
        call = request.extensions[EXTENSION]
        assert isinstance(call, Call)
        where = self._connection.server
        if call.writes:
            self._fence()
        try:
            response = await self._exchange(request, call.what)
        except Transient as error:
            # RP055 says that no connection came about: nothing was sent.
            if call.writes and error.code == "RP056":
                raise lost(error, call) from error
            raise
        if call.any_status and response.status_code not in (401, 403, 429):
            return response
        if call.evicts and response.status_code == 429:
            raise budget_says_no(call, response)
        if not response.is_success:
            raise refused(response, call, where)
        if not call.text and "json" not in response.headers.get("Content-Type", ""):
            raise not_understood(call.what, "the answer is not JSON", where)
        return response


def budget_says_no(call: Call, response: httpx2.Response) -> Hold:
    """The server names the budget (kubernetes 1.35, pkg/registry/core/pod/storage/eviction.go)."""
    return Hold(
        "RP955",
        f"{call.thing} is not evicted yet",
        _told(response) or "a PodDisruptionBudget allows no eviction at the moment",
        "It is asked again. Where the budget never allows one, its owner must change it or add a replica.",
    )


def _told(response: httpx2.Response) -> str:
    """The message of the Status, and what it says of the budget."""
    try:
        status = response.json()
    except ValueError:
        return ""
    if not isinstance(status, dict):
        return ""
    causes = (status.get("details") or {}).get("causes") or ()
    told = [str(cause.get("message", "")) for cause in causes if isinstance(cause, dict)]
    return "; ".join(text for text in (*told, str(status.get("message", ""))) if text)
