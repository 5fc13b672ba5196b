"""Listing and reading of the APIs' JSON documents.

openstacksdk opens the project, finds endpoints and versions; the documents themselves are read here by the
names that the APIs give them, so that what is kept is an allow-list. The SDK's resource objects would carry
everything (user data, admin passwords) and cost ten times the CPU of the JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from openstack.proxy import Proxy

Document = Mapping[str, Any]


class Unreadable(Exception):
    """A document is not of the documented shape. The text names the field, never its value."""


def get(
    service: Proxy, path: str, params: Mapping[str, Any] | None = None, *, microversion: str | None = None
) -> Document:
    """One GET. `microversion`: None = the client's own. Raises the SDK's HttpException for every 4xx and
    5xx."""
    from openstack.exceptions import raise_from_response

    # None would stand in the way of the client's own.
    version: dict[str, Any] = {"microversion": microversion} if microversion else {}
    response = service.request(
        path,
        "GET",
        params=dict(params or {}),
        headers={"Accept": "application/json"},
        skip_cache=True,
        **version,
    )
    raise_from_response(response)
    try:
        document = response.json()
    except ValueError as error:
        raise Unreadable("it is not JSON") from error
    if not isinstance(document, dict):
        raise Unreadable("it is not a JSON object")
    return document


def list_all(
    service: Proxy,
    path: str,
    key: str,
    *,
    params: Mapping[str, Any] | None = None,
    microversion: str | None = None,
) -> list[Document]:
    """All pages of a listing. `microversion`: see `get`.

    Follows `<key>_links` (Nova, Neutron, Cinder, Octavia) or `next` (Glance), of which only the query is
    used: behind a TLS proxy services write links with the wrong scheme or host.
    """
    query: dict[str, Any] = dict(params or {})
    found: list[Document] = []
    markers: set[str] = set()
    while True:
        page = get(service, path, query, microversion=microversion)
        items = page[key]
        if not isinstance(items, list):
            raise Unreadable(f"{key} is not a list")
        found.extend(items)
        link = _next_link(page, key)
        if not link or not items:
            return found
        following = parse_qs(urlsplit(link).query)
        marker = "".join(following.get("marker", []))
        if not marker or marker in markers:
            raise Unreadable(f"the pages of {key} never end")
        markers.add(marker)
        query = {**query, **following}


def list_by_offset(service: Proxy, path: str, key: str) -> list[Document]:
    """All pages of Nova's server groups, which know `offset` but neither marker nor link.

    The end is an empty page: `limit` may be lowered by the service without a word.
    """
    found: list[Document] = []
    while True:
        items = get(service, path, {"limit": 1000, "offset": len(found)})[key]
        if not items:
            return found
        if any(items[0] == known for known in found):
            raise Unreadable(f"the pages of {key} never end")
        found.extend(items)


def by_id(documents: Iterable[Document]) -> tuple[dict[str, Any], ...]:
    """Copies, sorted by ID."""
    return tuple(sorted(map(dict, documents), key=lambda document: str(document["id"])))


def _next_link(page: Document, key: str) -> str:
    for link in page.get(f"{key}_links") or ():
        if link.get("rel") == "next":
            return str(link.get("href", ""))
    return str(page.get("next") or "")


def text(document: Document, key: str) -> str:
    """A text; "" for null or absent."""
    value = document.get(key)
    return "" if value is None else str(value)


def texts(document: Document, key: str) -> tuple[str, ...]:
    """A list of texts, sorted, equal ones once."""
    return tuple(sorted({str(v) for v in document.get(key) or ()}))


def integer(document: Document, key: str, default: int = 0) -> int:
    """A number; `default` for null or absent. Raises `Unreadable`."""
    value = document.get(key)
    if value is None:
        return default
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise Unreadable(f"{key} is not a number") from error


def optional_integer(document: Document, key: str) -> int | None:
    """A number, or None for null or absent. Raises `Unreadable`."""
    return None if document.get(key) is None else integer(document, key)


def flag(document: Document, key: str, default: bool = False) -> bool:
    """A boolean; Cinder and Nova write some as "true", "True" or ""."""
    value = document.get(key)
    if value is None:
        return default
    return value.lower() == "true" if isinstance(value, str) else bool(value)


def inner(document: Document, key: str) -> Document:
    """An object inside; empty for null, absent or ""."""
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def ids(items: Sequence[Document] | None) -> tuple[str, ...]:
    """The sorted IDs of a list of references."""
    return tuple(sorted({str(item["id"]) for item in items or ()}))
