"""JSON documents: copies, RFC 7386 merge patches and RFC 6902 patches. Pure."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from typing import Any

Document = dict[str, Any]


class PatchRefused(ValueError):
    """A JSON patch does not fit the document. `test`: it was a test operation that failed."""

    def __init__(self, message: str, *, test: bool = False) -> None:
        super().__init__(message)
        self.test = test


def copied(value: Any) -> Any:
    """A deep copy of a JSON value: plain dicts, lists and scalars. By way of marshal, ten times quicker than
    copy.deepcopy; a simulation copies hundred thousands of documents. Others are copied as `plain` does it.
    """
    try:
        return unpacked(packed(value))
    except ValueError:
        return plain(value)


def packed(value: Any) -> bytes:
    """A JSON value as bytes that can be a key; for this process alone. Raises ValueError for other values."""
    return marshal.dumps(value)


def unpacked(value: bytes) -> Any:
    """A new copy of what was packed."""
    return marshal.loads(value)  # noqa: S302  (what this process has packed)


def plain(value: Any) -> Any:
    """A deep copy in which every mapping is a dict and every sequence a list."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def merged(document: Any, patch: Any) -> Any:
    """RFC 7386: None in the patch removes a key."""
    if not isinstance(patch, Mapping):
        return plain(patch)
    result = dict(document) if isinstance(document, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def patched(document: Document, operations: Sequence[Mapping[str, Any]]) -> Document:
    """RFC 6902: test, add, replace, remove. Raises `PatchRefused`; `document` stays as it is."""
    result: Document = copied(document)
    for operation in operations:
        _operate(result, operation)
    return result


def _operate(document: Document, operation: Mapping[str, Any]) -> None:
    path = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
    parent: Any = document
    for part in path[:-1]:
        parent = _child(parent, part, operation["path"])
    last = path[-1]
    match operation["op"]:
        case "test":
            if _child(parent, last, operation["path"], missing=None) != operation["value"]:
                raise PatchRefused(f"test {operation['path']} failed", test=True)
        case "remove":
            _child(parent, last, operation["path"])
            del parent[int(last) if isinstance(parent, list) else last]
        case "replace":
            _child(parent, last, operation["path"])
            parent[int(last) if isinstance(parent, list) else last] = plain(operation["value"])
        case "add" if isinstance(parent, list):
            parent.insert(len(parent) if last == "-" else int(last), plain(operation["value"]))
        case "add":
            parent[last] = plain(operation["value"])
        case other:
            raise PatchRefused(f"no operation {other}")


_RAISE = object()


def _child(parent: Any, part: str, path: str, missing: Any = _RAISE) -> Any:
    if isinstance(parent, Mapping) and part in parent:
        return parent[part]
    if isinstance(parent, list) and part.isdigit() and int(part) < len(parent):
        return parent[int(part)]
    if missing is _RAISE:
        raise PatchRefused(f"{path} is not there")
    return missing
