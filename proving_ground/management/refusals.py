"""Asks each manager's webhook to refuse a wrong object: its readiness says nothing of the way to it."""

from __future__ import annotations

from pathlib import Path

import yaml

from proving_ground.engine.parts import Ready
from proving_ground.management.api import Answer, Api
from proving_ground.management.manifests import Document

PROBES = Path(__file__).parent / "probes"


def wrong_object(manager: str) -> Document:
    """An object that the manager's webhook refuses, and that the CRD's own schema takes."""
    document: Document = yaml.safe_load((PROBES / f"{manager}.yaml").read_text())
    return document


def is_refusal(answer: Answer) -> bool:
    """Whether a webhook answered, and said no (apiserver's plugin/webhook/errors ToStatusErr)."""
    return "admission webhook" in answer.message and "denied the request" in answer.message


def refuses(api: Api, manager: str) -> Ready:
    """Ready when the manager's webhook refuses its wrong object. Nothing is written."""

    def ask() -> str:
        answer = api.create(wrong_object(manager), dry_run=True)
        return "" if is_refusal(answer) else f"its webhook does not answer: {answer.status} {answer.message}"

    return ask
