"""Faults that a test asks the OpenStack twin for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Fault:
    """What goes wrong, and where.

    `service`: identity, compute, network, load-balancer, image or block-storage; "" = any. `path`: a text
    that the path after the service must contain, as `/ports`; "" = every path, discovery included. `times`:
    how often (None = always). `kind`:
    - `status`: answers `status`, with a Retry-After header if `retry_after_s` is given;
    - `hang`: accepts the request and never answers;
    - `cut`: closes the connection in the middle of the answer;
    - `garbage`: answers 200 with a page that is not JSON.
    """

    service: str = ""
    path: str = ""
    kind: Literal["status", "hang", "cut", "garbage"] = "status"
    status: int = 500
    retry_after_s: int | None = None
    times: int | None = None

    def takes(self, service: str, path: str) -> bool:
        """True if this fault hits the request; counts down `times`."""
        if self.service not in ("", service) or self.path not in path or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True
