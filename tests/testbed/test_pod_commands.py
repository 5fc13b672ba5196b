"""Commands on nodes by way of pods: what arrives, and what is told when the way breaks."""

from __future__ import annotations

import hashlib
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from living_nodes import WORKER
from pod_sessions import Hurried, during, hostname, in_session
from pods_site import BySite, pods_site

from replank.domain.errors import Refused, Transient
from replank.inventory.hosts import commands
from replank.inventory.hosts.swap_commands import FOLDER, WRITE
from replank.inventory.node_pods import NAMESPACE
from replank.ports.nodes import Parcel
from replank.testbed.serve.kubernetes import Denied
from replank.testbed.serve.kubernetes.pod_exec import V4, V5
from replank.transports.hosts.nodes import HostNodes
from replank.transports.hosts.session import HostSession
from replank.transports.node_pod.channels import END
from replank.transports.node_pod.pods import NodePods
from replank.transports.node_pod.shell import on_node


@pytest.fixture
def site(tmp_path: Path) -> Iterator[BySite]:
    with pods_site(tmp_path) as made:
        yield made


@pytest.mark.parametrize("version", [V5, V4])
def test_a_large_file_arrives_whole_on_either_version(tmp_path: Path, version: str) -> None:
    source = tmp_path / "program"
    content = bytes(range(256)) * 16 * 1024 + b"\x00\xff\x00end"
    source.write_bytes(content)
    path = f"{FOLDER}/program"
    parcel = Parcel(path=path, sha256=hashlib.sha256(content).hexdigest(), source=str(source))
    with pods_site(tmp_path / "site", (version,)) as site:
        assert during(site, lambda pods: HostNodes(pods).put(WORKER, parcel))
        assert site.living.nodes[WORKER].machine.files[path].content == content
        assert not during(site, lambda pods: HostNodes(pods).put(WORKER, parcel)), "it lies there"
        assert set(site.pods.server.spoken) == {version}


def test_a_file_that_is_another_one_than_planned_is_not_put_there(site: BySite, tmp_path: Path) -> None:
    source = tmp_path / "program"
    source.write_bytes(b"x" * 100)
    parcel = Parcel(path=f"{FOLDER}/p", sha256=hashlib.sha256(b"y" * 100).hexdigest(), source=str(source))
    with pytest.raises(Transient) as failed:
        during(site, lambda pods: HostNodes(pods).put(WORKER, parcel))
    assert failed.value.code == "RP946"
    assert f"{FOLDER}/p" not in site.living.nodes[WORKER].machine.files


@pytest.mark.parametrize("version", [V5, V4])
def test_a_feed_shorter_than_promised_leaves_nobody_waiting(tmp_path: Path, version: str) -> None:
    async def send(session: HostSession) -> int:
        write = WRITE.call(swapped=f"{FOLDER}/p")
        return (await session.output(write, feed=[b"half"], feed_bytes=8, longest_s=30)).status

    with pods_site(tmp_path, (version,)) as site:
        if version == V5:
            assert during(site, in_session(WORKER, send)) == 0
            assert site.living.nodes[WORKER].machine.files[f"{FOLDER}/p"].content == b"half"
        else:
            with pytest.raises(Transient, match="RP975"):
                during(site, in_session(WORKER, send))


@pytest.mark.parametrize("version", [V5, V4])
def test_exit_status_and_both_streams_come_back(tmp_path: Path, version: str) -> None:
    async def look(session: HostSession) -> tuple[int, str, bool, str]:
        missing = await session.output(commands.OS_RELEASE.call())
        return missing.status, missing.why, await session.exists("/nowhere"), await hostname(session)

    with pods_site(tmp_path, (version,)) as site:
        del site.living.nodes[WORKER].machine.files["/etc/os-release"]
        status, why, there, name = during(site, in_session(WORKER, look))
    assert (status, there, name) == (1, False, WORKER)
    assert "No such file" in why


def test_only_listed_commands_are_run(site: BySite) -> None:
    async def look(session: HostSession) -> None:
        await session.output(commands.HOSTNAME.call().__class__("hostname", ("reboot",), False))

    with pytest.raises(AssertionError):
        during(site, in_session(WORKER, look))
    assert site.pods.lines == []


def test_a_command_whose_connection_breaks_off_is_transient_and_the_next_one_goes_through(
    site: BySite,
) -> None:
    site.pods.cut.append("hostname")

    async def work(pods: NodePods) -> tuple[str, str]:
        with pytest.raises(Transient) as failed:
            await in_session(WORKER, hostname)(pods)
        return failed.value.code, await in_session(WORKER, hostname)(pods)

    assert during(site, work) == ("RP975", WORKER)


def test_a_command_that_is_told_to_have_ended_well_but_has_not_is_transient(site: BySite) -> None:
    """So a runtime ends execs that it loses by its own restart."""
    site.pods.fades.append("hostname")

    async def work(pods: NodePods) -> tuple[str, str]:
        with pytest.raises(Transient) as failed:
            await in_session(WORKER, hostname)(pods)
        return failed.value.code, await in_session(WORKER, hostname)(pods)

    assert during(site, work) == ("RP975", WORKER)


def test_the_shell_says_that_it_has_ended_and_how_it_went() -> None:
    for line, status, said in (("printf abc", 0, b"abc"), ("false", 1, b""), ("exit 3", 3, None)):
        done = subprocess.run(["sh", "-c", on_node(line, None)[-1]], capture_output=True)
        assert done.returncode == status
        assert done.stdout == (b"" if said is None else said + END)
    fed = subprocess.run(["sh", "-c", on_node("cat", 4)[-1]], input=b"abcdefgh", capture_output=True)
    assert (fed.returncode, fed.stdout) == (0, b"abcd" + END)


def test_a_kubelet_that_is_away_is_transient(site: BySite) -> None:
    async def work(pods: NodePods) -> str:
        await in_session(WORKER, hostname)(pods)
        site.pods.away.add(WORKER)
        with pytest.raises(Transient) as failed:
            await in_session(WORKER, hostname)(pods)
        site.pods.away.clear()
        assert "10.0.0.9" not in str(failed.value)
        return failed.value.code

    assert during(site, work) == "RP975"


def test_a_pod_that_does_not_start_in_time_is_transient(site: BySite) -> None:
    site.pods.down.add(WORKER)
    with pytest.raises(Transient) as failed:
        during(site, in_session(WORKER, hostname))
    assert failed.value.code == "RP975"
    assert site.left() == []


def test_an_image_that_is_not_to_be_had_is_refused_at_once(site: BySite) -> None:
    clock = Hurried()
    with pytest.raises(Refused) as failed:
        during(site, in_session(WORKER, hostname), image="elsewhere:1", clock=clock)
    assert failed.value.code == "RP976"
    assert "elsewhere:1: ErrImagePull" in failed.value.why
    assert clock.later < 10
    assert site.left() == []


def test_who_may_not_run_commands_in_pods_hears_which_right_is_missing(site: BySite) -> None:
    site.living.twin.api("small").denied.append(Denied("get", "pods/exec", NAMESPACE))
    with pytest.raises(Refused) as failed:
        during(site, in_session(WORKER, hostname))
    assert failed.value.code == "RP053"
    assert "pods/exec" in failed.value.why


def test_a_server_that_speaks_no_version_of_the_protocol_is_refused(tmp_path: Path) -> None:
    with pods_site(tmp_path, ("channel.k8s.io",)) as site, pytest.raises(Refused) as failed:
        during(site, in_session(WORKER, hostname))
    assert failed.value.code == "RP977"


def test_the_login_is_in_no_log_and_in_no_pod(site: BySite, caplog: pytest.LogCaptureFixture) -> None:
    kubeconfig = site.living.folder / "kube/small.yaml"
    (cluster,) = site.living.twin.world.clusters
    cluster.api.tokens = ("PLANTED-TOKEN",)
    lines = kubeconfig.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if "client-certificate-data" in line)
    indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
    kept = [line for line in lines if "client-key-data" not in line and "client-certificate-data" not in line]
    kept.insert(start, f"{indent}token: PLANTED-TOKEN")
    kubeconfig.write_text("\n".join(kept) + "\n")
    with caplog.at_level(logging.DEBUG):
        assert during(site, in_session(WORKER, hostname)) == WORKER
    assert "PLANTED-TOKEN" not in caplog.text
    assert "PLANTED-TOKEN" not in str(site.pods.made)
