"""Addresses and provider names, as Terraform writes them.

Source: Terraform v1.11, internal/addrs/{instance_key,module_instance,provider_config}.go. The quoting of keys
was compared with what `terraform state list` v1.11.4 prints.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}

# `module.x.provider["host/namespace/type"].alias`, `provider.openstack.alias`, `openstack`
_PROVIDER: Final = re.compile(
    r'(?:^|.*?\.)provider(?:\["(?P<source>[^"]*)"\]|\.(?P<legacy>[^.\[]+))(?P<rest>.*)$'
)


def instance_key(index: int | str | None) -> str:
    """`[0]`, `["a"]`, or "" for a resource without `count` and `for_each`."""
    if index is None:
        return ""
    return f"[{index}]" if isinstance(index, int) else f"[{_quoted(index)}]"


def resource_address(module: str, mode: str, resource_type: str, name: str, index: int | str | None) -> str:
    """The address of one instance. `module`: its module's address, "" for the root."""
    data = "data." if mode == "data" else ""
    prefix = f"{module}." if module else ""
    return f"{prefix}{data}{resource_type}.{name}{instance_key(index)}"


def _quoted(text: str) -> str:
    """Go's `toHCLQuotedString`: template introducers are doubled, unprintable characters become `\\uXXXX`."""
    out = []
    for i, char in enumerate(text):
        if char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif char in "$%" and text[i + 1 : i + 2] == "{":
            out.append(char * 2)
        elif _printable(char):
            out.append(char)
        else:
            out.append(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}")
    return '"' + "".join(out) + '"'


def _printable(char: str) -> bool:
    """Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space."""
    return char == " " or unicodedata.category(char)[0] in "LMNPS"


def provider_name(text: str) -> tuple[str, str]:
    """Source address without host, and alias, of a provider as a state writes it.

    `provider["registry.terraform.io/terraform-provider-openstack/openstack"].eu` gives
    (`terraform-provider-openstack/openstack`, `eu`), and `provider.openstack.eu` of 0.12 gives (`openstack`,
    `eu`). What `terraform show -json` writes has no alias. OpenTofu's may have a key: `by_region["eu"]`.
    """
    match = _PROVIDER.match(text)
    if match is None:
        return _without_host(text), ""
    source = match["source"] if match["source"] is not None else match["legacy"]
    return _without_host(source), match["rest"].removeprefix(".")


def _without_host(source: str) -> str:
    parts = source.split("/")
    return "/".join(parts[1:]) if len(parts) > 2 else source


_STEP: Final = re.compile(
    r'(?P<name>[^.\[\]"]+)(?P<key>\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\])?(?:\.|$)', re.DOTALL
)


def enclosing(address: str) -> tuple[str, ...]:
    """Everything `address` lies in, and itself, each with and without its instance key, outermost first.

    `module.a["k"].x.y[0]` gives `module.a`, `module.a["k"]`, `module.a["k"].x.y`, `module.a["k"].x.y[0]`.
    An address that cannot be taken apart gives only itself.
    """
    steps = []
    position = 0
    while position < len(address):
        match = _STEP.match(address, position)
        if match is None:
            return (address,)
        steps.append(match)
        position = match.end()
    found = []
    start = 0
    while start + 1 < len(steps) and steps[start]["name"] == "module":
        module = steps[start + 1]
        found += [address[: module.end("name")], address[: module.end("key")] if module["key"] else ""]
        start += 2
    if steps and steps[-1]["key"]:
        found.append(address[: steps[-1].end("name")])
    found.append(address)
    return tuple(dict.fromkeys(part for part in found if part))


def without_keys(address: str) -> str:
    """The block's address: as `dependencies` in a state and `from` in a `removed` block name it. An address
    that cannot be taken apart stays as it is."""
    steps = list(_STEP.finditer(address))
    whole = "".join(step[0] for step in steps) == address
    return ".".join(step["name"] for step in steps) if whole else address


def block_address(module: str, resource_type: str, name: str) -> str:
    """The address of a resource block. `module`: with or without instance keys, "" for the root."""
    return without_keys(resource_address(module, "managed", resource_type, name, None))
