"""Faults that a test asks the OpenStack twin for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Fault:
    """What goes wrong, and where.

    `service`: identity, compute, network, load-balancer, image or block-storage; "" = any. `path`: a text
    that the path after the service must contain, as `/ports`; "" = every path, discovery included. `times`:
    how often (None = always). `method`: "" = any. `after`: the request is carried out first, and then goes
    wrong. `kind`:
    - `status`: answers `status` and `says`, with a Retry-After header if `retry_after_s` is given;
    - `hang`: accepts the request and never answers;
    - `cut`: closes the connection in the middle of the answer;
    - `garbage`: answers 200 with a page that is not JSON;
    - `page`: answers `status` with such a page, as a proxy does.
    """

    service: str = ""
    path: str = ""
    kind: Literal["status", "hang", "cut", "garbage", "page"] = "status"
    status: int = 500
    retry_after_s: int | None = None
    times: int | None = None
    method: str = ""
    after: bool = False
    says: str = "A fault of the twin"

    def takes(self, service: str, path: str, method: str = "GET") -> bool:
        """True if this fault hits the request; counts down `times`."""
        if self.service not in ("", service) or self.path not in path or self.times == 0:
            return False
        if self.method not in ("", method):
            return False
        if self.times is not None:
            self.times -= 1
        return True
