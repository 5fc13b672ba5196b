"""How pages are made of templates."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from replank.plan.model import Irreversible
from replank.report.html.inline import breakable, prose
from replank.report.manifests import secret_source
from replank.report.time_words import clock, fine_moment, lasting, moment
from replank.report.words import count, kind_word, owner_word, plural, printable, sentence, short_id


@cache
def environment() -> Environment:
    """Templates that escape everything, with the words of the reports as filters, and the one stylesheet."""
    made = Environment(
        loader=PackageLoader("replank.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    style = files("replank.report.html").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # Markup, or the stylesheet's quotes would be escaped and its hash would not fit.
    made.globals |= {"style": Markup(style), "style_sha256": digest}  # noqa: S704
    made.filters |= {
        "owner": owner_word,
        "kind": kind_word,
        "short": short_id,
        "sentence": sentence,
        "plural": plural,
        "source": secret_source,
        "compact": _compact,
    }
    made.globals |= {"count": count}
    made.filters |= {"prose": prose, "breakable": breakable}
    made.filters |= {"moment": moment, "clock": clock, "fine_moment": fine_moment, "lasting": lasting}
    made.tests["irreversible"] = lambda undo: isinstance(undo, Irreversible)
    return made


def _visible(value: object) -> object:
    """Characters that could hide or reorder text on the page are spelled out."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _compact(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
