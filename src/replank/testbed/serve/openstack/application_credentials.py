"""Keystone's application credentials in the twin: made by their users, kept beside the project's documents.

Their documents, without secrets, lie in `Project.collections["identity"]["application_credentials"]`, so that
a world before and after can be compared; that key goes with the last of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from replank.testbed.serve.openstack.services import Answer, error
from replank.testbed.world import Document, Project


@dataclass(frozen=True, slots=True)
class AppCredential:
    """An application credential that the twin accepts for a project. `roles` None = those of its user."""

    project_id: str
    secret: str
    name: str = "replank"
    roles: tuple[str, ...] | None = None
    unrestricted: bool = False


@dataclass(slots=True)
class AppCredentials:
    """`known`: by ID, those that the world began with and those that were made since."""

    known: dict[str, AppCredential] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def answer(self, method: str, credential_id: str, body: Document, by: Project, using: str) -> Answer:
        """`credential_id` "" = the collection. `using`: the ID of the one that the caller is logged in by."""
        restricted = using in self.known and not self.known[using].unrestricted
        if method != "GET" and restricted:
            # keystone/api/users.py, _check_unrestricted_application_credential
            return error(403, "Using method 'application_credential' is not allowed for managing them.")
        if method == "POST" and not credential_id:
            return self._make(body.get("application_credential", {}), by)
        documents = _documents(by)
        if method == "GET" and not credential_id:
            return Answer(200, {"application_credentials": list(documents), "links": {"next": None}}, {})
        document = next((d for d in documents if d["id"] == credential_id), None)
        if document is None:
            return error(404, f"Could not find Application Credential: {credential_id}.")
        if method == "GET":
            return Answer(200, {"application_credential": document}, {})
        if method != "DELETE":
            return error(405, "Method not allowed")
        self._forget(credential_id, by)
        return Answer(204, {}, {})

    def _make(self, wanted: Document, by: Project) -> Answer:
        secret, name = wanted.get("secret"), wanted.get("name")
        if not isinstance(secret, str) or not secret or not isinstance(name, str) or not name:
            # As Keystone's schema errors do, it repeats what it was given.
            return error(400, f"Invalid input: {name!r}, {secret!r}")
        if any(document["name"] == name for document in _documents(by)):
            return error(409, f"Conflict occurred: Duplicate entry: application credential {name}")
        roles = tuple(role.get("name", "") for role in wanted.get("roles") or ({"name": r} for r in by.roles))
        if missing := [role for role in roles if role not in by.roles]:
            return error(400, f"Could not find role assignment with role: {missing[0]}")
        credential_id = f"{next(self._numbers):032x}"
        self.known[credential_id] = AppCredential(
            by.project_id, secret, name, roles, bool(wanted.get("unrestricted", False))
        )
        document = {
            "id": credential_id,
            "name": name,
            "description": wanted.get("description", ""),
            "project_id": by.project_id,
            "roles": [{"id": f"role-{role}", "name": role} for role in roles],
            "expires_at": None,
            "unrestricted": bool(wanted.get("unrestricted", False)),
        }
        by.collections.setdefault("identity", {}).setdefault("application_credentials", []).append(document)
        return Answer(201, {"application_credential": {**document, "secret": secret}}, {})

    def _forget(self, credential_id: str, by: Project) -> None:
        del self.known[credential_id]
        left = [document for document in _documents(by) if document["id"] != credential_id]
        by.collections["identity"]["application_credentials"] = left
        if not left:
            del by.collections["identity"]


def _documents(project: Project) -> list[Document]:
    return project.collections.get("identity", {}).get("application_credentials", [])
