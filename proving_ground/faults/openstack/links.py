"""Links in OpenStack's answers lead to where the service thinks it is: the proxy makes them lead to itself.

Catalogues, version documents and the next page of a listing all hold them; a client that follows one would
leave the proxy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

LINKS = frozenset({"url", "href", "self", "next", "previous"})
"""Keys of links: `url` in Keystone's catalogue, the others in documents of all services. Other texts stay as
they are, whatever they hold: user data and metadata are not ours to change."""


def rewritten(body: bytes, origins: Mapping[str, str]) -> bytes:
    """A JSON body with its links led elsewhere. `origins`: `http://host:port` -> what takes its place.

    A body without any of the origins comes back byte by byte, and so does one that is not JSON.
    """
    if not any(origin.encode() in body for origin in origins):
        return body
    try:
        document = json.loads(body)
    except ValueError:
        return body
    return json.dumps(_walk(document, origins)).encode()


def led(url: str, origins: Mapping[str, str]) -> str:
    """One URL, led elsewhere if it begins with one of the origins."""
    for origin, other in origins.items():
        if url == origin or url.startswith((f"{origin}/", f"{origin}?")):
            return other + url.removeprefix(origin)
    return url


def _walk(value: object, origins: Mapping[str, str]) -> object:
    if isinstance(value, dict):
        return {
            key: led(inner, origins) if key in LINKS and isinstance(inner, str) else _walk(inner, origins)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_walk(inner, origins) for inner in value]
    return value
