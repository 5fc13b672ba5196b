"""A kubeconfig: which API server, under which name, by which kind of credentials.

Rules after client-go v0.34, tools/clientcmd (client_config.go, validation.go, api/v1/conversion.go). Files
that a kubeconfig names are read by the transport; here only texts are judged.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.kubernetes import KubeconfigFact
from replank.inventory.hosts.certificates import parse_certificates
from replank.inventory.hosts.document import load_mapping

UNUSABLE: Final = "RP050"
NO_CREDENTIALS: Final = "RP051"
REJECTED: Final = "RP052"


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeconfigEntry:
    """One context with its cluster and user, as they stand in the file. Holds secrets: never keep it.

    `where`: the file, for messages.
    """

    where: str
    context: str
    cluster_name: str
    user_name: str
    server: str
    cluster: Mapping[str, JSON] = field(repr=False)
    user: Mapping[str, JSON] = field(repr=False)

    def cluster_text(self, key: str) -> str:
        """A text of the cluster's entry, "" where it is absent. Raises `Refused` RP050."""
        return _text(self.cluster, key, self.where)

    def user_text(self, key: str) -> str:
        """A text of the user's entry, "" where it is absent. Raises `Refused` RP050."""
        return _text(self.user, key, self.where)

    @property
    def insecure(self) -> bool:
        """True where the server's certificate is not checked, plain HTTP included."""
        return self.cluster.get("insecure-skip-tls-verify") is True or self.server.startswith("http://")


def parse_kubeconfig(text: str, *, where: str, context: str = "", certificate: str = "") -> KubeconfigFact:
    """The facts about one context of the kubeconfig in `text`; see `select_context` and `fact_of`."""
    return fact_of(select_context(text, where=where, context=context), certificate=certificate)


def select_context(text: str, *, where: str, context: str = "") -> KubeconfigEntry:
    """The entry of `context`, "" = the current one.

    Raises `Refused` RP050 if the file is no kubeconfig, or the context, its cluster or its server is missing.
    """
    try:
        document = load_mapping(text, code=UNUSABLE, where=where)
    except Refused as error:
        raise _unusable(error.why, "Write a new one, or name another file.", where) from error
    contexts, clusters, users = (_named(document, kind, where) for kind in ("context", "cluster", "user"))
    name = context or _text(document, "current-context", where)
    if not name:
        raise _unusable("it names no current-context", "Name the context in fleet.yaml.", where)
    if name not in contexts:
        known = ", ".join(sorted(contexts)) or "none"
        raise _unusable(f"it has no context {name!r}; there are: {known}", "Correct the name.", where)
    cluster_name = _text(contexts[name], "cluster", where)
    user_name = _text(contexts[name], "user", where)
    if cluster_name not in clusters:
        raise _unusable(f"context {name!r} names no cluster that is there", "Complete the file.", where)
    if user_name and user_name not in users:
        raise _unusable(f"context {name!r} names user {user_name!r}, who is not there", "Add it.", where)
    cluster = clusters[cluster_name]
    entry = KubeconfigEntry(
        where=where,
        context=name,
        cluster_name=cluster_name,
        user_name=user_name,
        server=_server(_text(cluster, "server", where), cluster_name, where),
        cluster=cluster,
        user=users.get(user_name, {}),
    )
    has_ca = entry.cluster_text("certificate-authority") or entry.cluster_text("certificate-authority-data")
    if has_ca and cluster.get("insecure-skip-tls-verify") is True:
        why = "it names a certificate authority and insecure-skip-tls-verify at once"
        raise _unusable(why, "Remove insecure-skip-tls-verify.", where)
    return entry


def fact_of(entry: KubeconfigEntry, *, certificate: str = "") -> KubeconfigFact:
    """What may be kept of an entry: no key, no token, no password, no proxy's address.

    `certificate`: PEM text of the file `client-certificate`, where the entry names one. Raises `Refused`
    RP051 if the user has no credentials, or has some that replank cannot use.
    """
    pem = embedded(entry, "client-certificate-data") or certificate
    not_after, subject = _client_certificate(pem, entry)
    return KubeconfigFact(
        server=entry.server,
        auth=auth_kind(entry),
        context=entry.context,
        cluster_name=entry.cluster_name,
        user_name=entry.user_name,
        client_cert_not_after=not_after,
        client_cert_subject=subject,
        tls_server_name=entry.cluster_text("tls-server-name"),
        proxy=bool(entry.cluster_text("proxy-url")),
        insecure=entry.insecure,
    )


def auth_kind(entry: KubeconfigEntry) -> str:
    """client-certificate | token | exec | basic. Raises `Refused` RP051 if there is nothing usable."""
    user = entry.user
    if entry.user_text("client-certificate") or entry.user_text("client-certificate-data"):
        if entry.user_text("client-key") or entry.user_text("client-key-data"):
            return "client-certificate"
        raise no_credentials(entry, "its user has a client certificate, but no key")
    if entry.user_text("token") or entry.user_text("tokenFile"):
        return "token"
    if isinstance(user.get("exec"), dict):
        return "exec"
    if entry.user_text("username"):
        return "basic"
    if user.get("auth-provider"):
        raise no_credentials(entry, "its user has an auth-provider, which client-go dropped in 1.26")
    raise no_credentials(entry, "its user has neither certificate, token, exec plugin nor password")


def embedded(entry: KubeconfigEntry, key: str) -> str:
    """The text behind a base64 field of the user, "" where it is absent. Raises `Refused` RP051."""
    value = entry.user_text(key)
    try:
        return base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise no_credentials(entry, f"its {key} is not base64 of a PEM text") from error


def check_expiry(fact: KubeconfigFact, *, now: datetime, where: str) -> None:
    """Raises `Refused` RP052 if the client certificate has expired at `now` (timezone-aware)."""
    if not fact.client_cert_not_after:
        return
    not_after = datetime.strptime(fact.client_cert_not_after, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if not_after <= now:
        raise Refused(
            REJECTED,
            f"The credentials of context {fact.context!r} are no longer good",
            f"the client certificate expired on {fact.client_cert_not_after}",
            "Take a new kubeconfig, for example with `kubeadm kubeconfig user` or from admin.conf.",
            where=where,
        )


def no_credentials(entry: KubeconfigEntry, why: str) -> Refused:
    """The error for a user that replank cannot log in as."""
    return Refused(
        NO_CREDENTIALS,
        f"Context {entry.context!r} of the kubeconfig cannot be used to log in",
        why,
        "Give the user credentials that work, or name another context in fleet.yaml.",
        where=entry.where,
    )


def _client_certificate(pem: str, entry: KubeconfigEntry) -> tuple[str, str]:
    if not pem:
        return "", ""
    try:
        found = parse_certificates(pem, path=entry.where)
    except Refused as error:
        raise no_credentials(entry, "its client certificate cannot be read") from error
    if not found:
        raise no_credentials(entry, "its client certificate is not in PEM form")
    return found[0].not_after, found[0].subject


def _server(server: str, cluster: str, where: str) -> str:
    try:
        parts = urlsplit(server)
        port_ok = parts.port is None or parts.port > 0
    except ValueError as error:
        raise _unusable(f"the server of cluster {cluster!r} is no URL", "Correct it.", where) from error
    if parts.scheme not in ("https", "http") or not parts.hostname or not port_ok:
        why = f"the server of cluster {cluster!r} is no https:// address"
        raise _unusable(why, "Correct it.", where)
    if parts.username is not None or parts.password is not None:
        why = f"the server of cluster {cluster!r} carries a user name or password"
        raise _unusable(why, "Move the credentials to the file's users.", where)
    return server.rstrip("/")


def _named(document: Mapping[str, JSON], kind: str, where: str) -> dict[str, Mapping[str, JSON]]:
    """The list `<kind>s` as a mapping. client-go refuses two entries of one name, and so does this."""
    entries = document.get(f"{kind}s")
    if entries is None:
        return {}
    found: dict[str, Mapping[str, JSON]] = {}
    for entry in entries if isinstance(entries, list) else [None]:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(name, str):
            raise _unusable(f"its {kind}s are not a list of named entries", "Correct the file.", where)
        if name in found:
            raise _unusable(f"two of its {kind}s are called {name!r}", "Remove one.", where)
        body = entry.get(kind)
        if body is not None and not isinstance(body, dict):
            raise _unusable(f"{kind} {name!r} is not a mapping", "Correct the file.", where)
        found[name] = body or {}
    return found


def _text(mapping: Mapping[str, JSON], key: str, where: str) -> str:
    value = mapping.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _unusable(f"{key} is not a text", "Correct the file.", where)
    return value


def _unusable(why: str, todo: str, where: str) -> Refused:
    return Refused(UNUSABLE, "The kubeconfig cannot be used", why, todo, where=where)
