"""What a kubeconfig's user logs in with, as headers: tokens and their files, passwords, impersonation."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from replank.inventory.kubeconfig import KubeconfigEntry, auth_kind, no_credentials
from replank.transports.kubernetes.exec_plugin import ExecCredential


def beside(entry: KubeconfigEntry, name: str) -> Path:
    """A path in a kubeconfig is relative to the kubeconfig's folder (client-go, loader.go)."""
    return Path(entry.where).expanduser().parent / name


def user_file(entry: KubeconfigEntry, name: str, key: str) -> str:
    """The text of a file that the user's entry names under `key`. Raises `Refused` RP051."""
    try:
        return beside(entry, name).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise no_credentials(entry, f"the file behind {key} cannot be read") from error


def login(entry: KubeconfigEntry, credential: ExecCredential) -> tuple[tuple[str, str], ...]:
    """The Authorization header; none for a client certificate. Raises `Refused` RP051."""
    kind = auth_kind(entry)
    if file := token_file(entry, credential):
        return (bearer(file()),)
    if token := credential.token or (entry.user_text("token") if kind == "token" else ""):
        return (bearer(_sendable(token, entry)),)
    if kind == "basic":
        pair = f"{entry.user_text('username')}:{entry.user_text('password')}".encode()
        return (("Authorization", f"Basic {base64.b64encode(pair).decode()}"),)
    return ()


def token_file(entry: KubeconfigEntry, credential: ExecCredential) -> Callable[[], str] | None:
    """Reads the token file, where that is what the user logs in with: it wins over `token` (client-go)."""
    name = entry.user_text("tokenFile")
    if not name or credential.token or auth_kind(entry) != "token":
        return None

    def read() -> str:
        token = user_file(entry, name, "tokenFile").strip()
        if not token:
            raise no_credentials(entry, "the file behind tokenFile is empty")
        return _sendable(token, entry)

    return read


def _sendable(token: str, entry: KubeconfigEntry) -> str:
    if not token.isascii() or not token.isprintable():
        raise no_credentials(entry, "its token holds characters that no token has")
    return token


def bearer(token: str) -> tuple[str, str]:
    """The header for a token."""
    return ("Authorization", f"Bearer {token}")


def impersonation(entry: KubeconfigEntry) -> tuple[tuple[str, str], ...]:
    """The headers by which the user acts as another. Raises `Refused` RP051."""
    user, uid, groups = entry.user_text("as"), entry.user_text("as-uid"), entry.user.get("as-groups") or []
    if entry.user.get("as-user-extra"):
        raise no_credentials(entry, "its user impersonates with as-user-extra, which replank does not know")
    headers = [("Impersonate-User", user)] if user else []
    headers += [("Impersonate-Uid", uid)] if uid else []
    headers += [("Impersonate-Group", str(g)) for g in groups] if isinstance(groups, list) else []
    if not all(value.isascii() and value.isprintable() for _, value in headers):
        raise no_credentials(entry, "the names that its user impersonates are not plain ASCII")
    return tuple(headers)
