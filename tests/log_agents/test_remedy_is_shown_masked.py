"""What people see of a remedy holds no secret; what is applied holds every byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.migrations.runtime_swap.log_agents.shown import masked, unified
from replank.migrations.runtime_swap.log_agents.splice import Overlap, Splice, spliced

SECRET = "s3cr3t-hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"password {SECRET}",
        f"    HTTP_Passwd     {SECRET}",
        f"  api_key: {SECRET}",
        f"  - password: '{SECRET}'",
        f"basic_auth:\n  username: a\n  what: {SECRET}",
        f"tokens:\n- {SECRET}",
        f"tokens:\n  - a\n\n  - {SECRET}",
        f"headers:\n  x-any: {SECRET}",
        f"url: https://user:{SECRET}@logs.example.test/push",
        f"# password {SECRET}",
        f'  // token = "{SECRET}"',
        f'auth = {{ strategy = "basic", password = "{SECRET}" }}',
        f'{{"sinks":{{"x":{{"auth":{{"password":"{SECRET}"}}}}}}}}',
        f"x: {{user: a, password: {SECRET}}}",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
        f"ca: |\n  -----BEGIN CERTIFICATE-----\n  {SECRET}\n  -----END CERTIFICATE-----",
        f"secret_key: |\n  {SECRET}\n  more",
        f"Shared_Key    {SECRET}",
        f'access_token="{SECRET}"',
    ],
)
def test_secrets_are_masked(text: str) -> None:
    assert SECRET not in "\n".join(masked(text))


def test_random_looking_values_are_masked_whatever_they_are_called() -> None:
    assert "glc_eyJvIjoiMTIzNDU2Nzg5" not in "\n".join(masked("what: glc_eyJvIjoiMTIzNDU2Nzg5abcdEFGH"))


@pytest.mark.parametrize(
    "line",
    [
        "    multiline.parser  docker, cri",
        "      expression /^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>[^ ]*) (?<log>.*)$/",
        "      time_format %Y-%m-%dT%H:%M:%S.%N%:z",
        '    log ${record["logtag"].to_s.start_with?("F") ? record["log"] + "\\n" : record["log"]}',
        "  multiline_end_regexp /\\n$/",
        '    selector: \'{filename=~".+"} !~ "^\\\\{"\'',
        "      - cri: {}",
        "  - type: container",
        "  key log",
        "  time_key time",
        '    - "/var/log/containers/*${data.kubernetes.container.id}.log"',
    ],
)
def test_what_a_remedy_writes_is_shown(line: str) -> None:
    assert masked(line) == [line]


def test_lines_after_a_secret_block_are_shown_again() -> None:
    assert masked("auth:\n  a: b\nparser: docker") == ["auth: ***", "  ***", "parser: docker"]


def test_a_diff_shows_the_change_and_masks_its_neighbours() -> None:
    before = f"password: {SECRET}\nformat: docker\ntoken: {SECRET}\n"
    shown = unified(before, before.replace("docker", "auto"), "ConfigMap x, y")
    assert "-format: docker" in shown
    assert "+format: auto" in shown
    assert SECRET not in shown


LINES = st.lists(st.text(alphabet="ab \t#", max_size=6), min_size=1, max_size=12)


@given(lines=LINES, at=st.integers(1, 12), ends=st.booleans(), ending=st.sampled_from(("\n", "\r\n")))
def test_a_splice_leaves_all_other_lines(lines: list[str], at: int, ends: bool, ending: str) -> None:
    text = ending.join(lines) + (ending if ends else "")
    at = min(at, len(text.splitlines()) or 1)
    if not text.splitlines():
        return
    after = spliced(text, [Splice(first=at, last=at, lines=("new", "more"))])
    old, new = text.splitlines(keepends=True), after.splitlines(keepends=True)
    assert new[: at - 1] == old[: at - 1]
    assert new[at + 1 :] == old[at:]
    assert [line.rstrip("\r\n") for line in new[at - 1 : at + 1]] == ["new", "more"]
    assert after.endswith(("\n", "\r\n")) == text.endswith(("\n", "\r\n"))


def test_splices_that_want_one_line_are_refused() -> None:
    with pytest.raises(Overlap):
        spliced("a\nb\n", [Splice(first=1, last=2, lines=()), Splice(first=2, last=2, lines=("x",))])
