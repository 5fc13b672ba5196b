"""`replank explain`."""

from __future__ import annotations

import click
from rich.markdown import Markdown
from rich.text import Text

from replank.app.console import out, print_json
from replank.audit.catalogue import CodeText, catalogue
from replank.domain.errors import Refused


@click.command("explain")
@click.argument("code", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(code: str | None, as_json: bool) -> None:
    """Print the long text of CODE with its source, or list all codes."""
    codes = catalogue()
    if code is None:
        _list(codes, as_json)
        return
    text = codes.get(code.upper())
    if text is None:
        raise Refused(
            "RP005",
            f"There is no code {code}",
            f"replank knows {len(codes)} codes, {min(codes)} to {max(codes)}",
            "Run `replank explain` without a code for the list.",
        )
    if as_json:
        print_json(_as_dict(text))
        return
    console = out()
    console.print(Text.assemble((f"{text.code} ", "bold"), (text.title, "bold")))
    console.print(Text(f"Severity: {text.severity}\nSource: {text.source}\n", style="dim"))
    console.print(Markdown(text.body))


def _list(codes: dict[str, CodeText], as_json: bool) -> None:
    if as_json:
        print_json([_as_dict(text) for text in codes.values()])
        return
    for text in codes.values():
        out().print(Text(f"{text.code}  {text.severity:<8} {text.title}"), soft_wrap=True)


def _as_dict(text: CodeText) -> dict[str, str]:
    return {
        "code": text.code,
        "title": text.title,
        "severity": text.severity,
        "source": text.source,
        "text": text.body,
    }
