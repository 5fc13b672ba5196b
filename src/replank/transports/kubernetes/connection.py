"""From a kubeconfig to everything that a connection needs."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from replank.domain.errors import Refused
from replank.inventory.facts.kubernetes import KubeconfigFact
from replank.inventory.fleet.model import KubeconfigRef
from replank.inventory.kubeconfig import (
    UNUSABLE,
    KubeconfigEntry,
    check_expiry,
    embedded,
    fact_of,
    no_credentials,
    select_context,
)
from replank.transports.kubernetes.exec_plugin import ExecCredential, run_plugin
from replank.transports.kubernetes.login import bearer, beside, impersonation, login, token_file, user_file
from replank.transports.kubernetes.proxy import environment_proxy

_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_OUTSIDE = ("client-certificate", "client-key", "tokenFile", "exec", "auth-provider")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach one API server. Holds secrets: never keep or show it.

    `tls`: None for plain HTTP. `headers`: credentials and impersonation, as they were when it was opened.
    `proxy`: URL or "". `token`: reads a token file again, None where there is none.
    """

    fact: KubeconfigFact
    tls: ssl.SSLContext | None = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    proxy: str = field(repr=False)
    token: Callable[[], str] | None = field(default=None, repr=False)

    def headers_now(self) -> tuple[tuple[str, str], ...]:
        """Credentials and impersonation for a request that is sent now.

        The kubelet writes a Pod's token anew long before it runs out (kubernetes.io, "Service account token
        volume projection"). Raises `Refused` RP051 where the file cannot be read (any more).
        """
        if self.token is None:
            return self.headers
        return (bearer(self.token()), *(pair for pair in self.headers if pair[0] != "Authorization"))

    @property
    def server(self) -> str:
        """URL without a slash at its end."""
        return self.fact.server


async def open_kubeconfig(
    ref: KubeconfigRef, *, clock: Callable[[], datetime], exec_timeout_s: float
) -> Connection:
    """Reads the kubeconfig and the files that it names, and runs its exec plugin if it has one.

    `clock`: gives the time, with a timezone. Raises `Refused` RP050 (the file), RP051 (no credentials to
    use) or RP052 (the client certificate has expired).
    """
    entry = select_context(_read(ref.path), where=ref.path, context=ref.context)
    certificate = _user_pem(entry, "client-certificate")
    fact = fact_of(entry, certificate=certificate)
    check_expiry(fact, now=clock(), where=ref.path)
    credential = ExecCredential()
    if fact.auth == "exec":
        credential = await run_plugin(entry, timeout_s=exec_timeout_s)
    return _connection(entry, fact, credential, certificate, _user_pem(entry, "client-key"))


def open_own(text: str, *, clock: Callable[[], datetime], where: str) -> Connection:
    """As `open_kubeconfig`, for a text that replank itself made: it may name files, but starts no program."""
    entry = select_context(text, where=where)
    certificate = _user_pem(entry, "client-certificate")
    fact = fact_of(entry, certificate=certificate)
    check_expiry(fact, now=clock(), where=where)
    return _connection(entry, fact, ExecCredential(), certificate, _user_pem(entry, "client-key"))


def open_embedded(kubeconfig: bytes, *, clock: Callable[[], datetime], where: str) -> Connection:
    """As `open_kubeconfig`, for one in memory that holds everything itself: no file is read or written, no
    program started. `where`: for messages. Raises `Refused` RP050 to RP052."""
    try:
        text = kubeconfig.decode("utf-8")
        entry = select_context(text, where=where)
    except ValueError:
        # Not chained, nor is what follows: decoders and YAML errors keep or quote what they do not like.
        raise _unusable("it is no text", "Write a new one.", where) from None
    except Refused as error:
        raise Refused(error.code, error.what, error.why, error.todo, where=where) from None
    outside = [key for key in _OUTSIDE if entry.user.get(key)]
    if entry.cluster_text("certificate-authority") or outside:
        named = ", ".join(outside) or "certificate-authority"
        raise _unusable(f"it needs files or programs besides itself ({named})", "Embed them.", where)
    certificate = _user_pem(entry, "client-certificate")
    fact = fact_of(entry, certificate=certificate)
    check_expiry(fact, now=clock(), where=where)
    return _connection(entry, fact, ExecCredential(), certificate, _user_pem(entry, "client-key"))


def _connection(
    entry: KubeconfigEntry, fact: KubeconfigFact, credential: ExecCredential, certificate: str, key: str
) -> Connection:
    return Connection(
        fact=fact,
        tls=_tls(entry, credential.certificate or certificate, credential.key or key),
        headers=(*login(entry, credential), *impersonation(entry)),
        proxy=_proxy(entry),
        token=token_file(entry, credential),
    )


def _read(path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise _unusable("there is no such file", "Correct the path in fleet.yaml.", path) from error
    except (OSError, ValueError) as error:
        raise _unusable("the file cannot be read", "Check its owner, mode and content.", path) from error


def _user_pem(entry: KubeconfigEntry, key: str) -> str:
    """The embedded text wins over the file, as in client-go."""
    if text := embedded(entry, f"{key}-data"):
        return text
    name = entry.user_text(key)
    return user_file(entry, name, key) if name else ""


def _tls(entry: KubeconfigEntry, certificate: str, key: str) -> ssl.SSLContext | None:
    if entry.server.startswith("http://"):
        return None
    context = ssl.create_default_context(cadata=_authority(entry))
    # As lenient as Go, which kubectl is made with: the CA itself is an anchor even if another one signed it,
    # and old certificates without all the extensions of RFC 5280 are good (Python 3.13 is stricter).
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if entry.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate:
        _load_pair(context, certificate, key, entry)
    return context


def _authority(entry: KubeconfigEntry) -> str | None:
    """PEM text of the kubeconfig's CA; None = the system's store."""
    data, name = entry.cluster_text("certificate-authority-data"), entry.cluster_text("certificate-authority")
    try:
        if data:
            return _checked(base64.b64decode(data, validate=True).decode("utf-8"))
        if name:
            return _checked(beside(entry, name).read_text(encoding="utf-8"))
    except (OSError, ValueError, binascii.Error) as error:
        why = "its certificate authority cannot be read"
        raise _unusable(why, "Take the CA certificate from the cluster.", entry.where) from error
    return None


def _checked(pem: str) -> str:
    """Raises ssl.SSLError (an OSError) where OpenSSL cannot read it, ValueError where it is empty."""
    if not pem.strip():
        raise ValueError("no certificate")
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    return pem


def _load_pair(context: ssl.SSLContext, certificate: str, key: str, entry: KubeconfigEntry) -> None:
    def no_password() -> str:
        raise ValueError("the key is encrypted")

    try:
        with _piped(certificate) as certificate_file, _piped(key) as key_file:
            context.load_cert_chain(certificate_file, key_file, password=no_password)
    except (OSError, ValueError) as error:
        why = "its client certificate and key cannot be used together"
        raise no_credentials(entry, why) from error


@contextlib.contextmanager
def _piped(text: str) -> Iterator[str]:
    """A path that gives `text` once. The ssl module loads keys by path only; a pipe's never touches a disk.

    Raises ValueError for more than a pipe takes at once (64 KiB on Linux).
    """
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        content = text.encode()
        try:
            if os.write(writing, content) < len(content):
                raise ValueError("the PEM text is too long")
        finally:
            os.close(writing)
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)


def _proxy(entry: KubeconfigEntry) -> str:
    url = entry.cluster_text("proxy-url") or environment_proxy(entry.server, os.environ)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if url and not usable:
        why = "its proxy is no http, https or socks5 URL"
        raise _unusable(why, "Correct proxy-url, or HTTPS_PROXY in the environment.", entry.where)
    return url


def _unusable(why: str, todo: str, where: str) -> Refused:
    return Refused(UNUSABLE, "The kubeconfig cannot be used", why, todo, where=where)
