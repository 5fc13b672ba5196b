"""Listings as OpenStack's services make them: filters, markers, limits, and the link to the next page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from replank.testbed.world import Document

# Query parameters that say how to list, not what.
_CONTROL = frozenset(
    {
        "limit",
        "marker",
        "offset",
        "sort_key",
        "sort_dir",
        "sort",
        "fields",
        "usage",
        "all_tenants",
        "page_reverse",
    }
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `marker`: of the next page, None on the last one."""

    items: list[Document]
    marker: str | None


def matching(documents: Sequence[Document], query: Mapping[str, str], project_id: str) -> list[Document]:
    """The documents whose fields equal the query's. A field that no document has is ignored, as Nova does."""
    wanted = {name: value for name, value in query.items() if name not in _CONTROL}
    return [d for d in documents if all(_matches(d, n, v, project_id) for n, v in wanted.items())]


def _matches(document: Document, name: str, value: str, project_id: str) -> bool:
    if name in ("project_id", "tenant_id", "owner"):
        return value == (document.get("project_id") or document.get("tenant_id") or project_id)
    if name not in document:
        return True
    found = document[name]
    if isinstance(found, bool):
        return str(found).lower() == value.lower()
    return str(found) == value


def image_matches(document: Document, query: Mapping[str, str]) -> bool:
    """Glance hides what is marked `os_hidden`, and community images that nobody asked for."""
    hidden = query.get("os_hidden", "false").lower() == "true"
    visibility = query.get("visibility", "")
    if bool(document.get("os_hidden", False)) != hidden:
        return False
    if visibility in ("", "all"):
        return visibility == "all" or document.get("visibility") != "community"
    return bool(document.get("visibility") == visibility)


def page_of(documents: Sequence[Document], query: Mapping[str, str], page_size: int, key: str = "id") -> Page:
    """The page that `limit` and `marker` ask for; a service never gives more than `page_size` at once."""
    limit = min(int(query["limit"]), page_size) if query.get("limit") else page_size
    start = 0
    if marker := query.get("marker"):
        start = next((i + 1 for i, d in enumerate(documents) if d.get(key) == marker), len(documents))
    if offset := query.get("offset"):
        start = int(offset)
    items = list(documents[start : start + limit])
    more = start + limit < len(documents)
    return Page(items=items, marker=str(items[-1].get(key)) if more and items else None)


def next_url(url: str, query: Mapping[str, str], marker: str) -> str:
    """The same listing behind `marker`."""
    return f"{url}?{urlencode({**query, 'marker': marker})}"


def one(documents: Sequence[Document], id_: str, key: str = "id") -> Document | None:
    """The document of that ID."""
    return next((d for d in documents if d.get(key) == id_), None)


def named_like(documents: Sequence[Document], pattern: str) -> list[Document]:
    """Nova's `name` filter is a regular expression."""
    return [d for d in documents if re.search(pattern, str(d.get("name", "")))]
