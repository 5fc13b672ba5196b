"""Listings of generic documents, page by page."""

from __future__ import annotations

from dataclasses import replace

from replank.ports.access import Document
from replank.transports.kubernetes.call import Call
from replank.transports.kubernetes.errors import ListExpired, not_understood
from replank.transports.kubernetes.line import Line


async def all_items(line: Line, call: Call, page: int) -> list[Document]:
    """All items of a list call. `page`: objects in one answer. Raises `ReplankError`."""
    try:
        return await _items(line, call, page)
    except ListExpired:
        # As ApiSession: the continue token grew too old, so one large answer.
        return await _items(line, call, 0)


async def _items(line: Line, call: Call, page: int) -> list[Document]:
    found: list[Document] = []
    token = ""
    while True:
        query = dict(call.query)
        if page:
            query["limit"] = str(page)
        if token:
            query["continue"] = token
        answer = await line.json(replace(call, query=query))
        items, about = answer.get("items"), answer.get("metadata") or {}
        if not isinstance(items, list) or not isinstance(about, dict):
            raise not_understood(call.what, "the answer is no list", "")
        found += items
        token = about.get("continue") or ""
        if not token:
            return found
