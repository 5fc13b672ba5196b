"""What Terraform must forget as files: safe to run, safe to read, each only where it applies."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hostile import hostile_plan
from sample_plan import sample_plan

from replank.plan.takeover import BrokenReference, Forget, StateLetGo, TakeoverPlan
from replank.report.forget_files import OLD_TOFU, forget_files
from replank.report.forgetting import forget_texts

STATE = "tf/terraform.tfstate"


def forget(address: str, *, block: str = "main.tf:3..9", keep: str = "") -> Forget:
    how = "state-rm" if "[" in address else "removed-block"
    return Forget(
        address=address,
        id="id",
        state=STATE,
        how=how,  # type: ignore[arg-type]
        import_id=f"id of {address}",
        block=block,
        keep_block=keep,
    )


def plan(*forgets: Forget, **let_go: object) -> TakeoverPlan:
    given: dict[str, object] = {"folder": "tf", "tool_version": "1.12.1", "opentofu": True, **let_go}
    state = StateLetGo(state=STATE, workspace="default", **given)  # type: ignore[arg-type]
    if not forgets:
        forgets = (
            forget("openstack_x_v2.a[0]"),
            forget("openstack_x_v2.a[1]"),
            forget('module.m["k.v"].openstack_x_v2.b', block="m/main.tf:1..2"),
            forget('openstack_x_v2.c["it\'s"]', block="main.tf:20..22", keep="it also makes c"),
        )
    return replace(sample_plan(), forget=forgets, letting_go=(state,))


def files(of: TakeoverPlan) -> dict[str, str]:
    return {name.partition("/")[2]: text for name, text in forget_files(of).items()}


def test_a_block_that_goes_whole_is_removed_once_and_one_that_stays_by_command() -> None:
    found = files(plan())
    assert [line for line in found["removed.tf"].splitlines() if "from" in line] == [
        "  from = openstack_x_v2.a",
        "  from = module.m.openstack_x_v2.b",
    ]
    assert found["removed.tf"].count("destroy = false") == 2
    rm = found["state-rm.sh"].splitlines()
    assert rm[-2:] == ['"$TOOL" state rm "$@" \\', "  'openstack_x_v2.c[\"it'\"'\"'s\"]'"]
    assert found["import.tf"].count("import {") == 4
    assert '  to = module.m["k.v"].openstack_x_v2.b\n' in found["import.tf"]


def test_without_a_configuration_members_go_by_command() -> None:
    found = files(
        plan(forget("openstack_x_v2.a[0]", block=""), forget("openstack_x_v2.b", block=""), folder="")
    )
    assert "openstack_x_v2.a[0]" in found["state-rm.sh"]
    assert "from = openstack_x_v2.b\n" in found["removed.tf"]
    assert "not seen: `openstack_x_v2.a`" in found["README.md"]


@pytest.mark.parametrize(
    ("version", "opentofu", "folder", "removed", "old"),
    [
        ("1.5.7", False, "tf", False, False),
        ("1.7.0", False, "tf", True, False),
        ("1.9.8", False, "", True, True),
        ("1.8.2", True, "tf", True, True),
        ("1.10.0", True, "tf", True, False),
        ("", True, "tf", True, True),
        ("1.14.3", False, "", True, False),
    ],
)
def test_blocks_are_written_for_the_tool(
    version: str, opentofu: bool, folder: str, removed: bool, old: bool
) -> None:
    found = files(plan(tool_version=version, opentofu=opentofu, folder=folder))
    assert ("removed.tf" in found, OLD_TOFU in found) == (removed, old)
    if old:
        assert not OLD_TOFU.endswith((".tf", ".tofu")), "copied with the folder it would destroy in Terraform"
        assert "destroy =" not in found[OLD_TOFU]
    if not removed:
        assert found["state-rm.sh"].count("openstack_x_v2") == 4
    assert (f"TOOL=${{TOOL:-{'tofu' if opentofu else 'terraform'}}}") in found["import.sh"]


def test_the_readme_names_blocks_references_and_the_order() -> None:
    references = (
        BrokenReference(
            file="lb.tf", line=4, inside="output.o", mentions="openstack_x_v2.a[0].id", put='"id"', why=""
        ),
        BrokenReference(file="lb.tf", line=9, inside="moved", mentions="openstack_x_v2.a", why="delete it"),
    )
    text = files(plan(references=references, unread=("far: no local folder",)))["README.md"]
    assert "- `main.tf:3..9` delete: `openstack_x_v2.a` (2 resources)" in text
    assert "- `main.tf:20..22` **must stay**: `openstack_x_v2.c` (1 resource); it also makes c." in text
    assert '- `lb.tf:4`, output.o: `openstack_x_v2.a[0].id`: put `"id"`' in text
    assert "- `lb.tf:9`, moved: `openstack_x_v2.a`: delete it" in text
    assert "- far: no local folder" in text
    assert text.index("state-rm.sh") < text.index("tofu plan") < text.index("tofu apply")
    assert "*.backup" in text
    assert "restore.sh" in text


def run(script: str, tmp_path: Path, *arguments: str, listed: str = "") -> list[str]:
    """Runs a script with a tool that writes down what it is asked. Its calls."""
    log, tool, file = tmp_path / "log", tmp_path / "tool", tmp_path / "script.sh"
    tool.write_text(
        "#!/bin/sh\n"
        f'[ "$1 $2" = "state list" ] && {{ cat {tmp_path}/listed; exit; }}\n'
        f'[ "$1 $2" = "state pull" ] && {{ printf "a warning\\n{{\\n}}\\n"; exit; }}\n'
        f'for word in "$@"; do printf "%s|" "$word" >>{log}; done; echo >>{log}\n'
    )
    tool.chmod(0o700)
    (tmp_path / "listed").write_text(listed)
    file.write_text(script)
    done = subprocess.run(
        ["sh", str(file), *arguments],
        env={"TOOL": str(tool), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return log.read_text().splitlines() if log.exists() else []


def test_scripts_say_each_address_as_it_is_and_do_what_is_left(tmp_path: Path) -> None:
    found = files(
        plan(forget("openstack_x_v2.c[\"$(touch x) `y` 'z'\"]", keep="k"), forget("openstack_x_v2.b"))
    )
    assert run(found["state-rm.sh"], tmp_path, "-dry-run") == [
        "state|rm|-dry-run|openstack_x_v2.c[\"$(touch x) `y` 'z'\"]|"
    ]
    (tmp_path / "log").unlink()
    calls = run(found["import.sh"], tmp_path, listed="openstack_x_v2.bb\nopenstack_x_v2.b\n")
    assert [call.split("|")[0] for call in calls] == ["import"]
    (tmp_path / "log").unlink()
    (tmp_path / "old").write_text("{}")
    calls = run(found["restore.sh"], tmp_path, str(tmp_path / "old"), listed="openstack_x_v2.b\n")
    assert [call.split("|")[:2] for call in calls] == [["state", "mv"], ["state", "push"]]


def test_a_workspace_is_chosen_by_the_scripts() -> None:
    of = plan()
    of = replace(of, letting_go=(replace(of.letting_go[0], workspace="it's"),))
    for name in ("state-rm.sh", "import.sh", "restore.sh"):
        assert "export TF_WORKSPACE='it'\"'\"'s'\n" in files(of)[name]


def test_states_called_alike_get_folders_of_their_own() -> None:
    of = plan()
    other = tuple(replace(f, state="tf-terraform.tfstate") for f in of.forget)
    found = forget_files(replace(of, forget=(*of.forget, *other)))
    assert {name.partition("/")[0] for name in found} == {"tf-terraform.tfstate", "tf-terraform.tfstate-2"}


def test_no_text_of_a_plan_escapes_its_comment_or_makes_a_path() -> None:
    of = hostile_plan(replace(plan(), cluster="x\nrm -rf /"))
    for name, text in forget_files(of).items():
        folder, _, file = name.partition("/")
        assert ".." not in folder.strip(".")
        assert "/" not in file
        assert "\nrm -rf" not in text
        if file.endswith(".sh"):
            assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0


def test_texts_know_nothing_of_a_plan_without_the_section() -> None:
    of = replace(sample_plan(), letting_go=())
    assert sum(texts.resources for texts in forget_texts(of)) == len(of.forget)
