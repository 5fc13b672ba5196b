"""Faults that a test asks a Kubernetes twin for."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal


@dataclass(slots=True)
class Fault:
    """What goes wrong, and where.

    `path`: glob over the path of the request, without its query, as `/api/v1/nodes` or `/apis/*`; "*" = every
    one. `method`: glob over its method. `times`: how often (None = always). `after`: so many that match
    pass first. `kind`:
    - `status`: answers `status` with a Status document (`reason`, `message`), and with a Retry-After header
      if `retry_after_s` is given;
    - `hang`: accepts the request and never answers;
    - `cut`: closes the connection in the middle of the answer;
    - `lost`: does what is asked, and closes the connection without a word;
    - `garbage`: answers 200 with a page that is not JSON;
    - `plain`: answers `status` with a text that is no Status document, as a proxy in between does;
    - `shape`: answers 200 with JSON that is no Kubernetes object.
    """

    path: str = "*"
    kind: Literal["status", "hang", "cut", "lost", "garbage", "plain", "shape"] = "status"
    status: int = 500
    reason: str = "InternalError"
    message: str = "a fault of the twin"
    retry_after_s: float | None = None
    times: int | None = None
    after: int = 0
    method: str = "*"

    def takes(self, path: str, method: str = "GET") -> bool:
        """True if this fault hits the request; counts down `after` and `times`."""
        if not fnmatchcase(path, self.path) or not fnmatchcase(method, self.method) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True
