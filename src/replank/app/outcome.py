"""How a command that carried runs on ends: a line a cluster, JSON, the exit status, and how to go on."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from replank.app.campaign import FAILED, Ending, Result
from replank.app.cli import EXIT_ATTENTION, EXIT_ERROR, EXIT_OK
from replank.app.console import err, print_json, show_error
from replank.app.plan_files import Rejected
from replank.report.words import printable

_STYLES: dict[Ending, str] = {"done": "green", "undone": "green", "refused": "bold red", "error": "bold red"}


def exit_status(results: Sequence[Result], rejected: Sequence[Rejected] = ()) -> int:
    """1 if anything was refused or failed, else 2 if anything waits, else 0."""
    if rejected or any(result.ending in FAILED for result in results):
        return EXIT_ERROR
    at_the_goal = all(result.ending in ("done", "undone") for result in results)
    return EXIT_OK if at_the_goal else EXIT_ATTENTION


def show_results(results: Sequence[Result], rejected: Sequence[Rejected] = (), *, as_json: bool) -> None:
    """On stderr for people; with `as_json` also on stdout for programs."""
    for result in results:
        if result.error is not None:
            show_error(result.error, subject=result.cluster)
        line = Text.assemble(
            (printable(result.cluster), "bold"), " ", (result.ending, _STYLES.get(result.ending, "yellow"))
        )
        if result.why and result.error is None:
            line.append(f": {printable(result.why)}")
        err().print(line, soft_wrap=True)
        for todo in how_to_go_on(result):
            err().print(Text(f"  {todo}"), soft_wrap=True)
    if as_json:
        print_json([_row(result) for result in results] + [_rejected(each) for each in rejected])


def how_to_go_on(result: Result) -> tuple[str, ...]:
    """Commands that make sense now."""
    run = result.run_id
    match result.ending:
        case "paused":
            return (f"go on:     replank resume {run}", f"give back: replank undo {run}")
        case "waiting-for-approval":
            return (
                f"on a terminal:  replank resume {run}   asks for the cluster's name",
                "elsewhere:      replank approve PLAN, then replank apply PLAN",
            )
        case "refused":
            return (
                f"why:       replank log {run}",
                f"go on:     replank resume {run}   when that is mended",
                f"give back: replank undo {run}",
            )
        case _:
            return ()


def _row(result: Result) -> dict[str, object]:
    row: dict[str, object] = {
        "cluster": result.cluster,
        "status": result.ending,
        "run": result.run_id,
        "why": result.why,
    }
    if result.error is not None:
        row["code"] = result.error.code
    return row


def _rejected(each: Rejected) -> dict[str, object]:
    error = each.error
    return {
        "cluster": each.subject,
        "status": "rejected",
        "run": "",
        "code": error.code,
        "why": error.reason,
        "todo": error.todo,
    }
