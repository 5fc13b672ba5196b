"""What an API server's refusal of a call means: who said no, to what, and whether to try again.

The server's own message is shown where it helps (webhooks, schema), never for Secrets, whose values it may
quote. Sources: kubernetes v1.34 apimachinery pkg/api/errors, apiserver pkg/admission/plugin/webhook/errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import httpx2

from replank.domain.errors import Refused, ReplankError, Transient
from replank.ports.access import Conflict
from replank.transports.kubernetes.call import Call
from replank.transports.kubernetes.errors import NotFound, Retryable, refusal, retry_after

_LONGEST: Final = 600
_USER: Final = re.compile(r'User "([^"]*)"')
# The only sign of a webhook in an answer is its message: the Status has no field for it.
_SILENT_WEBHOOK: Final = re.compile(r'failed calling webhook "([^"]*)"')
# kubernetes v1.34, pkg/quota admission: names of resources and counts, never a value.
_QUOTA: Final = re.compile(r"exceeded quota: [^,]*, requested: .*")
_DENIED: Final = re.compile(r'admission webhook "([^"]*)"')


def refused(response: httpx2.Response, call: Call, where: str) -> ReplankError:
    """The error for an answer other than 2xx. `where`: the server's URL."""
    status = _status(response)
    code = response.status_code
    if code == 403 and "is forbidden: User" in _text(status):
        return _forbidden(call, status, where)
    if code in (409, 412):
        return _conflict(call, status, where)
    if code == 404 and status:
        return NotFound(
            "RP058", call.what, "there is no such object (404)", "Look who removed it.", where=where
        )
    if code in (400, 403, 413, 422) and status:
        return _invalid(call, status, code, where)
    if found := _SILENT_WEBHOOK.search(_text(status)):
        why = f"webhook {found.group(1)} does not answer"
        todo = "Look at the provider's pods and Service: without its webhook nothing of it can be written."
        return Transient("RP904", call.what, why, todo, where=where)
    if code == 429 or code >= 500:
        return _unwell(call, code, response, where)
    return refusal(response, call.verb, call.thing, call.what, where)


def lost(error: Transient, call: Call) -> Transient:
    """For a write whose answer never came: whether it took effect is not known."""
    why = f"{error.why}; whether it took effect is not known"
    todo = "Nothing is lost: the step looks first when it is run again."
    kind = Retryable if call.repeatable and isinstance(error, Retryable) else Transient
    return kind("RP905", call.what, why, todo, where=error.where)


def _forbidden(call: Call, status: Mapping[str, Any], where: str) -> Refused:
    user = _USER.search(_text(status))
    who = f"user {user.group(1)!r}" if user else "the user"
    why = f"{who} may not {call.verb} {call.thing} (403)"
    return Refused("RP900", call.what, why, "Grant what `replank permissions apply` prints.", where=where)


def _conflict(call: Call, status: Mapping[str, Any], where: str) -> ReplankError:
    owned = [c for c in _causes(status) if c.get("reason") == "FieldManagerConflict"]
    if owned:
        fields = ", ".join(sorted({str(cause.get("field", "")) for cause in owned})[:10])
        names = {str(c.get("message", "")).removeprefix("conflict with ") for c in owned}
        why = f"another manager owns {fields}: {', '.join(sorted(names))[:_LONGEST]}"
        todo = "Find out who writes these fields, and decide whose they are."
        return Refused("RP902", call.what, why, todo, where=where)
    if status.get("reason") == "AlreadyExists":
        why, todo = "it exists already", "Look at what is there, and run the step again."
    else:
        why, todo = "somebody else wrote in between (409)", "The step looks again by itself."
    return Conflict("RP901", call.what, why, todo, where=where)


def _invalid(call: Call, status: Mapping[str, Any], code: int, where: str) -> ReplankError:
    if code == 422 and call.tested and not _causes(status):
        # The server gives a failed `test` and a path that is not there one and the same message
        # (apiserver pkg/endpoints/handlers/patch.go, applyJSPatch): either way it is not what was seen.
        why = "the object is not as it was seen (the patch's test failed)"
        return Conflict("RP901", call.what, why, "The step looks again by itself.", where=where)
    if code == 403 and (quota := _QUOTA.search(_text(status))):
        why = f"a ResourceQuota of the namespace leaves no room (403): {quota.group()[:_LONGEST]}"
        return Refused("RP907", call.what, why, "Raise the quota, then resume the run.", where=where)
    webhook = _DENIED.search(_text(status))
    who = f"webhook {webhook.group(1)}" if webhook else "the API server"
    why = f"{who} refuses it ({code}): {_said(call, status)}"
    todo = "Correct what it names: make the plan again, or change what stands in its way."
    return Refused("RP903", call.what, why, todo, where=where)


def _said(call: Call, status: Mapping[str, Any]) -> str:
    if not call.secret:
        return _text(status)[:_LONGEST] or "it does not say why"
    fields = sorted({str(cause["field"]) for cause in _causes(status) if cause.get("field")})
    return (
        f"fields {', '.join(fields)}" if fields else "its message is not shown, since it may quote the Secret"
    )


def _unwell(call: Call, code: int, response: httpx2.Response, where: str) -> Transient:
    """429 is said before anything is done; after 5xx a write may have taken effect."""
    again = code == 429 or (call.repeatable and code in (502, 503, 504))
    why = "it asks to wait (429)" if code == 429 else f"the API server failed ({code})"
    if code != 429 and call.writes:
        why += "; whether the write took effect is not known"
    kind = Retryable if again else Transient
    todo = "Look at the API server; the step is run again."
    return kind("RP057", call.what, why, todo, where=where, retry_after_s=retry_after(response))


def _status(response: httpx2.Response) -> Mapping[str, Any]:
    """The Status document, empty where the answer has none (a proxy in between answered)."""
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) and document.get("kind") == "Status" else {}


def _text(status: Mapping[str, Any]) -> str:
    return str(status.get("message") or "")


def _causes(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return [cause for cause in causes if isinstance(cause, dict)] if isinstance(causes, list) else []
