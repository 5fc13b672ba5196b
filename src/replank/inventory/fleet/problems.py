"""What is wrong in a fleet.yaml: every problem with its place, told in one error."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from replank.domain.errors import Refused
from replank.inventory.fleet.document import Document, Path, Position
from replank.inventory.fleet.schema import SCHEMA, known_keys

# More would not be read; the first ones are often the cause of the rest.
_SHOWN: Final = 30

_MESSAGES: Final[dict[str, str]] = {
    "string_type": "must be a text (put a number or `true` in quotes)",
    "bool_type": "must be `true` or `false`",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "list_type": "must be a list (`- ...`)",
    "dict_type": "must be a mapping (`key: value`)",
    "model_type": "must be a mapping (`key: value`)",
    "model_attributes_type": "must be a mapping (`key: value`)",
}


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem. `field`: like `clusters.prod-1.ssh.port`, "" for the whole file."""

    position: Position
    code: str
    field: str
    says: str

    def line(self, path: str) -> str:
        """`fleet.yaml:3:5 clusters.prod-1.ssh.usr: ... [RP011]`"""
        field = f" {self.field}" if self.field else ""
        return f"{path}:{self.position.line}:{self.position.column}{field}: {self.says} [{self.code}]"


def refuse(problems: Iterable[Problem], path: str) -> Refused:
    """The error that tells all problems, in the order of the file, with the first one's code and place."""
    ordered = sorted(set(problems))
    first = ordered[0]
    where = f"{path}:{first.position.line}:{first.position.column}"
    todo = f"Mend fleet.yaml; `replank explain {first.code}` tells more."
    if len(ordered) == 1:
        field = f"`{first.field}` " if first.field else ""
        return Refused(first.code, "fleet.yaml cannot be used", f"{field}{first.says}", todo, where=where)
    lines = [problem.line(path) for problem in ordered[:_SHOWN]]
    if len(ordered) > _SHOWN:
        lines.append(f"and {len(ordered) - _SHOWN} more")
    return Refused(
        first.code,
        "fleet.yaml cannot be used",
        f"it has {len(ordered)} problems:\n  " + "\n  ".join(lines),
        todo,
        where=where,
    )


def field_name(path: Path) -> str:
    """`clusters.prod-1.state[0].file`"""
    name = ""
    for step in path:
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else step
    return name


def duplicate_problems(document: Document) -> list[Problem]:
    """One problem for each key that stands twice."""
    return [
        Problem(
            found.second,
            "RP012",
            field_name(found.path),
            f"stands twice: first in line {found.first.line}, again in line {found.second.line}",
        )
        for found in document.duplicates
    ]


def validation_problems(error: ValidationError, document: Document) -> list[Problem]:
    """Pydantic's errors as problems. No value of the file is repeated: it may be a pasted secret."""
    return [
        _problem(tuple(entry["loc"]), entry["type"], entry["msg"], entry.get("ctx") or {}, document)
        for entry in error.errors(include_url=False, include_input=False)
    ]


def _problem(path: Path, kind: str, message: str, context: dict[str, Any], document: Document) -> Problem:
    position, field = document.position(path), field_name(path)
    if kind == "extra_forbidden":
        return Problem(position, "RP011", field, _unknown_key(path))
    if path == ("schema",):
        code = "RP016" if kind == "missing" else "RP017"
        return Problem(
            position, code, field, f"must be `{SCHEMA}`, so that replank knows how to read the rest"
        )
    if kind == "missing":
        return Problem(position, "RP016", field, "is missing")
    if kind in ("literal_error", "enum"):
        says = f"must be one of {context.get('expected', '')}"
    elif kind == "value_error":
        says = f"is not valid: {context.get('error', message)}"
    else:
        says = _MESSAGES.get(kind, re.sub(r"^Input ", "", message))
    return Problem(position, "RP013", field, says)


def _unknown_key(path: Path) -> str:
    known = known_keys(path[:-1])
    near = difflib.get_close_matches(str(path[-1]), known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(sorted(known))}"
    return f"is not a known key; {hint}"
