"""The `CloudReader` on openstacksdk: one project, every collection listed once, each able to fail alone."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.fleet.model import CloudRef
from replank.transports.openstack.threads import Threads

if TYPE_CHECKING:
    from replank.transports.openstack.connect import OpenProject
    from replank.transports.openstack.session import RequestCounter


class OpenStackReader:
    """Reads projects. openstacksdk is imported at the first `read` (0.7 s).

    `connect_timeout_s`, `read_timeout_s`: of each request. `parallel`: requests at once in one project.
    `attempts`: tries of a request that met 429, 503 or a cut line. `longest_wait_s`: the longest Retry-After
    that is honoured.
    """

    def __init__(
        self,
        *,
        connect_timeout_s: float = 10.0,
        read_timeout_s: float = 60.0,
        parallel: int = 4,
        attempts: int = 4,
        longest_wait_s: float = 30.0,
    ) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._parallel = parallel
        self._attempts = attempts
        self._longest_wait_s = longest_wait_s
        self._counters: list[RequestCounter] = []

    @property
    def requests(self) -> int:
        """HTTP requests that this reader has made so far, discovery and retries included."""
        return sum(counter.total for counter in self._counters)

    async def read(self, cloud: CloudRef) -> OpenStackFacts:
        """The whole project.

        Raises `ReplankError` only if nothing can be seen: RP040 configuration, RP041 credential, RP044 to
        RP048 Keystone not reached.
        """
        pool = ThreadPoolExecutor(self._parallel, thread_name_prefix="openstack")
        threads = Threads(asyncio.get_running_loop(), pool)
        try:
            project = await threads.run(partial(self._open, cloud))
            from replank.transports.openstack.project import read_project

            return await read_project(project, threads)
        finally:
            # A thread inside a request cannot be stopped; the request's timeout ends it.
            pool.shutdown(wait=False, cancel_futures=True)

    def _open(self, cloud: CloudRef) -> OpenProject:
        # Importing the SDK in a thread keeps the event loop free meanwhile.
        from replank.transports.openstack.connect import open_project
        from replank.transports.openstack.session import Patience, RequestCounter

        patience = Patience(
            connect_timeout_s=self._connect_timeout_s,
            read_timeout_s=self._read_timeout_s,
            attempts=self._attempts,
            longest_wait_s=self._longest_wait_s,
        )
        counter = RequestCounter()
        self._counters.append(counter)
        return open_project(cloud, patience, counter)
