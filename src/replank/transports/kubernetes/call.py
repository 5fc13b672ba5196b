"""One request of the writing side: what it is to RBAC, and what may be done with its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

MERGE: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
# JSON is YAML; the server takes no other name for it before 1.34 (KEP 4222 brings CBOR only).
APPLY: Final = "application/apply-patch+yaml"
EXTENSION: Final = "replank.call"
"""The key of an httpx2 request's extensions under which its `Call` travels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`verb`, `thing`: as RBAC and the operator name them ("patch", "secrets legacy-ca in namespace x").

    `path`: below the server's URL. `content`: JSON value of the body, None = none. `content_type`: of it.
    `writes`: changes something; asks the fence first and leaves a receipt. `repeatable`: doing it twice is
    the same as once, so that it may be sent again when nobody knows whether it arrived. `secret`: server
    messages about it may quote what must not be shown. `tested`: a JSON patch with a `test`, whose failure
    the server words as any other. `any_status`: an answer of any status, and of any content, is an answer.
    `evicts`: an eviction, to which 429 is a budget's no, not a busy server's. `text`: the answer is no JSON.
    """

    method: str
    path: str
    verb: str
    thing: str
    query: dict[str, str] = field(default_factory=dict)
    content: Any = field(default=None, repr=False)
    content_type: str = "application/json"
    writes: bool = False
    repeatable: bool = True
    secret: bool = False
    tested: bool = False
    any_status: bool = False
    evicts: bool = False
    text: bool = False

    @property
    def what(self) -> str:
        """For messages: what did not work."""
        return f"The API server did not {self.verb} {self.thing}"
