"""Writes JSON-like values as YAML for people: block style, keys in the order given, never an alias.

Strings that any YAML reader could take for something else are quoted: YAML 1.1 readers (kubectl, PyYAML) see
a boolean in `on` and a number in `0o17` or `1:30`, YAML 1.2 readers do not.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode
from ruamel.yaml.representer import SafeRepresenter

WIDTH: Final = 110

_AMBIGUOUS: Final = re.compile(
    r"""
      y | n | yes | no | on | off | true | false | null | ~ | = | <<
    | [-+]? 0 [xob]? [0-9a-f_]+
    | [-+]? [0-9][0-9_,]* (\.[0-9_]*)? (e[-+]?[0-9]+)?
    | [-+]? \. [0-9_]+ (e[-+]?[0-9]+)?
    | [-+]? \. (inf|nan)
    | [-+]? [0-9][0-9_]* (:[0-5]?[0-9])+ (\.[0-9_]*)?
    | [0-9]{4} - [0-9]{1,2} - [0-9]{1,2} .*
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
# Characters that a literal block keeps as they are. Everything else is escaped in double quotes.
_LITERAL: Final = re.compile(r"[\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\n]*")


class _Representer(SafeRepresenter):
    """Only the types of JSON; a value of any other type is a defect and raises RepresenterError."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        """Equal parts are written out: a reader of YAML needs no anchors."""
        return True

    def text(self, data: str) -> ScalarNode:
        """Plain where nobody can misread it, a literal block for lines, else quoted."""
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=_style(data))

    def mapping(self, data: Mapping[str, object]) -> MappingNode:
        """Keys in the order given (the base class sorts them)."""
        return self.represent_mapping("tag:yaml.org,2002:map", data.items())

    def number(self, data: float) -> ScalarNode:
        """With a point before the exponent, without which YAML 1.1 sees text."""
        text = repr(data)
        if "." not in text:
            text = text.replace("e", ".0e")
        return self.represent_scalar("tag:yaml.org,2002:float", text)


def _style(text: str) -> str | None:
    if not _LITERAL.fullmatch(text):
        return '"'
    if "\n" in text:
        # A literal block cannot begin with a blank or hold lines that end in one without becoming unreadable.
        lines = text.split("\n")
        tidy = not text[0].isspace() and all(line == line.rstrip() for line in lines)
        return "|" if tidy else '"'
    return "'" if _AMBIGUOUS.fullmatch(text) else None


_Representer.add_representer(str, _Representer.text)
_Representer.add_representer(float, _Representer.number)
_Representer.add_representer(dict, _Representer.mapping)


def write_yaml(value: Mapping[str, Any]) -> str:
    """YAML of one mapping of JSON values, one document, without `---`. The same value gives the same text."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = WIDTH
    text = io.StringIO()
    yaml.dump(value, text)
    return text.getvalue()
