"""`replank init`: what is found on disk becomes a commented fleet.yaml that loads again."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.domain.errors import Refused
from replank.inventory.fleet.draft import draft_fleet
from replank.inventory.fleet.found import (
    Found,
    FoundClouds,
    FoundKubeconfig,
    FoundServers,
    FoundState,
    guess_clusters,
)
from replank.inventory.fleet.loader import load_fleet
from replank.inventory.fleet.model import ClusterConfig, StateSource
from replank.transports.terraform import DiscoverLimits, discover

STATES = Path(__file__).parents[1] / "terraform" / "fixtures"
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: {current}
contexts:
- {{name: admin@blue, context: {{cluster: c, user: u}}}}
- {{name: other, context: {{cluster: c, user: u}}}}
users:
- {{name: u, user: {{token: PLANTED-TOKEN}}}}
"""


def load(text: str) -> dict[str, ClusterConfig]:
    return {c.name: c for c in load_fleet(text, path="/fleet/fleet.yaml", home="/home/ana").clusters}


def put(name: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(STATES / name, path)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def servers(*names: str, module: str = "") -> FoundServers:
    return FoundServers(module=module, names=names)


def test_a_tree_becomes_a_fleet(tmp_path: Path) -> None:
    put("kubespray.tfstate", tmp_path / "inventory" / "spray" / "terraform.tfstate")
    put("two-clusters.tfstate", tmp_path / "tf" / "shared.tfstate")
    put("show.json", tmp_path / "show" / "show.json")
    put("backend-pointer.tfstate", tmp_path / "tf" / "remote" / ".terraform" / "terraform.tfstate")
    put("kubespray.tfstate", tmp_path / "tf" / "remote" / "terraform.tfstate")
    write(tmp_path / "tf" / "remote" / ".terraform.lock.hcl", 'provider "registry.opentofu.org/x/y" {}')
    put("for-each.tfstate", tmp_path / "node_modules" / "ignored.tfstate")
    put("v3.tfstate", tmp_path / "old" / "terraform.tfstate")
    write(tmp_path / "clouds.yaml", "clouds:\n  prod: {auth: {password: PLANTED-PASSWORD}}\n")
    write(tmp_path / "kube" / "kubeconfig-blue", KUBECONFIG.format(current="other"))
    write(tmp_path / "deploy.yaml", "kind: Deployment\nmetadata: {name: x}\n")
    write(tmp_path / "template.yaml", "{{ template }}: kind Config contexts: {{{")
    text = draft_fleet(discover(tmp_path, base=tmp_path))
    assert "PLANTED" not in text
    found = load(text)
    assert list(found) == ["blue", "green", "remote", "show", "spray"]
    assert found["blue"].state == (
        StateSource(kind="file", path="/fleet/tf/shared.tfstate", only=("module.blue",)),
    )
    assert found["green"].state[0].only == ('module.green["x"]',)
    assert found["remote"].state == (StateSource(kind="pull", path="/fleet/tf/remote", command="tofu"),)
    assert found["show"].state == (StateSource(kind="show-json", path="/fleet/show/show.json"),)
    kubeconfig = found["blue"].kubeconfig
    assert kubeconfig is not None
    assert (kubeconfig.path, kubeconfig.context) == ("/fleet/kube/kubeconfig-blue", "admin@blue")
    assert found["green"].kubeconfig is None
    cloud, ssh = found["spray"].cloud, found["spray"].ssh
    assert cloud is not None
    assert (cloud.name, cloud.clouds_yaml) == ("prod", "/fleet/clouds.yaml")
    assert ssh is not None
    assert ssh.user == "ubuntu"  # Kubespray's metadata
    assert "# Not used: old/terraform.tfstate: RP023" in text
    assert "# Not used: tf/remote/terraform.tfstate: left over" in text


def test_nothing_found_gives_examples_that_load(tmp_path: Path) -> None:
    text = draft_fleet(discover(tmp_path, base=tmp_path))
    assert load(text) == {}
    for word in ("file:", "folder:", "show_json:", "pull:", "overrides:", "management:", "new_machines:"):
        assert word in text


def test_the_commented_examples_are_valid_when_their_marks_are_taken_away() -> None:
    text = draft_fleet(Found(folder=".")).replace("clusters: {}", "clusters:")
    example = re.compile(r"^( *)# ( *(?:- |[a-z_0-9-]+:))", flags=re.MULTILINE)
    [cluster] = load(example.sub(r"\1\2", text)).values()
    assert cluster.name == "prod-1"
    assert [source.kind for source in cluster.state] == ["file", "folder", "show-json", "pull"]
    assert cluster.state[3].only == ("module.prod_1",)
    assert len(cluster.overrides) == 2
    assert cluster.cloud is not None
    assert cluster.ssh is not None
    assert cluster.new_machines.image
    assert cluster.management.kubeconfig is not None
    assert (cluster.credentials.kind, cluster.credentials.name) == ("secret", "prod-1-capo")


def test_servers_names_and_metadata_tell_the_cluster() -> None:
    states = [
        FoundState(
            kind="file", path="a/terraform.tfstate", servers=(servers("prod-1-cp-0", "prod-1-worker-9"),)
        ),
        FoundState(kind="file", path="b/terraform.tfstate", servers=(servers("prod-1-worker-10"),)),
        FoundState(
            kind="file",
            path="c/terraform.tfstate",
            servers=(FoundServers(module="", names=("web1",), clusters=("Web_Farm",)),),
        ),
        FoundState(kind="file", path="west/terraform/terraform.tfstate", servers=(servers("m1", "m2"),)),
        FoundState(kind="file", path="tf/east.tfstate", servers=(servers("m1"),)),
        FoundState(kind="pull", path="tf", workspace="north"),
    ]
    guessed = {cluster.name: [s.state.path for s in cluster.states] for cluster in guess_clusters(states)}
    assert guessed == {
        "prod-1": ["a/terraform.tfstate", "b/terraform.tfstate"],
        "web-farm": ["c/terraform.tfstate"],
        "west": ["west/terraform/terraform.tfstate"],
        "east": ["tf/east.tfstate"],
        "north": ["tf"],
    }


def test_several_clouds_are_offered_and_none_is_chosen() -> None:
    found = Found(
        folder=".",
        states=(FoundState(kind="file", path="a.tfstate", servers=(servers("a-cp-0"),)),),
        clouds=(FoundClouds(path="clouds.yaml", names=("lab", "prod")),),
    )
    text = draft_fleet(found)
    assert load(text)["a"].cloud is None
    assert "# cloud: {name: prod, clouds_yaml: clouds.yaml}" in text


def test_a_state_without_servers_is_told_and_makes_no_cluster() -> None:
    found = Found(folder=".", states=(FoundState(kind="file", path="net.tfstate"),))
    assert load(draft_fleet(found)) == {}
    assert "net.tfstate: it has no servers" in draft_fleet(found)


def test_a_search_ends_at_its_limits(tmp_path: Path) -> None:
    put("kubespray.tfstate", tmp_path / "a" / "b" / "c" / "x.tfstate")
    for i in range(5):
        write(tmp_path / f"f{i}", "")
    assert len(discover(tmp_path, base=tmp_path).states) == 1
    assert discover(tmp_path, base=tmp_path, limits=DiscoverLimits(depth=2)).states == ()
    found = discover(tmp_path, base=tmp_path, limits=DiscoverLimits(entries=3))
    assert "more than 3 files" in found.problems[0]


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        discover(tmp_path / "nowhere", base=tmp_path)
    assert caught.value.code == "RP019"


def test_paths_start_from_the_folder_of_fleet_yaml(tmp_path: Path) -> None:
    put("kubespray.tfstate", tmp_path / "states" / "spray.tfstate")
    [state] = discover(tmp_path / "states", base=tmp_path / "fleet").states
    assert state.path == "../states/spray.tfstate"


WORDS = st.text(max_size=12) | st.sampled_from(
    ["null", "true", "1e3", "{x}", "a: b", "~", "- a", "#", '"', "x\ny"]
)
FOUND_SERVERS = st.builds(
    FoundServers,
    module=WORDS | st.sampled_from(["module.a", 'module.b["{x}"]', "module.c[0]"]),
    names=st.lists(WORDS | st.sampled_from(["a-cp-0", "b-master-1"]), max_size=3).map(tuple),
    clusters=st.lists(WORDS, max_size=2).map(tuple),
)
FOUND_STATES = st.builds(
    FoundState,
    kind=st.sampled_from(["file", "folder", "show-json", "pull"]),
    path=WORDS,
    workspace=WORDS,
    servers=st.lists(FOUND_SERVERS, max_size=3).map(tuple),
    ssh_users=st.lists(st.sampled_from(["ubuntu", "core"]), max_size=2).map(tuple),
)


@given(
    st.builds(
        Found,
        folder=WORDS,
        states=st.lists(FOUND_STATES, max_size=4).map(tuple),
        clouds=st.lists(
            st.builds(FoundClouds, path=WORDS, names=st.lists(WORDS, max_size=2).map(tuple)), max_size=2
        ).map(tuple),
        kubeconfigs=st.lists(
            st.builds(
                FoundKubeconfig, path=WORDS, contexts=st.lists(WORDS, max_size=2).map(tuple), current=WORDS
            ),
            max_size=2,
        ).map(tuple),
        problems=st.lists(WORDS, max_size=2).map(tuple),
    )
)
def test_whatever_was_found_the_draft_loads(found: Found) -> None:
    load(draft_fleet(found))
