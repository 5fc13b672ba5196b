"""Run reports on disk: one page and one JSON file a run, written anew each time."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from replank.app.runs import plan_of
from replank.app.store import write_private
from replank.plan.codec import AnyPlan
from replank.ports.journal import Journal
from replank.report.run.model import RunReport


def write_report(report: RunReport, folder: Path) -> Path:
    """Writes `<folder>/<run>.html` and `.json`; the page's path. Raises `Refused` RP001."""
    from replank.report.html.run_page import render_run

    page = folder / f"{report.run_id}.html"
    data = json.dumps(as_dict(report), indent=2, ensure_ascii=False) + "\n"
    write_private(folder / f"{report.run_id}.json", data.encode())
    write_private(page, render_run(report).encode())
    return page


def as_dict(report: RunReport) -> dict[str, Any]:
    """What the JSON file holds."""
    from replank.report.run.report import run_dict

    return run_dict(report)


async def report_of(journal: Journal, run_id: str, plan: AnyPlan | None = None) -> RunReport:
    """As of now. `plan`: of the run, where somebody has read it already."""
    from replank.report.run.report import run_report

    known = plan or plan_of(await journal.run(run_id))
    return run_report(known, await journal.events(run_id), run_id=run_id, at=time.time())
