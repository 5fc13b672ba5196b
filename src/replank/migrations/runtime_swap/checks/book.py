"""The rules of a runtime swap's audit."""

from __future__ import annotations

from typing import Final

from replank.audit.rule import RuleBook

BOOK: Final = RuleBook()
rule: Final = BOOK.rule
