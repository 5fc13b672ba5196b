"""What a service's answer to a write means. Imported only inside functions."""

from __future__ import annotations

import re
from typing import Final

import requests

from replank.domain.errors import Refused, ReplankError, Transient
from replank.ports.access import Conflict
from replank.transports.openstack.session import retry_after_of

IMMUTABLE_WAIT_S: Final = 5.0
"""An amphora takes a few seconds to take a change; Octavia answers 409 meanwhile."""

_AGAIN: Final = "It is tried again after another look."


def refused_write(response: requests.Response, what: str, *, quote: bool = True) -> ReplankError:
    """The operator's error for an answer of 400 and above.

    `what`: as `OpenStack prod: rename port ...`. `quote`: repeat the service's own words; never where the
    request held a secret (Keystone's schema errors repeat values).
    """
    status = response.status_code
    words = f": {said(response)}" if quote and said(response) else ""
    if status in (401, 403):
        return Refused(
            "RP920",
            what,
            f"the service answered {status}: this credential may not write that{words}",
            "Give replank's user the role that `replank permissions apply` names for this service.",
        )
    if status == 404:
        return Refused(
            "RP921",
            what,
            f"the service answered 404: there is no such thing (any more){words}",
            "Look who deleted it. A plan whose servers or ports are gone must be made anew.",
        )
    if status in (409, 412):
        return _conflict(response, what, words)
    if status in (413, 429, 503):
        why = f"the service answered {status}: it is busy or restarting"
        return Transient("RP924", what, why, _AGAIN, retry_after_s=retry_after_of(response))
    if status >= 500:
        why = f"the service answered {status}; it may have done it all the same"
        return Transient("RP924", what, why, _AGAIN)
    return Refused(
        "RP923",
        what,
        f"the service answered {status}{words}",
        "Do what the service asks for, or report it: replank sent what this service does not take.",
    )


def _conflict(response: requests.Response, what: str, words: str) -> ReplankError:
    if "immutable" in words:
        # octavia/common/exceptions.py ImmutableObject: a load balancer in PENDING_UPDATE takes no change.
        return Transient(
            "RP922",
            what,
            "its load balancer is taking another change (409, immutable)",
            "It is tried again until the load balancer is ACTIVE; look at it if it never is.",
            retry_after_s=IMMUTABLE_WAIT_S,
        )
    return Conflict("RP922", what, f"the service answered {response.status_code}{words}", _AGAIN)


def said(response: requests.Response) -> str:
    """The service's own words, short and printable; "" where they are not found.

    Nova {"badRequest": {"message"}}, Neutron {"NeutronError": {"message"}}, Octavia {"faultstring"}, Keystone
    {"error": {"message"}}.
    """
    try:
        body = response.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    found = body.get("faultstring")
    for part in body.values():
        if found is None and isinstance(part, dict):
            found = part.get("message")
    text = " ".join(str(found or "").split())
    return re.sub(r"[^\x20-\x7e]", "?", text).rstrip(".")[:200]
