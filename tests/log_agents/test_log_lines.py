"""The reference model of both log formats."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.inventory.log_agents.lines import (
    NotALine,
    Record,
    join,
    parse,
    parse_cri,
    parse_docker,
    utf8_as_docker_has_it,
    write_cri,
    write_docker,
)
from tests.log_agents.corpus import corpus

TIMES = st.sampled_from(
    ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00.1Z", "2026-05-01T12:00:00.123456789+02:00")
)
CONTENTS = st.binary(max_size=60).map(lambda found: found.replace(b"\n", b"?"))
RECORDS = st.lists(
    st.builds(Record, time=TIMES, stream=st.sampled_from(("stdout", "stderr")), content=CONTENTS), max_size=12
)
SPLITS = st.integers(min_value=1, max_value=17)


def read(data: bytes) -> list[Record]:
    return list(join(parse(line) for line in data.split(b"\n")[:-1]))


@given(records=RECORDS, split=SPLITS)
def test_cri_gives_back_every_byte(records: list[Record], split: int) -> None:
    assert read(write_cri(records, split=split)) == records


@given(records=RECORDS, split=SPLITS)
def test_docker_gives_back_what_is_utf8(records: list[Record], split: int) -> None:
    wanted = [
        Record(time=r.time, stream=r.stream, content=utf8_as_docker_has_it(r.content, split=split))
        for r in records
    ]
    assert read(write_docker(records, split=split)) == wanted


@given(content=st.text(max_size=80).filter(lambda text: "\n" not in text))
def test_docker_keeps_text_that_is_not_split(content: str) -> None:
    record = Record(time="2026-05-01T10:00:00Z", stream="stdout", content=content.encode())
    assert read(write_docker([record])) == [record]


@given(records=RECORDS, split=SPLITS)
def test_a_file_may_hold_both_formats(records: list[Record], split: int) -> None:
    ascii_only = [Record(time=r.time, stream=r.stream, content=r.content.hex().encode()) for r in records]
    both = write_docker(ascii_only, split=split) + write_cri(ascii_only, split=split)
    assert read(both) == [*ascii_only, *ascii_only]


def test_partial_lines_of_two_streams_do_not_mix() -> None:
    lines = (
        b"2026-05-01T10:00:00Z stdout P out-\n2026-05-01T10:00:01Z stderr P err-\n"
        b"2026-05-01T10:00:02Z stdout F 1\n2026-05-01T10:00:03Z stderr F 2\n"
    )
    assert [(record.stream, record.content) for record in read(lines)] == [
        ("stdout", b"out-1"),
        ("stderr", b"err-2"),
    ]


def test_an_empty_line_is_a_record() -> None:
    assert parse_cri(b"2026-05-01T10:00:00Z stdout F ").content == b""
    assert parse_docker(b'{"log":"\\n","stream":"stdout","time":"2026-05-01T10:00:00Z"}').full


def test_further_tags_are_read_over() -> None:
    assert parse_cri(b"2026-05-01T10:00:00Z stdout P:x hel") == parse_cri(
        b"2026-05-01T10:00:00Z stdout P hel"
    )


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"2026-05-01T10:00:00Z stdout F",
        b"2026-05-01T10:00:00Z stdout X x",
        b"2026-05-01T10:00:00Z stdin F x",
        b"today stdout F x",
        b"{",
        b"[1]",
        b'{"log":1,"stream":"stdout","time":"2026-05-01T10:00:00Z"}',
    ],
)
def test_what_is_no_line_is_refused(line: bytes) -> None:
    with pytest.raises(NotALine):
        parse(line)


def test_docker_escapes_as_go_does() -> None:
    """Compared once with Go's encoding/json: U+FFFD for each bad byte, all of them and <, >, &, U+2028
    escaped.
    """
    record = Record(
        time="2026-05-01T10:00:00Z", stream="stdout", content="<&>\u2028".encode() + b"\xff\xe2\x82"
    )
    written = write_docker([record])
    assert rb'"\u003c\u0026\u003e\u2028\ufffd\ufffd\ufffd\n"' in written


@pytest.mark.parametrize("seed", range(5))
def test_the_corpus_comes_out_whole_by_the_reference_model(seed: int) -> None:
    made = corpus(seed, 300)
    assert [record.content for record in read(made.docker)] == list(made.docker_contents)
    assert [record.content for record in read(made.cri)] == list(made.cri_contents)
    assert len(made.docker.splitlines()) > 300
    assert b"+02:00 " in made.cri
    assert b" F \n" in made.cri
    assert b" P " in made.cri
    assert b"\xff" in made.cri
