"""The demo's runtime swaps: they end well, or the demo says that they did not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from replank.app.cli import EXIT_ERROR, EXIT_OK, main
from replank.app.demo_swap import swap_runtimes, switch_from_docker
from replank.testbed import nodes
from replank.testbed.fleet.demo import PLAIN, docker_world
from replank.testbed.fleet.generate import generate
from replank.testbed.fleet.spec import WorkerGroup
from replank.testbed.node.machine import MachineWorld, Node
from replank.testbed.twin import Twin

SMALL = replace(PLAIN, control_planes=1, workers=(WorkerGroup(name="worker", count=1),))


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Twin]:
    """The demo's healthy cluster, smaller, and surveyed."""
    with Twin(generate(5, (SMALL,), datetime.now(UTC)), tmp_path) as running:
        files = ["--fleet", str(tmp_path / "fleet.yaml"), "--snapshots", str(tmp_path / "snapshots")]
        with pytest.raises(SystemExit) as ended:
            main(["survey", "--runtime", *files])
        assert ended.value.code == 0
        yield running


@pytest.fixture
def bend(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[MachineWorld], None]], None]:
    """Something is wrong with a node when it starts."""

    def bent(name: str, how: Callable[[MachineWorld], None]) -> None:
        start = nodes.start_nodes

        def started(twin: Twin, cluster: str, folder: Path) -> dict[str, Node]:
            found = start(twin, cluster, folder)
            how(found[name].world)
            return found

        monkeypatch.setattr(nodes, "start_nodes", started)

    return bent


def said(capsys: pytest.CaptureFixture[str], secrets: tuple[str, ...] = ()) -> str:
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert [secret for secret in secrets if secret in text] == []
    return " ".join(text.split())


def assert_page_and_no_secret(folder: Path, text: str, secrets: tuple[str, ...]) -> None:
    (page,) = (folder / "reports-swap").glob("*.html")
    assert f"before it was undone: open {page}" in text
    journal = (folder / ".replank" / "journal.db").read_bytes()
    reports = [path.read_text() for path in folder.glob("reports-swap*/*")]
    assert len(reports) >= 4
    for secret in secrets:
        assert secret.encode() not in journal
        assert not [report for report in reports if secret in report]


def test_containerd_is_swapped_under_the_pods_and_back_and_nothing_differs(
    twin: Twin, capsys: pytest.CaptureFixture[str]
) -> None:
    assert swap_runtimes(twin, twin.folder) == EXIT_OK
    text = said(capsys, twin.world.planted_secrets)
    (before,) = re.findall(r"tells before: 2 Nodes, 2 on containerd://1.7.29; (\d+) containers, 0 rest", text)
    same = f"{before} containers, 0 restarts; {before} containers are as before."
    assert f"The API tells now: 2 Nodes, 2 on containerd://2.3.5; {same}" in text
    assert f"The API tells after the undo: 2 Nodes, 2 on containerd://1.7.29; {same}" in text
    assert "Nothing differs." in text
    assert_page_and_no_secret(twin.folder, text, twin.world.planted_secrets)


def test_docker_is_switched_to_containerd_and_back_once_the_log_agent_is_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "docker"
    assert switch_from_docker(1, folder) == EXIT_OK
    secrets = docker_world(1).planted_secrets
    text = said(capsys, secrets)
    assert "RP420 The log agent reads Docker's lines only" in text
    assert re.search(r"\+ +multiline.parser +docker, cri", text)
    (told,) = re.findall(r"tells now: 3 Nodes, 3 on containerd://2.3.5; (.*?) are as before", text)
    containers, restarts, same = map(int, re.findall(r"\d+", told))
    assert 0 < restarts == containers - same, "on the workers every container is another one, once"
    assert "tells after the undo: 3 Nodes, 1 on containerd://1.7.29, 2 on docker://28.5.2;" in text
    assert_page_and_no_secret(folder, text, secrets)


def test_the_demo_fails_where_a_node_does_not_come_to_the_new_runtime(
    twin: Twin, bend: Callable[..., None]
) -> None:
    bend("plain-worker-1", lambda world: world.broken.append("cri plugin 2.3.5"))
    assert swap_runtimes(twin, twin.folder) == EXIT_ERROR


def test_the_demo_fails_where_the_undo_restarts_a_container(
    twin: Twin, bend: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    def restless(world: MachineWorld) -> None:
        def hook(point: str) -> None:
            if point == "after systemctl daemon-reload" and world.daemon == "2.3.5" and not world.drop_in:
                next(c for c in world.cri if c["type"] == "container")["restarts"] += 1

        world.hook = hook

    bend("plain-cp-1", restless)
    assert swap_runtimes(twin, twin.folder) == EXIT_ERROR
    text = said(capsys)
    assert re.search(
        r"after the undo: 2 Nodes, 2 on containerd://1.7.29; [0-9]+ containers, 1 restarts", text
    )
    assert "that is a bug of replank" in text
