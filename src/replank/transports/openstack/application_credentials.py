"""Keystone's application credentials: listing, making with a chosen secret, revoking, trying.

Imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import requests
from keystoneauth1 import exceptions as ksa
from keystoneauth1.identity.v3 import ApplicationCredential
from keystoneauth1.session import Session
from openstack.exceptions import raise_from_response

from replank.domain.errors import Refused, ReplankError, Transient
from replank.ports.access import Conflict, CredentialTrial
from replank.transports.openstack.calls import AGAIN, Call, receipt_of
from replank.transports.openstack.errors import LISTING_ERRORS, translated
from replank.transports.openstack.fence import Gate
from replank.transports.openstack.login import by_application_credential, plugin_of, token_of
from replank.transports.openstack.session import Patience, RequestCounter, session_class

# No secret, no access rules with their paths: what says whose it is, what it may do, and for how long.
_SHOWN: Final = ("id", "name", "description", "roles", "expires_at", "unrestricted", "project_id")
_ALTERNATIVE: Final = (
    "Or make a user of its own for CAPO, and put its clouds.yaml into a Secret or an "
    "OpenStackClusterIdentity of the management cluster"
)
_READS: Final = (
    ("compute", "/servers?limit=1", "servers"),
    ("network", "/ports?limit=1", "ports"),
    ("network", "/networks?limit=1", "networks"),
)


def list_credentials(call: Call) -> tuple[dict[str, Any], ...]:
    """Those of our user, sorted by name. Raises `Refused` RP928 where Keystone has none (before Queens)."""
    client = call.services.client("identity")
    path = _collection(call)
    response = client.request(path, "GET", headers={"Accept": "application/json"}, skip_cache=True)
    if response.status_code == 404:
        raise _not_there(call)
    raise_from_response(response)
    found = response.json()["application_credentials"]
    return tuple(sorted((_shown(c) for c in found), key=lambda c: (str(c["name"]), str(c["id"]))))


def create_credential(call: Call, name: str, secret: str, roles: Sequence[str]) -> dict[str, Any]:
    """Makes it. Raises `Conflict` RP926 where our user has one of that name, `Refused` RP927 (roles), RP928
    (no application credentials), RP929 (we are logged in by one that may make no others)."""
    own = sorted(set(token_of(call.services.project).role_names or ()))
    if missing := sorted(set(roles) - set(own)):
        raise _no_such_role(call, missing, own)
    body = {
        "name": name,
        "secret": secret,
        "description": "made by replank for Cluster API",
        "roles": [{"name": role} for role in roles],
        "unrestricted": False,
    }
    document = call.write(
        "identity",
        "POST",
        _collection(call),
        {"application_credential": body},
        quote=False,
        refuse=lambda response: _not_made(call, response, name, roles, own),
    )
    return _shown(document["application_credential"])


def delete_credential(call: Call, credential_id: str) -> None:
    """Revokes it and the tokens made with it. One that is gone is fine."""
    call.write("identity", "DELETE", f"{_collection(call)}/{credential_id}", None, fine=frozenset({404}))


def try_credential(
    call: Call,
    gate: Gate,
    patience: Patience,
    *,
    credential_id: str,
    secret: str,
    names: tuple[str, str, str, str],
    write: bool,
) -> CredentialTrial:
    """Logs in with it and tries. `names`: server's ID and name, port's ID and name, as they are now: a write
    that is let through writes what is there."""
    server_id, server_name, port_id, port_name = names
    session, refused = _logged_in(call, patience, credential_id, secret)
    if session is None:
        return CredentialTrial(reads=refused, writes={})
    gate.guard(session)
    answers = [(label, _ask(call, session, service, path)) for service, path, label in _READS]
    reads = ", ".join(f"{label}: {status}" for label, status in answers if status >= 400)
    if not write:
        return CredentialTrial(reads=reads, writes={})
    tries = (
        ("network", f"/ports/{port_id}", {"port": {"name": port_name}}),
        ("compute", f"/servers/{server_id}", {"server": {"name": server_name}}),
    )
    writes = {f"PUT {path}": _ask(call, session, service, path, body) for service, path, body in tries}
    return CredentialTrial(reads=reads, writes=writes)


def _logged_in(call: Call, patience: Patience, credential_id: str, secret: str) -> tuple[Session | None, str]:
    """A session of the credential's own, nothing of it on disk; or None and what Keystone answered."""
    connection = call.services.project.connection
    verify, cert = connection.config.get_requests_verify_args()
    auth = ApplicationCredential(
        auth_url=str(plugin_of(call.services.project).auth_url),
        application_credential_id=credential_id,
        application_credential_secret=secret,
    )
    session = session_class(patience, RequestCounter())(auth=auth, verify=verify, cert=cert)
    try:
        auth.get_access(session)
    except (ksa.Unauthorized, ksa.Forbidden, ksa.NotFound) as error:
        return None, f"login: {error.http_status}"
    return session, ""


def _ask(call: Call, session: Session, service: str, path: str, body: dict[str, Any] | None = None) -> int:
    """The status of one request. Raises `Transient` where it says nothing about what is allowed."""
    method = "GET" if body is None else "PUT"
    client = call.services.client(service)
    more: dict[str, Any] = {} if body is None else {"json": body}
    try:
        response = session.request(
            f"{str(client.get_endpoint()).rstrip('/')}{path}",
            method,
            headers={"Accept": "application/json"},
            raise_exc=False,
            **more,
        )
    except ksa.Unauthorized as error:
        # The token is gone and Keystone gives no other: revoked in this very moment.
        return int(error.http_status)
    except LISTING_ERRORS as error:
        raise translated(error, call.what, later=AGAIN) from error
    if body is not None:
        call.receipts.append(receipt_of(method, path, response, "a trial"))
    if response.status_code == 429 or response.status_code >= 500:
        why = f"{service} answered {response.status_code}, which does not say what the credential may do"
        raise Transient("RP924", call.what, why, AGAIN)
    return response.status_code


def _collection(call: Call) -> str:
    return f"/users/{token_of(call.services.project).user_id}/application_credentials"


def _shown(document: dict[str, Any]) -> dict[str, Any]:
    return {key: document[key] for key in _SHOWN if key in document}


def _not_made(
    call: Call,
    response: requests.Response,
    name: str,
    roles: Sequence[str],
    own: Sequence[str],
) -> ReplankError | None:
    """What Keystone's refusal means here; None = nothing particular."""
    status = response.status_code
    if status == 409:
        return Conflict(
            "RP926",
            call.what,
            f"our user has an application credential {name} already",
            "If replank made it and its secret is lost, it has to be revoked first.",
        )
    if status == 403 and "maximum of" in response.text:
        # keystone/exception.py, ApplicationCredentialLimitExceeded ([application_credential] user_limit)
        return Refused(
            "RP930",
            call.what,
            "our user has as many application credentials as this Keystone lets a user have",
            "Revoke some that nobody needs (`openstack application credential list`), or ask the cloud's "
            "administrator for more. A takeover has two for each cluster in work, one once it is settled.",
        )
    if status == 403 and by_application_credential(call.services.project):
        return Refused(
            "RP929",
            call.what,
            "we are logged in by an application credential, and Keystone lets one that is not unrestricted "
            "make no others",
            "Log in with a user's password, or with an application credential that is unrestricted.",
        )
    if status == 404:
        return _not_there(call) if not _names_a_role(response) else _no_such_role(call, roles, own)
    return _no_such_role(call, roles, own) if status == 400 and _names_a_role(response) else None


def _names_a_role(response: requests.Response) -> bool:
    # keystone/exception.py: RoleNotFound (404) and "Could not find role assignment" (400) both say `role`.
    return "role" in response.text.lower()


def _no_such_role(call: Call, wanted: Sequence[str], own: Sequence[str]) -> Refused:
    return Refused(
        "RP927",
        call.what,
        f"our user does not have the role {', '.join(wanted)} in this project; it has: "
        f"{', '.join(own) or 'none'}",
        "Ask the cloud's administrator for the role (in clouds before Rocky `reader` is not there: "
        f"`openstack role list`). {_ALTERNATIVE}.",
    )


def _not_there(call: Call) -> Refused:
    return Refused(
        "RP928",
        call.what,
        "this Keystone has no application credentials (they came with Queens)",
        f"See whether its auth_url leads to an older Keystone. {_ALTERNATIVE}.",
    )
