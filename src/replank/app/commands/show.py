"""`replank show`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import RenderableType

from replank.app.console import err, out, print_json
from replank.app.options import json_option
from replank.app.store import read_file, write_private
from replank.plan import codec
from replank.plan.codec import AnyPlan
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.plan.takeover import takeover_of


@click.command("show")
@click.argument("plan_file", metavar="PLAN", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write one self-contained page to this file.",
)
@click.option(
    "--manifests",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the manifests to this folder.",
)
@click.option(
    "--forget",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write what Terraform must forget to this folder: `removed` and `import` blocks, commands, README.",
)
@json_option
def command(
    plan_file: Path, html: Path | None, manifests: Path | None, forget: Path | None, as_json: bool
) -> None:
    """Show PLAN: in the terminal, or as a page, or its manifests and Terraform's part as files."""
    plan = codec.load(read_file(plan_file, what="The plan"), where=str(plan_file))
    if html is not None:
        from replank.report.html.page import render_plan

        write_private(html, render_plan(takeover_of(plan, "page")).encode())
        err().print(f"page: {html}", highlight=False)
    if manifests is not None:
        from replank.report.manifests import manifest_files

        for name, text in manifest_files(takeover_of(plan, "manifests")).items():
            write_private(manifests / name, text.encode())
        err().print(f"manifests: {manifests}/", highlight=False)
    if forget is not None:
        from replank.report.forget_files import forget_files

        for name, text in forget_files(takeover_of(plan, "part of Terraform")).items():
            write_private(forget / name, text.encode())
        err().print(f"what Terraform must forget: {forget}/", highlight=False)
    if as_json:
        print_json(codec.to_dict(plan))
    elif html is None and manifests is None and forget is None:
        out().print(_view(plan))


def _view(plan: AnyPlan) -> RenderableType:
    from replank.report.terminal.plan_view import plan_view
    from replank.report.terminal.swap_view import swap_view

    return swap_view(plan) if isinstance(plan, RuntimeSwapPlan) else plan_view(plan)
