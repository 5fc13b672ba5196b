"""The record says the same as the samples, also where the sampler was killed."""

from __future__ import annotations

import io
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_samples import head, lines, samples, stats

from replank.domain.errors import Refused
from replank.probe.judge import ProbeResult
from replank.probe.record import LOST, result_dict, result_from, result_of
from replank.probe.recorder import Recorder


def read(text: list[str]) -> ProbeResult:
    return result_of(text, where="record")


@given(st.text(alphabet=".F?", min_size=1, max_size=60))
def test_what_is_read_is_what_was_sampled(marks: str) -> None:
    (target,) = read(lines(marks)).targets
    expected = stats(marks)
    assert target.stats.interruptions == expected.interruptions
    assert target.stats.samples == expected.samples
    assert target.stats.unknown == expected.unknown
    assert target.stats.mean_s == pytest.approx(expected.mean_s)


@given(st.text(alphabet=".F?", min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_the_order_in_which_samples_end_does_not_matter(marks: str, order: random.Random) -> None:
    out = io.StringIO()
    recorder = Recorder(out, head())
    waiting = samples(marks)
    order.shuffle(waiting)
    for sample in waiting:
        recorder.take("api", sample)
        if order.random() < 0.2:
            recorder.flush()
    recorder.end()
    (target,) = read(out.getvalue().splitlines(keepends=True)).targets
    assert target.stats.samples == len(marks)
    assert target.stats.interruptions == stats(marks).interruptions


def test_a_record_without_an_end_is_never_passed() -> None:
    result = read(lines("." * 50, end=False))
    assert (result.outcome, result.complete) == ("inconclusive", False)
    assert read(lines("." * 50)).outcome == "passed"


def test_a_kill_at_any_byte_leaves_a_record_that_is_read_and_never_passes() -> None:
    text = "".join(lines("....F..?.." * 3))
    first = text.index("\n") + 1
    for cut in range(first, len(text)):
        result = read(text[:cut].splitlines(keepends=True))
        assert result.outcome != "passed"
        if text[:cut].count('"mark":"F"') and text[:cut].endswith("\n"):
            assert result.outcome == "failed"


def test_a_failure_that_was_written_before_its_marks_is_not_lost() -> None:
    text = [line for line in lines("...F") if '"marks"' not in line and "end" not in line]
    (target,) = read(text).targets
    assert target.stats.failed == 1
    assert target.stats.unknown == 3
    assert target.stats.unknown_reasons == (LOST,)


def test_baseline_and_run_are_counted_apart() -> None:
    out = io.StringIO()
    recorder = Recorder(out, head(baseline=True))
    for sample in samples("..F..")[:5]:
        recorder.take("api", sample)
    recorder.run_from(5)
    for sample in samples(".......", 5):
        recorder.take("api", sample)
    recorder.end()
    (target,) = read(out.getvalue().splitlines(keepends=True)).targets
    assert target.baseline is not None
    assert (target.baseline.samples, target.baseline.failed) == (5, 1)
    assert (target.stats.samples, target.stats.failed) == (7, 0)
    assert target.outcome == "passed"


def test_a_run_that_never_began_is_inconclusive() -> None:
    out = io.StringIO()
    recorder = Recorder(out, head(baseline=True))
    for sample in samples("....."):
        recorder.take("api", sample)
    recorder.end()
    assert read(out.getvalue().splitlines(keepends=True)).outcome == "inconclusive"


def test_lines_are_written_while_sampling() -> None:
    out = io.StringIO()
    recorder = Recorder(out, head())
    recorder.take("api", samples("F")[0])
    assert "connection refused" in out.getvalue()
    recorder.take("api", samples(".", 1)[0])
    recorder.flush()
    assert '"marks":"F."' in out.getvalue()


def test_an_hour_of_ten_targets_fits_into_a_few_megabytes() -> None:
    line = next(line for line in lines("." * 10) if '"marks"' in line)
    assert len(line) * 10 * 3600 < 4_000_000


@pytest.mark.parametrize(
    "text",
    [
        [],
        ["{}\n"],
        ["[]\n"],
        ["no\n", "x\n"],
        [json.dumps({"probe": "replank.probe/v9"}) + "\n"],
        [*lines("....")[:1], "null\n"],
        [*lines("....")[:1], '{"target":"api","from":3,"marks":"..","took_s":[0,0]}\n'],
        [*lines("....")[:1], '{"target":"api","from":0,"marks":"x","took_s":[0,0]}\n'],
        [*lines("....")[:1], '{"target":"api","from":"a","marks":".","took_s":[0,0]}\n'],
    ],
)
def test_what_is_no_record_is_refused(text: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        read(text)
    assert refused.value.code == "RP980"


def test_a_result_survives_json() -> None:
    result = read(lines("....F..?.."))
    assert result_from(json.loads(json.dumps(result_dict(result))), where="x") == result
    with pytest.raises(Refused):
        result_from({"outcome": "passed"}, where="x")
