"""The reader of the ports: files, folders, workspaces, locks, and `state pull` of a stand-in tool."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from replank.domain.errors import Refused, ReplankError, Transient
from replank.inventory.facts.terraform import StateFile, StateLock
from replank.inventory.fleet.model import StateSource
from replank.transports.terraform import TerraformStateReader
from replank.transports.terraform.files import unreadable
from replank.transports.terraform.pull import Puller
from replank.transports.terraform.tool import last_lines

FIXTURES = Path(__file__).parent / "fixtures"


def read(reader: TerraformStateReader | None = None, **source: Any) -> tuple[StateFile, ...]:
    source["path"] = str(source["path"])
    return asyncio.run((reader or TerraformStateReader()).read(StateSource(**source)))


def error_of(reader: TerraformStateReader | None = None, **source: Any) -> ReplankError:
    with pytest.raises(ReplankError) as caught:
        read(reader, **source)
    return caught.value


def put(name: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(FIXTURES / name, path))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


def test_a_file_is_read_also_through_a_link(tmp_path: Path) -> None:
    path = put("for-each.tfstate", tmp_path / "real.tfstate")
    link = tmp_path / "link.tfstate"
    link.symlink_to(path)
    [state] = read(kind="file", path=link)
    assert (state.backend, state.workspace, state.lock) == ("local", "default", None)
    assert state.source == str(link)
    assert len(state.resources) == 12


def test_show_json_is_read(tmp_path: Path) -> None:
    [state] = read(kind="show-json", path=put("show.json", tmp_path / "a.json"))
    assert (state.backend, state.form) == ("show-json", "show-json")


def test_a_held_lock_is_a_fact(tmp_path: Path) -> None:
    put("for-each.tfstate", tmp_path / "terraform.tfstate")
    lock = tmp_path / ".terraform.tfstate.lock.info"
    info = {"ID": "1", "Operation": "OperationTypeApply", "Who": "ana@ops", "Created": "2026-11-24T05:00:00Z"}
    lock.write_text(json.dumps(info))
    [state] = read(kind="folder", path=tmp_path)
    assert state.lock == StateLock(
        who="ana@ops", operation="OperationTypeApply", created="2026-11-24T05:00:00Z"
    )
    lock.write_text("{half")
    [state] = read(kind="folder", path=tmp_path)
    assert state.lock == StateLock()


def test_a_working_folder_gives_the_state_of_the_workspace(tmp_path: Path) -> None:
    put("for-each.tfstate", tmp_path / "terraform.tfstate")
    put("flat.tfstate", tmp_path / "terraform.tfstate.d" / "blue" / "terraform.tfstate")
    put("kubespray.tfstate", tmp_path / "stray.tfstate")
    assert [s.serial for s in read(kind="folder", path=tmp_path)] == [73]
    [blue] = read(kind="folder", path=tmp_path, workspace="blue")
    assert (blue.serial, blue.workspace) == (2, "blue")
    error = error_of(kind="folder", path=tmp_path, workspace="green")
    assert error.code == "RP020"
    assert "blue" in error.why
    assert error_of(kind="folder", path=tmp_path, workspace="../blue").code == "RP020"


def test_a_local_back_end_with_a_path_of_its_own_is_followed(tmp_path: Path) -> None:
    put("flat.tfstate", tmp_path / "elsewhere" / "x.tfstate")
    pointer = tmp_path / "work" / ".terraform" / "terraform.tfstate"
    pointer.parent.mkdir(parents=True)
    backend = {"type": "local", "config": {"path": "../elsewhere/x.tfstate", "workspace_dir": None}}
    pointer.write_text(json.dumps({"version": 3, "backend": backend}))
    assert [s.serial for s in read(kind="folder", path=tmp_path / "work")] == [2]


def test_a_folder_of_states_gives_all_of_them_but_no_leftovers(tmp_path: Path) -> None:
    put("for-each.tfstate", tmp_path / "node-1.tfstate")
    put("flat.tfstate", tmp_path / "node-2.tfstate")
    put("flat.tfstate", tmp_path / "node-2.tfstate.backup")
    put("flat.tfstate", tmp_path / "errored.tfstate")
    assert [Path(s.source).name for s in read(kind="folder", path=tmp_path)] == [
        "node-1.tfstate",
        "node-2.tfstate",
    ]


def test_a_state_left_over_beside_a_remote_back_end_is_not_trusted(tmp_path: Path) -> None:
    put("for-each.tfstate", tmp_path / "terraform.tfstate")
    put("backend-pointer.tfstate", tmp_path / ".terraform" / "terraform.tfstate")
    error = error_of(kind="folder", path=tmp_path)
    assert error.code == "RP020"
    assert "http" in error.why
    assert "pull" in error.todo
    assert "PLANTED" not in str(error)


@pytest.mark.parametrize("kind", ["file", "folder", "show-json", "pull"])
def test_what_is_not_there_is_named(tmp_path: Path, kind: str) -> None:
    error = error_of(kind=kind, path=tmp_path / "nowhere")
    assert (error.code, error.where) == ("RP020", str(tmp_path / "nowhere"))


def test_wrong_kinds_are_named(tmp_path: Path) -> None:
    path = put("for-each.tfstate", tmp_path / "a.tfstate")
    assert "`folder:`" in error_of(kind="file", path=tmp_path).todo
    assert "`file:`" in error_of(kind="folder", path=path).todo
    assert "no state" in error_of(kind="folder", path=(tmp_path / "empty").mkdir() or tmp_path / "empty").what
    assert error_of(kind="file", path="a\0b").code == "RP020"


def test_no_permission_is_named() -> None:
    error = unreadable(Path("x"), PermissionError(13, "Permission denied"))
    assert error.code == "RP020"
    assert "may not" in error.why


def test_a_file_above_the_limit_is_not_read_into_memory(tmp_path: Path) -> None:
    path = put("for-each.tfstate", tmp_path / "a.tfstate")
    limit = 32 * 1024 * 1024
    with path.open("r+b") as file:
        file.truncate(limit + 1)  # sparse
    tracemalloc.start()
    try:
        assert error_of(TerraformStateReader(limit=limit), kind="file", path=path).code == "RP027"
        assert tracemalloc.get_traced_memory()[1] < limit / 4
    finally:
        tracemalloc.stop()


def test_a_file_that_reports_no_size_is_read_no_further_than_the_limit() -> None:
    error = error_of(TerraformStateReader(limit=100), kind="file", path=Path("/dev/zero"))
    assert error.code == "RP027"


TOOL = """#!{python}
import json, os, pathlib, sys, time
here = pathlib.Path.cwd()
arguments = sys.argv[1:]
seen = {{k: v for k, v in os.environ.items() if k.startswith("TF_")}}
with (here / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps([arguments, seen, sys.stdin.read()]) + "\\n")
script = here / "answer.py"
exec(script.read_text())
"""


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """A stand-in for terraform: notes how it is called and does what `answer.py` in the folder says."""
    path = tmp_path / "bin" / "tofu"
    path.parent.mkdir()
    path.write_text(TOOL.format(python=sys.executable))
    path.chmod(0o755)
    (tmp_path / "work").mkdir()
    return path


def answer(tmp_path: Path, script: str) -> Path:
    (tmp_path / "work" / "answer.py").write_text(script)
    return tmp_path / "work"


def calls(folder: Path) -> list[list[Any]]:
    return [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]


PRINT = f"""
if arguments == ["workspace", "list"]:
    print("* default\\n  blue\\n\\n")
else:
    print(pathlib.Path({str(FIXTURES / "for-each.tfstate")!r}).read_text())
"""


def test_pull_runs_the_tool_in_the_folder_without_questions(
    tmp_path: Path, tool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = answer(tmp_path, PRINT)
    monkeypatch.setenv("TF_WORKSPACE", "somebody-elses")
    monkeypatch.setenv("TF_CLI_ARGS", "-json")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "kept.tfrc")
    before = contents(folder)
    [state] = read(kind="pull", path=folder, command=str(tool))
    [[arguments, environment, stdin]] = calls(folder)
    assert arguments == ["state", "pull"]
    assert environment == {
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "TF_WORKSPACE": "default",
        "TF_CLI_CONFIG_FILE": "kept.tfrc",
    }
    assert stdin == ""
    assert (state.backend, state.workspace, state.serial) == ("pull", "default", 73)
    assert {k: v for k, v in contents(folder).items() if "calls" not in k} == before


def test_pull_of_a_workspace_makes_sure_that_it_exists(tmp_path: Path, tool: Path) -> None:
    # The tools would create it: seen with Terraform 1.11.4 and the local back end.
    folder = answer(tmp_path, PRINT)
    [state] = read(kind="pull", path=folder, command=str(tool), workspace="blue")
    assert state.workspace == "blue"
    assert [call[0] for call in calls(folder)] == [["workspace", "list"], ["state", "pull"]]
    assert calls(folder)[1][1]["TF_WORKSPACE"] == "blue"
    error = error_of(kind="pull", path=folder, command=str(tool), workspace="green")
    assert error.code == "RP028"
    assert "blue, default" in error.why
    assert calls(folder)[-1][0] == ["workspace", "list"]


def test_pull_takes_the_selected_workspace(tmp_path: Path, tool: Path) -> None:
    folder = answer(tmp_path, PRINT)
    (folder / ".terraform").mkdir()
    (folder / ".terraform" / "environment").write_text("blue")
    [state] = read(kind="pull", path=folder, command=str(tool))
    assert state.workspace == "blue"


def test_a_failing_tool_is_quoted_without_secrets(
    tmp_path: Path, tool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "PLANTED-ENVIRONMENT")
    folder = answer(
        tmp_path,
        """
print("\\x1b[31mError: no credentials\\x1b[0m", file=sys.stderr)
print("GET https://u:PLANTED-USER@state.example.org/x?sig=PLANTED-QUERY: 401", file=sys.stderr)
print("password=PLANTED-PASSWORD key " + os.environ["AWS_SECRET_ACCESS_KEY"], file=sys.stderr)
sys.exit(3)
""",
    )
    error = error_of(kind="pull", path=folder, command=str(tool))
    assert isinstance(error, Refused)
    assert error.code == "RP028"
    assert "exit code 3: Error: no credentials / GET https://(hidden)@state.example.org/x" in error.why
    assert "PLANTED" not in str(error)


def test_a_tool_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    error = error_of(kind="pull", path=tmp_path / "work", command="no-such-tofu")
    assert error.code == "RP028"
    assert "not installed" in error.why


# OpenTofu 1.12.6 with a TF_CLI_CONFIG_FILE that is not there: all of it on stdout.
WARNING = """
print()
print("Warning: Unable to open CLI configuration file")
print()
print('The CLI configuration file at "/nonexistent/x.tfrc" does not exist.')
"""


def test_warnings_that_the_tool_prints_before_the_state_are_no_part_of_it(tmp_path: Path, tool: Path) -> None:
    folder = answer(tmp_path, WARNING + PRINT)
    [state] = read(kind="pull", path=folder, command=str(tool), workspace="blue")
    assert (state.workspace, state.serial) == ("blue", 73)


def test_a_state_that_is_cut_off_after_a_warning_is_told_as_such(tmp_path: Path, tool: Path) -> None:
    folder = answer(tmp_path, WARNING + 'print(\'{"version": 4, "resources": [\')\n')
    error = error_of(kind="pull", path=folder, command=str(tool))
    assert error.code == "RP022"
    assert "cut off" in error.why


@pytest.mark.parametrize(
    ("prints", "said"),
    [("pass", "printed nothing"), (WARNING, "printed something, but no line of it begins a state")],
)
def test_a_tool_that_prints_no_state_is_no_empty_cluster(
    tmp_path: Path, tool: Path, prints: str, said: str
) -> None:
    error = error_of(kind="pull", path=answer(tmp_path, prints), command=str(tool))
    assert error.code == "RP021"
    assert said in error.why


def test_a_tool_that_hangs_is_ended_with_its_children(tmp_path: Path, tool: Path) -> None:
    folder = answer(
        tmp_path,
        """
import subprocess
child = subprocess.Popen(["sleep", "60"])
(here / "child").write_text(str(child.pid))
time.sleep(60)
""",
    )
    reader = TerraformStateReader(puller=Puller(timeout_s=1.0))
    started = time.monotonic()
    error = error_of(reader, kind="pull", path=folder, command=str(tool))
    assert time.monotonic() - started < 8
    assert isinstance(error, Transient)
    assert error.code == "RP028"
    child = int((folder / "child").read_text())
    deadline = time.monotonic() + 3
    while running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(child)


def running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    # A zombie that nobody has waited for yet has ended, too.
    return "\nState:\tZ" not in Path(f"/proc/{process_id}/status").read_text()


def test_a_tool_that_prints_without_end_is_cut_off(tmp_path: Path, tool: Path) -> None:
    folder = answer(tmp_path, "while True:\n    sys.stdout.write('x' * 65536)\n")
    reader = TerraformStateReader(puller=Puller(limit=1_000_000, timeout_s=20))
    assert error_of(reader, kind="pull", path=folder, command=str(tool)).code == "RP027"


@pytest.mark.parametrize(
    "said",
    [
        'token: "PLANTED"',
        "client_secret = PLANTED",
        "Authorization: Bearer PLANTED",
        "postgres://terraform:PLANTED@db/x",
        "https://s3/x?X-Amz-Signature=PLANTED",
        "api_key=PLANTED, next",
        "the value is PLANTED",
    ],
)
def test_secrets_are_hidden_in_what_the_tool_said(said: str) -> None:
    assert "PLANTED" not in last_lines(said.encode(), {"TF_VAR_password": "PLANTED"})
    if "value" not in said:
        assert "PLANTED" not in last_lines(said.encode(), {})
