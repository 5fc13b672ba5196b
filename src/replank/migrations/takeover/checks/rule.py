"""The takeover's rules: its own book of the form in `audit/rule.py`."""

from __future__ import annotations

from typing import Final

from replank.audit.rule import Rule, RuleBook, Sighting, Unseen, seen, some, unseen

_BOOK: Final = RuleBook()
TAKEOVER_CHECKS: Final = _BOOK.checks
RULES: Final = _BOOK.rules
rule: Final = _BOOK.rule

__all__ = ["RULES", "TAKEOVER_CHECKS", "Rule", "Sighting", "Unseen", "rule", "seen", "some", "unseen"]
