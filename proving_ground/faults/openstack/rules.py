"""Which requests go wrong, and how. Nothing here talks to anybody."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

Service = Literal["identity", "compute", "network", "load-balancer", "image", "placement"]
"""Types of Keystone's catalogue."""

SERVICES: tuple[str, ...] = get_args(Service)


@dataclass(frozen=True, slots=True)
class Answer:
    """The request is not passed on; the client is told `status`. `retry_after_s`: a Retry-After header, as
    rate limits in front of an API send it with 429 and 503 (RFC 9110, 10.2.3)."""

    status: int
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Delay:
    """The request is passed on after `seconds`, also when its client has given up by then."""

    seconds: float


@dataclass(frozen=True, slots=True)
class CutBefore:
    """The connection is cut, and the request is not passed on."""


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """The request is passed on and takes effect; then the connection is cut instead of the answer."""


@dataclass(frozen=True, slots=True)
class Hang:
    """The request is neither passed on nor answered, until the proxy ends."""


Action = Answer | Delay | CutBefore | LoseAnswer | Hang


@dataclass(slots=True)
class Rule:
    """What happens to requests of `service` and `method` whose path matches `path`.

    `path`: a regular expression, found anywhere in the path that the service itself sees (`/v2.1/servers`),
    without the query. "" matches everything. `after`: so many matching requests are let through first.
    `times`: how often the rule acts; None = as long as it is there. `hits`: how often it has; a test that
    does not look at it may have proven nothing.

    Raises ValueError for a service that the catalogue does not have, `re.error` for a wrong `path`.
    """

    action: Action
    service: Service | Literal[""] = ""
    method: str = ""
    path: str = ""
    after: int = 0
    times: int | None = None
    hits: int = field(default=0, init=False)
    _passed: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.service and self.service not in SERVICES:
            raise ValueError(f"no service {self.service!r}, one of: {', '.join(SERVICES)}")
        re.compile(self.path)

    def takes(self, service: str, method: str, path: str) -> bool:
        """Whether the rule acts on this request; counts it."""
        if self.service not in ("", service) or self.method not in ("", method):
            return False
        if not re.search(self.path, path) or self.hits == self.times:
            return False
        if self._passed < self.after:
            self._passed += 1
            return False
        self.hits += 1
        return True


def choose(rules: Iterable[Rule], service: str, method: str, path: str) -> Action | None:
    """What the first rule that takes the request does; None = it is passed on as it is."""
    return next((rule.action for rule in rules if rule.takes(service, method, path)), None)
