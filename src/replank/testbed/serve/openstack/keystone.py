"""Keystone v3 of the twin: tokens, the catalog, and what its version documents say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from replank.testbed.serve.openstack.application_credentials import AppCredentials
from replank.testbed.world import Document, Project

# Service of the world -> (type in the catalog, path of its endpoint below the region). Cinder stands in real
# catalogs as `volumev3`; the SDK must find it by its alias.
SERVICES: Mapping[str, tuple[str, str]] = {
    "compute": ("compute", "/compute/v2.1"),
    "network": ("network", "/network"),
    "load-balancer": ("load-balancer", "/load-balancer"),
    "image": ("image", "/image"),
    "block-storage": ("volumev3", "/block-storage/v3/{project_id}"),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token stands for. `credential`: ID of the application credential it was made with, "" = none."""

    project_id: str
    roles: tuple[str, ...]
    credential: str = ""


@dataclass(slots=True)
class Keystone:
    """Issues tokens for the users of the projects."""

    projects: Sequence[Project]
    credentials: AppCredentials = field(default_factory=AppCredentials)
    tokens: dict[str, Grant] = field(default_factory=dict)
    issued: int = 0

    def grant_of(self, token: str) -> Grant | None:
        """What a token is good for; None where it is not, or the credential behind it was revoked."""
        grant = self.tokens.get(token)
        if grant is None or (grant.credential and grant.credential not in self.credentials.known):
            return None
        return grant

    def project_of(self, token: str, region: str) -> Project | None:
        """The project behind a token in a region ("" = any), or None if the token is not (any more) good."""
        grant = self.grant_of(token)
        for project in self.projects:
            if (
                grant is not None
                and project.project_id == grant.project_id
                and region in ("", project.region)
            ):
                return project
        return None

    def authenticate(self, body: Document, base_url: str) -> tuple[str, Document] | None:
        """Token and its document, or None: wrong credential (Keystone does not say what was wrong)."""
        identity = body.get("auth", {}).get("identity", {})
        methods = identity.get("methods", [])
        credential, roles = "", None
        if methods == ["password"]:
            project = self._by_password(identity["password"]["user"], body["auth"].get("scope", {}))
        elif methods == ["application_credential"]:
            credential = identity["application_credential"].get("id", "")
            project = self._by_application_credential(identity["application_credential"])
            roles = self.credentials.known[credential].roles if project is not None else None
        else:
            project = None
        if project is None:
            return None
        self.issued += 1
        token = f"gAAAAA-twin-{self.issued}"
        grant = Grant(project.project_id, project.roles if roles is None else roles, credential)
        self.tokens[token] = grant
        return token, self._token_document(project, methods, base_url, grant)

    def _by_password(self, user: Document, scope: Document) -> Project | None:
        wanted = scope.get("project", {}) if isinstance(scope, dict) else {}
        for project in self.projects:
            # The SDK may know the user by name or by ID; the twin's user ID is its name with a prefix.
            known = user.get("name") == project.user_name or user.get("id") == user_id(project)
            scoped = wanted.get("id") == project.project_id or wanted.get("name") == project.project_name
            if known and scoped and user.get("password") == project.password:
                return project
        return None

    def _by_application_credential(self, given: Document) -> Project | None:
        credential = self.credentials.known.get(given.get("id", ""))
        if credential is None or credential.secret != given.get("secret"):
            return None
        return next((p for p in self.projects if p.project_id == credential.project_id), None)

    def _token_document(self, project: Project, methods: list[str], base_url: str, grant: Grant) -> Document:
        now = datetime.now(UTC)
        used = {"application_credential": {"id": grant.credential}} if grant.credential else {}
        return {
            "token": {
                **used,
                "methods": methods,
                "user": {
                    "id": user_id(project),
                    "name": project.user_name,
                    "domain": {"id": "default", "name": "Default"},
                },
                "project": {
                    "id": project.project_id,
                    "name": project.project_name,
                    "domain": {"id": "default", "name": "Default"},
                },
                "roles": [{"id": f"role-{name}", "name": name} for name in grant.roles],
                "catalog": self._catalog(project.project_id, base_url),
                "audit_ids": [f"audit-{self.issued}"],
                "issued_at": _stamp(now),
                "expires_at": _stamp(now + timedelta(hours=1)),
            }
        }

    def _catalog(self, project_id: str, base_url: str) -> list[Document]:
        own = [p for p in self.projects if p.project_id == project_id]
        catalog = [
            _entry("identity", "identity", [(p.region, f"{base_url}/identity") for p in own]),
        ]
        for service, (catalog_type, path) in SERVICES.items():
            endpoints = [
                (p.region, f"{base_url}/{p.region}{path.format(project_id=project_id)}")
                for p in own
                if service in p.collections
            ]
            if endpoints:
                catalog.append(_entry(service, catalog_type, endpoints))
        return catalog


def user_id(project: Project) -> str:
    """The ID of the project's user."""
    return f"user-{project.user_name}"


def _entry(name: str, catalog_type: str, endpoints: list[tuple[str, str]]) -> Document:
    return {
        "id": f"service-{name}",
        "name": name,
        "type": catalog_type,
        "endpoints": [
            {
                "id": f"{name}-{region}",
                "interface": "public",
                "region": region,
                "region_id": region,
                "url": url,
            }
            for region, url in endpoints
        ],
    }


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def identity_versions(base_url: str) -> Document:
    """What Keystone says of its versions, at its root."""
    return {"versions": {"values": [identity_version(base_url)["version"]]}}


def identity_version(base_url: str) -> dict[str, Any]:
    """The document at /v3."""
    return {
        "version": {
            "id": "v3.14",
            "status": "stable",
            "updated": "2020-04-07T00:00:00Z",
            "links": [{"rel": "self", "href": f"{base_url}/identity/v3/"}],
            "media-types": [
                {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
            ],
        }
    }
