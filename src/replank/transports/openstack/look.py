"""One look at a time: work in a thread, and what it raises as a fact that is unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from openstack.proxy import Proxy

from replank.domain.errors import ReplankError
from replank.domain.unknown import Fact, Unknown
from replank.transports.openstack.connect import OpenProject
from replank.transports.openstack.errors import LISTING_ERRORS, translated
from replank.transports.openstack.threads import Threads

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Look:
    """Looks at one project."""

    project: OpenProject
    threads: Threads

    async def at(self, what: str, work: Callable[[], T]) -> Fact[T]:
        """The result of `work`, or why it could not be had. `what`: a collection, for the operator."""
        return await self.threads.run(partial(self._seen, what, work))

    async def service(self, service_type: str) -> Fact[Proxy]:
        """The client of a service, its version discovered."""
        return await self.at(service_type, partial(self.project.service, service_type))

    async def service_if_any(self, service_type: str) -> Fact[Proxy | None]:
        """As `service`; None where this cloud has no such service."""
        return await self.at(service_type, partial(self.project.service_if_any, service_type))

    async def listing(self, service: Fact[Proxy], what: str, lister: Callable[[Proxy], T]) -> Fact[T]:
        """What `lister` makes of a service; the reason of the service itself where that is not there."""
        if isinstance(service, Unknown):
            return service
        return await self.at(what, partial(lister, service))

    async def listing_if_any(
        self, service: Fact[Proxy | None], what: str, lister: Callable[[Proxy], tuple[T, ...]]
    ) -> Fact[tuple[T, ...]]:
        """As `listing`; nothing where this cloud has no such service."""
        return () if service is None else await self.listing(service, what, lister)

    def _seen(self, what: str, work: Callable[[], T]) -> Fact[T]:
        try:
            return work()
        except ReplankError as error:
            return Unknown(error.reason, error.code)
        except LISTING_ERRORS as error:
            refusal = translated(error, f"OpenStack {self.project.cloud}: {what}")
            return Unknown(refusal.reason, refusal.code)
