"""Flags of a Go component's command line (spf13/pflag), as a list of names and values."""

from __future__ import annotations

from collections.abc import Sequence

from replank.inventory.facts.kubernetes import ExtraArg


def parse_flags(words: Sequence[str]) -> tuple[ExtraArg, ...]:
    """The flags in `words`, in order; a word before the first flag is the program and is left out.

    `--name=value`, `--name value` and `-v 2` are the same to these programs. A flag without a value is
    `true`: that is what pflag makes of a boolean (pflag, flag.go parseLongArg, NoOptDefVal). None of the
    components takes positional arguments, so a word after a bare flag is its value.
    """
    flags: list[ExtraArg] = []
    bare = ""
    for word in words:
        if word.startswith("-") and word.strip("-"):
            if bare:
                flags.append(ExtraArg(name=bare, value="true"))
            name, equals, value = word.lstrip("-").partition("=")
            bare = "" if equals else name
            if equals:
                flags.append(ExtraArg(name=name, value=value))
        elif bare:
            flags.append(ExtraArg(name=bare, value=word))
            bare = ""
    if bare:
        flags.append(ExtraArg(name=bare, value="true"))
    return tuple(flags)


def flag_value(flags: Sequence[ExtraArg], name: str) -> str:
    """The value that counts: the last one. "" if the flag is not there."""
    return next((flag.value for flag in reversed(flags) if flag.name == name), "")
