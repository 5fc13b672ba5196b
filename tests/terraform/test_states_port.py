"""States as a takeover asks for them: now, what a plan would change, and the local back end's lock."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replank.domain.errors import Hold, Refused, ReplankError, Transient
from replank.inventory.fleet.model import StateSource
from replank.transports.terraform.lock import StateLocks
from replank.transports.terraform.reader import TerraformStateReader
from replank.transports.terraform.states import TerraformStates
from replank.transports.terraform.tool import Tool

FIXTURES = Path(__file__).parent / "fixtures"
HOLDER = "replank run 7"


def put(name: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(FIXTURES / name, path))


def states(*sources: StateSource, tool: Tool | None = None) -> TerraformStates:
    return TerraformStates(sources, planner=tool or Tool(timeout_s=20, limit=1024 * 1024))


def run(work: Any) -> Any:
    return asyncio.run(work)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder in which `init` ran."""
    put("for-each.tfstate", tmp_path / "terraform.tfstate")
    (tmp_path / "main.tf").write_text("# here\n")
    (tmp_path / ".terraform").mkdir()
    return tmp_path


@pytest.fixture
def tool(tmp_path: Path) -> Callable[..., Path]:
    """A stand-in for the tool that prints messages and exits; the wire tests with the real one are on the
    proving ground."""

    def make(*messages: dict[str, Any] | str, code: int = 0, errors: str = "") -> Path:
        path = tmp_path / "bin" / "tofu"
        path.parent.mkdir(exist_ok=True)
        lines = [m if isinstance(m, str) else json.dumps(m) for m in messages]
        path.write_text(
            f"#!{sys.executable}\nimport pathlib, sys, os\n"
            "pathlib.Path(sys.argv[0]).with_name('ran').write_text(repr((sys.argv[1:], os.getcwd(), "
            "os.environ.get('TF_WORKSPACE'))))\n"
            f"print({chr(10).join(lines)!r})\nprint({errors!r}, file=sys.stderr)\nsys.exit({code})\n"
        )
        path.chmod(0o755)
        return path

    return make


def planned(address: str, action: str) -> dict[str, Any]:
    change = {"resource": {"addr": address}, "action": action}
    return {"type": "planned_change", "change": change, "@message": f"planted-{address}"}


def error(summary: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "diagnostic",
        "diagnostic": {
            "severity": "error",
            "summary": summary,
            "detail": "planted-detail",
            "snippet": {"code": 'password = "planted-code"'},
            **more,
        },
    }


def test_now_tells_serial_lineage_and_what_is_managed(folder: Path) -> None:
    source = StateSource(kind="folder", path=str(folder))
    found = run(states(source).now(str(folder / "terraform.tfstate"), "default"))
    [read] = run(TerraformStateReader().read(source))
    assert (found.serial, found.lineage, found.locked_by) == (read.serial, read.lineage, "")
    assert found.resources == {r.address: r.id for r in read.resources if r.mode == "managed"}
    assert found.resources


def test_now_looks_again_each_time(folder: Path) -> None:
    port = states(StateSource(kind="folder", path=str(folder)))
    path = folder / "terraform.tfstate"
    before = run(port.now(str(path), "default"))
    state = json.loads(path.read_text())
    path.write_text(json.dumps({**state, "serial": state["serial"] + 1, "resources": []}))
    after = run(port.now(str(path), "default"))
    assert (after.serial, after.resources) == (before.serial + 1, {})


def test_an_object_that_waits_to_be_destroyed_is_told_apart(folder: Path) -> None:
    path = folder / "terraform.tfstate"
    state = json.loads(path.read_text())
    [resource] = [r for r in state["resources"] if r["mode"] == "managed"][:1]
    resource["instances"].append({**resource["instances"][0], "deposed": "0badf00d"})
    path.write_text(json.dumps(state))
    found = run(states(StateSource(kind="file", path=str(path))).now(str(path), "default"))
    assert [address for address in found.resources if address.endswith(" (deposed 0badf00d)")]


def test_show_json_has_neither_serial_nor_lineage(tmp_path: Path) -> None:
    path = put("show.json", tmp_path / "a.json")
    found = run(states(StateSource(kind="show-json", path=str(path))).now(str(path), "default"))
    assert (found.serial, found.lineage) == (0, "")


def test_a_pulled_state_is_the_one_of_the_plans_workspace(folder: Path, tool: Any) -> None:
    command = tool((FIXTURES / "for-each.tfstate").read_text())
    command.write_text(
        command.read_text().replace(
            "print(", "print('* default\\n  blue') if 'list' in sys.argv else print(", 1
        )
    )
    source = StateSource(kind="pull", path=str(folder), command=str(command))
    found = run(states(source).now(f"{folder} (tofu state pull, workspace blue)", "blue"))
    assert found.serial == 73
    assert "'blue'" in (command.parent / "ran").read_text()


@pytest.mark.parametrize("name", ["/elsewhere/terraform.tfstate", "terraform.tfstate", ""])
def test_a_state_that_fleet_yaml_does_not_name_is_refused(folder: Path, name: str) -> None:
    port = states(StateSource(kind="folder", path=str(folder)))
    with pytest.raises(Refused) as caught:
        run(port.now(name, "default"))
    assert caught.value.code == "RP957"
    assert str(folder) in caught.value.why


def test_nothing_to_change_is_an_empty_text(folder: Path, tool: Any) -> None:
    outputs = {"type": "outputs", "outputs": {"o": {"action": "noop"}}}
    command = tool("Warning: something", {"type": "version"}, outputs)
    port = states(StateSource(kind="pull", path=str(folder), command=str(command)))
    assert run(port.changes(str(folder), "default")) == ""
    arguments = ["plan", "-json", "-detailed-exitcode", "-lock=false", "-input=false"]
    assert (command.parent / "ran").read_text() == repr((arguments, str(folder), "default"))


def test_changes_are_told_by_address_and_action_alone(folder: Path, tool: Any) -> None:
    command = tool(
        planned('openstack_x.node["a"]', "replace"),
        planned("openstack_x.b", "remove"),
        {"type": "resource_drift", "change": {"resource": {"addr": "drifted"}, "action": "update"}},
        {"type": "outputs", "outputs": {"o": {"action": "update", "value": "planted-output"}, "p": {}}},
        code=2,
    )
    port = states(StateSource(kind="pull", path=str(folder), command=str(command)))
    found = run(port.changes(str(folder), "default"))
    assert found == 'remove openstack_x.b, replace openstack_x.node["a"], update output o'


def test_many_changes_are_counted(folder: Path, tool: Any) -> None:
    command = tool(*(planned(f"x.n{i:02}", "delete") for i in range(25)), code=2)
    port = states(StateSource(kind="pull", path=str(folder), command=str(command)))
    assert run(port.changes(str(folder), "default")).endswith("delete x.n19 and 5 more")


def test_a_plan_that_cannot_be_made_says_why_without_values(folder: Path, tool: Any) -> None:
    where = {"filename": "main.tf", "start": {"line": 3}}
    command = tool(error("Unsupported argument", range=where), error("No token=planted-token"), code=1)
    port = states(StateSource(kind="pull", path=str(folder), command=str(command)))
    with pytest.raises(Transient) as caught:
        run(port.changes(str(folder), "default"))
    assert caught.value.code == "RP958"
    assert caught.value.why == "Unsupported argument (main.tf:3) / No token=(hidden)"


@pytest.mark.parametrize(
    ("messages", "code", "limit"),
    [((), 2, 1000), (("x" * 2000,), 0, 1000), ((), 1, 1000)],
    ids=["names-none", "too-much", "silent"],
)
def test_an_answer_that_is_none_is_never_taken_for_nothing_to_do(
    folder: Path, tool: Any, messages: tuple[str, ...], code: int, limit: int
) -> None:
    command = tool(*messages, code=code)
    source = StateSource(kind="pull", path=str(folder), command=str(command))
    with pytest.raises(Transient) as caught:
        run(states(source, tool=Tool(timeout_s=20, limit=limit)).changes(str(folder), "default"))
    assert caught.value.code == "RP958"


def test_a_plan_that_never_ends_is_ended(folder: Path, tool: Any) -> None:
    command = tool()
    command.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(600)\n")
    source = StateSource(kind="pull", path=str(folder), command=str(command))
    with pytest.raises(Transient) as caught:
        run(states(source, tool=Tool(timeout_s=0.3, limit=1000)).changes(str(folder), "default"))
    assert caught.value.code == "RP028"


def test_a_folder_is_planned_by_the_tool_that_initialised_it(folder: Path, tool: Any) -> None:
    command = tool(code=0)
    (folder / ".terraform.lock.hcl").write_text('provider "registry.opentofu.org/x/y" {}\n')
    found = Tool(timeout_s=20, limit=1000, environment={"PATH": str(command.parent)})
    port = states(StateSource(kind="folder", path=str(folder)), tool=found)
    assert run(port.changes(str(folder / "terraform.tfstate"), "default")) == ""
    assert (command.parent / "ran").exists()


def test_where_no_plan_can_be_made_there_is_no_answer(folder: Path, tool: Any) -> None:
    command = tool(code=0)
    found = Tool(timeout_s=20, limit=1000, environment={"PATH": str(command.parent)})
    state = folder / "terraform.tfstate"
    pull = StateSource(kind="pull", path=str(folder), command=str(command))
    file = StateSource(kind="file", path=str(state))
    show = StateSource(kind="show-json", path=str(state))
    working = StateSource(kind="folder", path=str(folder))
    assert run(states(file, tool=found).changes(str(state), "default")) is None
    assert run(states(show, tool=found).changes(str(state), "default")) is None
    # The folder was initialised by Terraform, which is not in the PATH.
    assert run(states(working, tool=found).changes(str(state), "default")) is None
    (folder / ".terraform").rmdir()
    assert run(states(pull, tool=found).changes(str(folder), "default")) is None
    (folder / ".terraform").mkdir()
    (folder / "main.tf").unlink()
    assert run(states(pull, tool=found).changes(str(folder), "default")) is None
    assert not (command.parent / "ran").exists()


def posix_lock(state: Path) -> int:
    """What Terraform does: 0 if it got the lock, 1 if somebody has it."""
    code = (
        "import fcntl, sys\nfile = open(sys.argv[1], 'r+')\n"
        "try:\n    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept OSError:\n    sys.exit(1)\n"
    )
    return subprocess.run([sys.executable, "-c", code, str(state)], check=False).returncode


def info_of(state: Path) -> dict[str, Any] | None:
    path = state.with_name(f".{state.name}.lock.info")
    return json.loads(path.read_text()) if path.exists() else None


linux = pytest.mark.skipif(sys.platform != "linux", reason="open file description locks are Linux's")


@linux
def test_the_lock_keeps_the_tool_out_also_after_the_state_was_read(folder: Path) -> None:
    state = folder / "terraform.tfstate"
    port = states(StateSource(kind="folder", path=str(folder)))
    assert posix_lock(state) == 0
    says = run(port.lock(str(state), "default", HOLDER))
    assert str(state) in says
    assert run(port.now(str(state), "default")).locked_by == HOLDER
    assert posix_lock(state) == 1
    assert run(port.lock(str(state), "default", HOLDER)) == says
    info = info_of(state)
    assert info is not None
    assert (info["Who"], info["Operation"], info["Path"]) == (HOLDER, "replank takeover", str(state))
    run(port.unlock(str(state), "default", HOLDER))
    assert (posix_lock(state), info_of(state)) == (0, None)


@linux
def test_a_lock_that_somebody_holds_is_waited_for(folder: Path) -> None:
    state = folder / "terraform.tfstate"
    code = (
        "import fcntl, sys\nfile = open(sys.argv[1], 'r+')\nfcntl.lockf(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\nsys.stdin.read()\n"
    )
    port = states(StateSource(kind="folder", path=str(folder)))
    state.with_name(f".{state.name}.lock.info").write_text(
        json.dumps({"Who": "ana@ops", "Operation": "OperationTypeApply", "Created": "2026-11-26T01:00:00Z"})
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as tool:
        assert tool.stdout is not None
        assert tool.stdin is not None
        assert tool.stdout.readline() == b"held\n"
        with pytest.raises(Hold) as caught:
            run(port.lock(str(state), "default", HOLDER))
        tool.stdin.close()
    assert caught.value.code == "RP955"
    assert "ana@ops, OperationTypeApply since 2026-11-26T01:00:00Z" in caught.value.why
    assert run(port.lock(str(state), "default", HOLDER))
    port.close()


@linux
def test_two_clusters_in_one_state_do_not_hold_its_lock_together(folder: Path) -> None:
    state = folder / "terraform.tfstate"
    first, second = (states(StateSource(kind="file", path=str(state))) for _ in range(2))
    run(first.lock(str(state), "default", "run 1"))
    for port in (first, second):
        with pytest.raises(Hold) as caught:
            run(port.lock(str(state), "default", "run 2"))
        assert "run 1" in caught.value.why
        run(port.unlock(str(state), "default", "run 2"))
    assert posix_lock(state) == 1
    assert info_of(state) is not None
    first.close()
    assert run(second.lock(str(state), "default", "run 2"))
    second.close()


@linux
def test_a_lock_whose_process_was_killed_is_free_and_its_trace_is_ours_to_remove(folder: Path) -> None:
    state = folder / "terraform.tfstate"
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from replank.transports.terraform.lock import StateLocks\n"
        "StateLocks().take(Path(sys.argv[1]), sys.argv[2])\nos.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(state), HOLDER], check=False)
    assert killed.returncode == -9
    assert (posix_lock(state), (info_of(state) or {}).get("Who")) == (0, HOLDER)
    port = states(StateSource(kind="folder", path=str(folder)))
    run(port.unlock(str(state), "default", "somebody else"))
    assert info_of(state) is not None
    run(port.unlock(str(state), "default", HOLDER))
    assert info_of(state) is None


@linux
def test_a_pulled_state_of_a_local_back_end_is_locked_where_it_lies(folder: Path) -> None:
    blue = put("flat.tfstate", folder / "spaces" / "blue" / "terraform.tfstate")
    (folder / ".terraform" / "terraform.tfstate").write_text(
        json.dumps({"backend": {"type": "local", "config": {"workspace_dir": "spaces"}}})
    )
    port = states(StateSource(kind="pull", path=str(folder)))
    run(port.lock(str(folder), "blue", HOLDER))
    assert info_of(blue) is not None
    assert posix_lock(blue) == 1
    assert posix_lock(folder / "terraform.tfstate") == 0
    port.close()
    assert posix_lock(blue) == 0


def test_other_back_ends_hold_nothing_and_say_so(folder: Path) -> None:
    (folder / ".terraform" / "terraform.tfstate").write_text(json.dumps({"backend": {"type": "s3"}}))
    pull = states(StateSource(kind="pull", path=str(folder)))
    show = states(StateSource(kind="show-json", path=str(folder / "terraform.tfstate")))
    assert run(pull.lock(str(folder), "default", HOLDER)) == ""
    assert run(show.lock(str(folder / "terraform.tfstate"), "default", HOLDER)) == ""
    run(pull.unlock(str(folder), "default", HOLDER))
    assert posix_lock(folder / "terraform.tfstate") == 0


def test_where_the_system_has_no_such_lock_nothing_is_claimed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replank.transports.terraform.lock._OFD_SETLK", None)
    state = folder / "terraform.tfstate"
    assert StateLocks().take(state, HOLDER) == ""
    assert info_of(state) is None


@linux
def test_a_state_that_may_not_be_locked_is_refused(folder: Path, tmp_path: Path) -> None:
    missing = tmp_path / "none.tfstate"
    port = states(StateSource(kind="file", path=str(missing)), StateSource(kind="folder", path=str(folder)))
    with pytest.raises(ReplankError) as caught:
        run(port.lock(str(missing), "default", HOLDER))
    assert caught.value.code == "RP020"
    state = folder / "terraform.tfstate"
    state.with_name(f".{state.name}.lock.info").mkdir()
    with pytest.raises(Refused) as refused:
        run(port.lock(str(state), "default", HOLDER))
    assert refused.value.code == "RP956"
    assert posix_lock(state) == 0, "no lock without a name on it"
