"""What DBOS writes down is JSON. Its default is pickle: whoever writes the database would run code here."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from dbos._serialization import DefaultSerializer, Serializer

from replank.domain.errors import Hold, Refused, ReplankError, Transient
from replank.engine.json_only import as_json

_ERRORS: Final[dict[str, type[ReplankError]]] = {"Hold": Hold, "Refused": Refused, "Transient": Transient}


class JsonSerializer(Serializer):
    """Values as `{"value": ...}`, exceptions as `{"error": {...}}`. Raises `TypeError` for anything else.

    Of an exception that is not ours only the type's name is kept: its text may hold a secret.
    """

    def name(self) -> str:
        """Stands in the database beside every value."""
        return "replank_json"

    def serialize(self, data: Any) -> str:
        body = {"error": _parts(data)} if isinstance(data, BaseException) else {"value": as_json(data)}
        return json.dumps(body, sort_keys=True, ensure_ascii=False, allow_nan=False)

    def deserialize(cls, serialized_data: str) -> Any:
        body = json.loads(serialized_data)
        return _error(body["error"]) if "error" in body else body["value"]


def forbid_pickle() -> None:
    """DBOS reads a value by the serializer that its row names, so a row that names pickle would be obeyed."""
    for method in ("serialize", "deserialize"):
        setattr(DefaultSerializer, method, _refuse)


def _refuse(*_: object) -> NoReturn:
    raise TypeError("a pickled value in the workflow tables: replank neither reads nor writes these")


def _parts(error: BaseException) -> dict[str, Any]:
    if not isinstance(error, ReplankError):
        return {"type": type(error).__name__}
    kind = next((name for name, known in _ERRORS.items() if isinstance(error, known)), "Refused")
    return {
        "type": kind,
        "code": error.code,
        "what": error.what,
        "why": error.why,
        "todo": error.todo,
        "where": error.where,
    }


def _error(parts: dict[str, str]) -> Exception:
    kind = _ERRORS.get(parts["type"])
    if kind is None or "code" not in parts:
        return RuntimeError(f"the workflow ended in {parts['type']}")
    return kind(parts["code"], parts["what"], parts["why"], parts["todo"], where=parts["where"])
