"""What is no state is refused with a code and a remedy, whatever it is."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.audit.catalogue import catalogue
from replank.domain.errors import Refused, ReplankError
from replank.inventory.facts.codec import load
from replank.inventory.facts.terraform import StateFile
from replank.inventory.terraform import parse_state, server_ports

FIXTURES = Path(__file__).parent / "fixtures"


def parse(data: bytes, **more: Any) -> StateFile:
    return parse_state(data, source="a.tfstate", backend="local", **more)


def refusal(data: bytes, **more: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        parse(data, **more)
    assert caught.value.where == "a.tfstate"
    assert "PLANTED" not in str(caught.value)
    return caught.value


def outcome(data: bytes) -> str:
    """`read`, or the code of the refusal. What is read can be used and written."""
    try:
        state = parse(data)
    except ReplankError as error:
        return error.code
    server_ports(state.resources)
    repr(state).encode()
    return "read"


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("v1.tfstate", "RP023", "version 1"),
        ("v3.tfstate", "RP023", "0.12upgrade"),
        ("encrypted.tfstate", "RP024", "tofu state pull"),
        ("backend-pointer.tfstate", "RP025", "`pull`"),
        ("plan.json", "RP025", "plan"),
        ("future.tfstate", "RP026", "version is 5"),
    ],
)
def test_other_documents_are_named(name: str, code: str, words: str) -> None:
    error = refusal((FIXTURES / name).read_bytes())
    assert error.code == code
    assert words in str(error)


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "RP021", "empty"),
        (b" \n\t", "RP021", "empty"),
        (b"\xef\xbb\xbf", "RP021", "empty"),
        (b"PK\x03\x04rest", "RP025", "saved plan"),
        (b"\x1f\x8b\x08rest", "RP022", "gunzip"),
        (b"\x00\xff\xfe\x01binary", "RP022", "JSON"),
        (b"\xff\xfe\xff\xfe\xff", "RP022", "binary"),
        (b"<html><body>502</body></html>", "RP022", "line 1, column 1"),
        (b'{"version": 4, "resources": [', "RP022", "cut off"),
        (b'{"version": 4, "terraform_ver', "RP022", "cut off"),
        (b'{"version": 4, "serial": NaN}', "RP022", "number"),
        (b'{"version": 4, "serial": 1e999}', "RP022", "number"),
        (b"[" * 200_000, "RP022", "deep"),
        (b'{"a":' * 200_000, "RP022", "deep"),
        (b"[]", "RP025", "a list"),
        (b'"4"', "RP025", "a text"),
        (b"null", "RP025", "null"),
        (b"{}", "RP025", "neither"),
        (b'{"version": "4"}', "RP025", "a text"),
        (b'{"version": true}', "RP025", "a boolean"),
        (b'{"format_version": 1}', "RP025", "a number"),
        (b'{"format_version": "2.0"}', "RP026", "2.0"),
        (b'{"format_version": "1.0", "provider_schemas": {}}', "RP025", "another command"),
        (b'{"version": 4, "resources": {}}', "RP029", "resources is not a list"),
        (b'{"version": 4, "resources": [1]}', "RP029", "resources[0]"),
        (b'{"version": 4, "resources": [{"type": 1}]}', "RP029", "resources[0].type"),
        (b'{"version": 4, "serial": "1"}', "RP029", "serial"),
    ],
)
def test_bad_bytes_are_named(data: bytes, code: str, words: str) -> None:
    error = refusal(data)
    assert error.code == code
    assert words in str(error)


def test_a_state_above_the_limit_is_not_read() -> None:
    data = (FIXTURES / "v3.tfstate").read_bytes()
    assert refusal(data, limit=len(data) - 1).code == "RP027"
    assert refusal(data, limit=len(data)).code == "RP023"


def test_a_byte_order_mark_and_utf_16_are_read() -> None:
    text = (FIXTURES / "show.json").read_text()
    for encoding in ("utf-8-sig", "utf-16"):  # PowerShell's `>`
        assert len(parse(text.encode(encoding)).resources) == 5


def test_a_lone_surrogate_does_not_reach_the_snapshot() -> None:
    text = (FIXTURES / "flat.tfstate").read_text().replace("flat-cp-0", "flat-\\ud800-0")
    [server] = parse(text.encode()).resources
    assert server.attributes["name"] == "flat-?-0"


@pytest.mark.parametrize("code", [f"RP02{n}" for n in range(10)])
def test_every_code_has_a_text(code: str) -> None:
    assert len(catalogue()[code].body) > 100


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_replank_errors(data: bytes) -> None:
    with pytest.raises(ReplankError):
        parse(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "version": st.just(4) | JSON,
            "format_version": st.just("1.0") | JSON,
            "terraform_version": JSON,
            "serial": JSON,
            "resources": JSON,
            "values": JSON,
        },
    )
)
def test_random_json_raises_nothing_but_replank_errors(document: Any) -> None:
    assert outcome(json.dumps(document).encode()) in {"read", *catalogue()}


VALID = {
    name: json.loads((FIXTURES / name).read_text())
    for name in ("nested-modules.tfstate", "show.json", "flat.tfstate", "opentofu.tfstate")
}


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children: Any = (
        node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    )
    return [path, *(p for key, child in children for p in places(child, (*path, key)))]


PLACES = {name: places(document)[1:] for name, document in VALID.items()}


@given(st.data(), st.sampled_from(sorted(VALID)))
def test_a_mutated_state_is_read_or_refused_and_never_crashes(data: st.DataObject, name: str) -> None:
    document = copy.deepcopy(VALID[name])
    *way, last = data.draw(st.sampled_from(PLACES[name]))
    node = document
    for step in way:
        node = node[step]
    node[last] = data.draw(JSON)
    assert outcome(json.dumps(document).encode()) in {"read", *catalogue()}


@given(st.sampled_from(sorted(VALID)), st.integers(min_value=1))
def test_a_truncated_state_is_refused(name: str, cut: int) -> None:
    data = (FIXTURES / name).read_bytes().rstrip()
    with pytest.raises(Refused) as caught:
        parse(data[: cut % len(data)])
    assert caught.value.code in ("RP021", "RP022")


def test_a_state_is_no_snapshot() -> None:
    with pytest.raises(Refused) as caught:
        load((FIXTURES / "show.json").read_bytes(), where="x")
    assert caught.value.code == "RP031"
