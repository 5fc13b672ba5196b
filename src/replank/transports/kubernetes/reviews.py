"""What an API server says about itself and us: is it ready, who are we, what may we do."""

from __future__ import annotations

from typing import Final

from replank.ports.rights import Right
from replank.transports.kubernetes.call import Call
from replank.transports.kubernetes.discovery import Resource
from replank.transports.kubernetes.errors import NotFound
from replank.transports.kubernetes.line import Line

_AUTHORIZATION: Final = "authorization.k8s.io/v1"
_AUTHENTICATION: Final = ("authentication.k8s.io/v1", "authentication.k8s.io/v1beta1")
"""SelfSubjectReview: v1beta1 in Kubernetes 1.27, v1 from 1.28."""


async def readiness(line: Line) -> str:
    """ "" where `/readyz` answers ok, else what it says. Raises `ReplankError` where nothing answers."""
    response = await line.send(
        Call(method="GET", path="/readyz", verb="get", thing="/readyz", any_status=True)
    )
    text = response.text.strip()
    if response.is_success:
        return "" if text == "ok" else "what answers at /readyz is no API server"
    failed = [entry.strip() for entry in text.splitlines() if entry.startswith("[-]")]
    return "; ".join(failed)[:300] or f"/readyz answers {response.status_code}"


async def username(line: Line) -> str:
    """The user's name as the API server sees it. Raises `NotFound` before Kubernetes 1.27."""
    newest, older = _AUTHENTICATION
    try:
        return await _username(line, newest)
    except NotFound:
        return await _username(line, older)


async def _username(line: Line, version: str) -> str:
    review = await line.json(
        Call(
            method="POST",
            path=f"/apis/{version}/selfsubjectreviews",
            verb="create",
            thing="selfsubjectreviews.authentication.k8s.io",
            content={"apiVersion": version, "kind": "SelfSubjectReview"},
        )
    )
    info = (review.get("status") or {}).get("userInfo") or {}
    return str(info.get("username") or "")


async def is_granted(line: Line, right: Right, resource: Resource) -> bool:
    """Whether we have the right (SelfSubjectAccessReview, which every user may make)."""
    attributes = {"verb": right.verb, "group": resource.group, "resource": resource.plural}
    attributes |= {"namespace": right.namespace} if right.namespace else {}
    attributes |= {"name": right.name} if right.name else {}
    review = await line.json(
        Call(
            method="POST",
            path=f"/apis/{_AUTHORIZATION}/selfsubjectaccessreviews",
            verb="create",
            thing="selfsubjectaccessreviews.authorization.k8s.io",
            content={
                "apiVersion": _AUTHORIZATION,
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            },
        )
    )
    return (review.get("status") or {}).get("allowed") is True
