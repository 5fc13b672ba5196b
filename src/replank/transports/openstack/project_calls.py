"""Calls to one project from an event loop: blocking ones in threads, fenced, with the receipts of what they
wrote."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from replank.domain.errors import ReplankError
from replank.inventory.fleet.model import CloudRef
from replank.ports.receipts import receipt
from replank.transports.openstack.cloud_secret import CloudSecret
from replank.transports.openstack.fence import Gate
from replank.transports.openstack.session import Patience, RequestCounter
from replank.transports.openstack.threads import Threads

if TYPE_CHECKING:
    from replank.transports.openstack.calls import Call, Services
    from replank.transports.openstack.connect import OpenProject

T = TypeVar("T")
# Requests of one cluster at once. Steps run one after the other; checks ask for a few things together.
_PARALLEL: Final = 4


class ProjectCalls:
    """One project. Logs in at the first call; openstacksdk is imported then (0.7 s).

    `source`: a cloud of clouds.yaml, or the Secret that CAPO uses. `fence`: raises `Hold` where this process
    may not write; called in a worker thread right before each write is sent, and again before each
    repetition. `patience`: of each request.
    """

    def __init__(
        self, source: CloudRef | CloudSecret, fence: Callable[[], None], patience: Patience | None = None
    ) -> None:
        self.gate = Gate(fence)
        self.patience = patience or Patience()
        self._source = source
        self._name = source.name if isinstance(source, CloudRef) else source.cloud
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="openstack-writes")
        self._opening = threading.Lock()
        self._held = ExitStack()
        self._services: Services | None = None

    def close(self) -> None:
        """Gives the threads back. One inside a request ends with the request's timeout."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._held.close()

    async def run(self, what: str, work: Callable[[Call], T]) -> T:
        """What `work` gives. `what`: for messages. Raises `ReplankError`."""
        called_off = threading.Event()
        receipts: list[str] = []
        threads = Threads(asyncio.get_running_loop(), self._pool)
        try:
            return await threads.run(
                partial(self._work, f"OpenStack {self._name}: {what}", work, receipts, called_off)
            )
        except asyncio.CancelledError:
            called_off.set()
            raise
        finally:
            # The list of receipts belongs to the task, which threads do not see.
            for text in tuple(receipts):
                receipt(text)

    def _work(
        self, what: str, work: Callable[[Call], T], receipts: list[str], called_off: threading.Event
    ) -> T:
        # Importing the SDK in a thread keeps the event loop free meanwhile.
        from replank.transports.openstack.calls import AGAIN, Call
        from replank.transports.openstack.errors import LISTING_ERRORS, translated

        with self.gate.until(called_off):
            try:
                return work(Call(self._open(), what, receipts))
            except ReplankError:
                raise
            except LISTING_ERRORS as error:
                raise translated(error, what, later=AGAIN) from error

    def _open(self) -> Services:
        from replank.transports.openstack.calls import Services

        with self._opening:
            if self._services is None:
                project = self._authenticated()
                self.gate.guard(project.connection.session)
                self._services = Services(project)
            return self._services

    def _authenticated(self) -> OpenProject:
        from replank.transports.openstack.connect import open_project
        from replank.transports.openstack.secret_connection import open_secret

        counter = RequestCounter()
        if isinstance(self._source, CloudRef):
            return open_project(self._source, self.patience, counter)
        with ExitStack() as held:
            project = open_secret(self._source, self.patience, counter, held)
            self._held.push(held.pop_all())
            return project
