"""One file over HTTPS, in pieces, within bounds."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import IO, Final

import httpx2

from replank.domain.errors import Refused

LARGEST: Final = 512 * 1024 * 1024
"""Bytes. containerd's release archives have about 35 MiB."""
_TIMEOUT: Final = httpx2.Timeout(60.0, connect=15.0)
_WHOLE_S: Final = 1800.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Told = Callable[[int, int], None]
"""Is told the bytes that are there, and of how many; 0 = the server does not say."""


def download(url: str, into: IO[bytes], told: Told = lambda _have, _of: None, *, most: int = LARGEST) -> str:
    """Writes the file at `url` to `into`. Returns its SHA-256, hexadecimal.

    Redirects are followed. Each address must be https, or http on this machine. Proxies come from the
    environment. Raises `Refused` RP039.
    """
    digest, have, end = hashlib.sha256(), 0, time.monotonic() + _WHOLE_S
    try:
        with (
            httpx2.Client(
                follow_redirects=True, timeout=_TIMEOUT, event_hooks={"request": [_refuse_plain]}
            ) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if answer.status_code != httpx2.codes.OK:
                raise refused(
                    f"{answer.url.host} answers {answer.status_code} {answer.reason_phrase}".strip()
                )
            size = answer.headers.get("Content-Length", "")
            of = int(size) if size.isdecimal() else 0
            for piece in answer.iter_raw(1 << 16):
                have += len(piece)
                if max(have, of) > most:
                    raise refused(f"it is larger than {most >> 20} MiB, which no release of containerd is")
                if time.monotonic() > end:
                    raise refused(f"it was not there within {_WHOLE_S / 60:.0f} minutes")
                into.write(piece)
                digest.update(piece)
                told(have, of)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise refused(f"{type(error).__name__}: {error}") from error
    return digest.hexdigest()


def _refuse_plain(request: httpx2.Request) -> None:
    """Also where a redirect leads: over plain HTTP others see, and may change, what is fetched."""
    url = request.url
    if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOOPBACK):
        raise refused(f"{url.scheme}://{url.host} is not https")


def refused(why: str) -> Refused:
    """The error for an archive that did not come."""
    return Refused(
        "RP039",
        "The bundle cannot be fetched",
        why,
        "Look at the address, the network and HTTPS_PROXY; or fetch it yourself and give --bundle the file.",
    )
