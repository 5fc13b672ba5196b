"""The files of a root module and of its local modules, as one configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.configuration import (
    Configuration,
    ConfigurationBlock,
    ConfigurationFile,
    ConfigurationReference,
)
from replank.inventory.terraform.configuration.hcl import parse_hcl
from replank.inventory.terraform.configuration.hcl_json import parse_json
from replank.inventory.terraform.configuration.parsed import Mention, NotParsed, ParsedFile

UNREAD = "RP960"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleFile:
    """A file of a module. `module`: `module.a.module.b`, "" for the root. `name`: from the root's folder."""

    module: str
    name: str
    parsed: Fact[ParsedFile]


def parse_file(name: str, data: bytes) -> Fact[ParsedFile]:
    """The file, or why it could not be read. What stands in it is not quoted: it may be a secret."""
    try:
        return parse_json(data) if name.endswith(".json") else parse_hcl(data)
    except NotParsed as error:
        form = "JSON configuration" if name.endswith(".json") else "HCL"
        return Unknown(f"line {error.line} is not understood as {form}", UNREAD)
    except RecursionError:
        return Unknown("something in it is nested too deeply", UNREAD)


def configuration(
    files: Iterable[ModuleFile],
    *,
    folder: str,
    unread: Iterable[ConfigurationFile] = (),
    workspaces: tuple[str, ...] = (),
    opentofu: bool = False,
) -> Configuration:
    """All files together, sorted by name and line. `unread`: modules that could not be looked into."""
    read = sorted(files, key=lambda f: (f.name, f.module))
    lines = {f.name: f.parsed if isinstance(f.parsed, Unknown) else f.parsed.lines for f in read}
    parsed = [(f, f.parsed) for f in read if not isinstance(f.parsed, Unknown)]
    return Configuration(
        folder=folder,
        files=(
            *(ConfigurationFile(name=name, lines=number) for name, number in sorted(lines.items())),
            *sorted(unread, key=lambda f: f.name),
        ),
        blocks=tuple(
            ConfigurationBlock(
                type=b.type,
                name=b.name,
                file=f.name,
                first_line=b.first_line,
                last_line=b.last_line,
                module=f.module,
                repeated=b.repeated,
            )
            for f, file in parsed
            for b in file.blocks
        ),
        references=tuple(_reference(f, m) for f, file in parsed for m in file.mentions),
        workspaces=workspaces,
        opentofu=opentofu,
    )


def _reference(file: ModuleFile, found: Mention) -> ConfigurationReference:
    parts = (file.module, found.module, found.type, found.name)
    return ConfigurationReference(
        file=file.name,
        line=found.line,
        inside=found.inside,
        module=file.module,
        argument=found.argument,
        block=".".join(part for part in parts if part),
        key=found.key,
        index=found.index,
        attribute=found.attribute,
        more=found.more,
    )
