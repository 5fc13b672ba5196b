"""Who may do what: 403 with RBAC's words, and the reviews in which users ask about themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from replank.testbed.serve.kubernetes.store import Answer, Place, answered, status_document

REVIEWS: Final = {
    "/apis/authentication.k8s.io/v1/selfsubjectreviews": "SelfSubjectReview",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": "SelfSubjectAccessReview",
}
_VERBS: Final = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "PUT": "update"}


@dataclass(frozen=True, slots=True)
class Denied:
    """A right that nobody has; globs. `resource`: `machines.cluster.x-k8s.io`, for a subresource
    `machines/status.cluster.x-k8s.io`. `namespace` "" = none."""

    verb: str = "*"
    resource: str = "*"
    namespace: str = "*"

    def hits(self, verb: str, resource: str, namespace: str) -> bool:
        """True where it takes the right away."""
        pairs = ((verb, self.verb), (resource, self.resource), (namespace, self.namespace))
        return all(fnmatchcase(value, pattern) for value, pattern in pairs)


def verb_of(method: str, place: Place) -> str:
    """As RBAC names it."""
    return _VERBS.get(method) or ("get" if place.name else "list")


def forbidden(user: str, verb: str, place: Place) -> Answer:
    """403 as the RBAC authorizer words it."""
    where = f' in the namespace "{place.namespace}"' if place.namespace else " at the cluster scope"
    name = f' "{place.name}"' if place.name else ""
    message = (
        f'{place.qualified}{name} is forbidden: User "{user}" cannot {verb} resource '
        f'"{place.right}" in API group "{place.group}"{where}'
    )
    return status_document(403, "Forbidden", message, {"kind": place.resource.plural})


def reviewed(path: str, body: bytes, user: str, denied: list[Denied]) -> Answer:
    """The answer to one of `REVIEWS`."""
    asked = json.loads(body)
    if REVIEWS[path] == "SelfSubjectReview":
        return answered(201, asked | {"status": {"userInfo": {"username": user}}})
    about = asked["spec"]["resourceAttributes"]
    group, namespace = about.get("group", ""), about.get("namespace", "")
    resource = f"{about['resource']}.{group}" if group else about["resource"]
    allowed = not any(right.hits(about["verb"], resource, namespace) for right in denied)
    return answered(201, asked | {"status": {"allowed": allowed}})
