"""fleet.yaml: what it says is resolved, and what is wrong in it is told by line and field, all at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.audit.catalogue import catalogue
from replank.domain.errors import Refused, ReplankError
from replank.domain.roles import Role
from replank.inventory.fleet.loader import load_fleet
from replank.inventory.fleet.model import (
    CapoCredentials,
    CloudRef,
    ClusterConfig,
    EtcdSnapshots,
    KubeconfigRef,
    ManagementTarget,
    NewMachines,
    Override,
    SshAccess,
    StateSource,
)

EXAMPLE = """\
schema: replank.fleet/v1
defaults:
  cloud: prod
  kubeconfig: kube/{cluster}.yaml
  ssh: {user: ubuntu, key: ~/.ssh/id_ed25519, jump: ops@bastion.example.org, known_hosts: ssh/known_hosts}
  management: {kubeconfig: mgmt.yaml, context: mgmt, namespace: "fleet-{cluster}"}
  new_machines: {image: ubuntu-24.04, ssh_key: ops}
patterns:
  - match: "prod-*"
    ssh: {address: floating, port: 2222}
    load_balancer: unmanaged
  - match: ["*-2", lab]
    load_balancer: managed
    cloud: {region: eu}
clusters:
  prod-2: {}
  prod-1:
    state: [{file: "tf/{cluster}.tfstate"}, {folder: ../shared, workspace: blue, only: ["module.{cluster}"]}]
    overrides:
      - {server: "{cluster}-lb-*", role: load-balancer}
      - {server: "*", group: general}
    rename_servers: true
  lab:
    cloud: lab
    ssh:
    state:
      - pull: {folder: /srv/tf, command: tofu}
      - pull: tf/lab
        workspace: green
      - show_json: ~/lab.json
"""


def load(text: str) -> dict[str, ClusterConfig]:
    fleet = load_fleet(text, path="/etc/fleet/fleet.yaml", home="/home/ana")
    assert [c.name for c in fleet.clusters] == sorted(c.name for c in fleet.clusters)
    return {cluster.name: cluster for cluster in fleet.clusters}


def problem(text: str) -> Refused:
    with pytest.raises(Refused) as caught:
        load(text)
    assert caught.value.code in catalogue()
    return caught.value


def clusters(lines: str) -> str:
    return "schema: replank.fleet/v1\nclusters:\n" + "".join(f"  {line}\n" for line in lines.splitlines())


def test_a_cluster_is_resolved_with_paths_placeholders_and_home() -> None:
    assert load(EXAMPLE)["prod-1"] == ClusterConfig(
        name="prod-1",
        state=(
            StateSource(kind="file", path="/etc/fleet/tf/prod-1.tfstate"),
            StateSource(kind="folder", path="/etc/shared", workspace="blue", only=("module.prod-1",)),
        ),
        cloud=CloudRef(name="prod"),
        kubeconfig=KubeconfigRef(path="/etc/fleet/kube/prod-1.yaml"),
        ssh=SshAccess(
            user="ubuntu",
            key="/home/ana/.ssh/id_ed25519",
            port=2222,
            jump="ops@bastion.example.org",
            known_hosts="/etc/fleet/ssh/known_hosts",
            address="floating",
        ),
        management=ManagementTarget(
            namespace="fleet-prod-1", kubeconfig=KubeconfigRef(path="/etc/fleet/mgmt.yaml", context="mgmt")
        ),
        new_machines=NewMachines(image="ubuntu-24.04", ssh_key="ops"),
        overrides=(
            Override(server="prod-1-lb-*", role=Role.LOAD_BALANCER),
            Override(server="*", group="general"),
        ),
        load_balancer="unmanaged",
        rename_servers=True,
        etcd_snapshot=EtcdSnapshots(folder="/etc/fleet/etcd-snapshots"),
    )


def test_etcd_snapshots_are_merged_field_by_field() -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDummy ana"
    text = (
        "schema: replank.fleet/v1\n"
        f"defaults: {{etcd_snapshot: {{folder: '~/snaps/{{cluster}}', recipients: ['{key}']}}}}\n"
        "clusters:\n  a: {etcd_snapshot: {max_age_minutes: 5}, lock_state: false}\n  b:\n"
    )
    found = load(text)
    assert found["a"].etcd_snapshot == EtcdSnapshots(
        folder="/home/ana/snaps/a", recipients=(key,), max_age_minutes=5
    )
    assert not found["a"].lock_state
    assert found["b"].etcd_snapshot == EtcdSnapshots(folder="/home/ana/snaps/b", recipients=(key,))
    assert found["b"].lock_state


def test_credentials_of_an_inner_layer_replace_those_of_an_outer() -> None:
    text = (
        "schema: replank.fleet/v1\ndefaults: {credentials: {identity: prod, cloud: os}}\n"
        "clusters:\n  a: {credentials: {secret: '{cluster}-capo'}}\n  b:\n  c: {credentials: null}\n"
    )
    found = {name: cluster.credentials for name, cluster in load(text).items()}
    assert found == {
        "a": CapoCredentials(kind="secret", name="a-capo", cloud="openstack"),
        "b": CapoCredentials(kind="identity", name="prod", cloud="os"),
        "c": CapoCredentials(),
    }


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{secret: a, identity: b}", "needs one of secret and identity"),
        ("{cloud: a}", "needs one of secret and identity"),
        ("{secret: A_b}", "as a Kubernetes name"),
    ],
)
def test_credentials_that_mean_nothing_are_told(entry: str, says: str) -> None:
    with pytest.raises(Refused) as caught:
        load(f"schema: replank.fleet/v1\nclusters:\n  a: {{credentials: {entry}}}\n")
    assert says in str(caught.value)


def test_later_patterns_win_over_earlier_and_clusters_over_patterns() -> None:
    found = load(EXAMPLE)
    assert [found[name].load_balancer for name in ("prod-1", "prod-2", "lab")] == [
        "unmanaged",
        "managed",
        "managed",
    ]
    assert found["prod-2"].cloud == CloudRef(name="prod", region="eu")


def test_a_short_form_replaces_the_whole_and_null_takes_away() -> None:
    lab = load(EXAMPLE)["lab"]
    assert lab.cloud == CloudRef(name="lab")  # not the region of the pattern's cloud
    assert lab.ssh is None
    assert lab.state == (
        StateSource(kind="pull", path="/srv/tf", command="tofu"),
        StateSource(kind="pull", path="/etc/fleet/tf/lab", workspace="green"),
        StateSource(kind="show-json", path="/home/ana/lab.json"),
    )


def test_anchors_and_merge_keys_work() -> None:
    text = clusters(
        "a: &a {rename_servers: true, load_balancer: managed}\nb:\n  <<: *a\n  load_balancer: auto"
    )
    b = load(text)["b"]
    assert (b.rename_servers, b.load_balancer) == (True, "auto")


def test_a_namespace_that_is_not_given_is_the_clusters_name() -> None:
    assert load(clusters("a:"))["a"].management == ManagementTarget(namespace="a")


def test_no_clusters_is_a_fleet() -> None:
    assert load("schema: replank.fleet/v1\nclusters: {}") == {}


@pytest.mark.parametrize(
    ("text", "code", "line", "words"),
    [
        ("a: b: c", "RP010", 1, "mapping values"),
        ("schema: x\nbad\n", "RP010", 3, "could not find expected"),
        ("a: 1\nb: \x01", "RP010", 2, "U+0001"),
        ("a: 1\n---\nb: 2\n", "RP010", 2, "another document"),
        ("? [a]\n: 1", "RP010", 1, "plain text"),
        ("a: &a [*a]", "RP010", 1, "without end"),
        (clusters("a: {kubconfig: x}"), "RP011", 3, "did you mean `kubeconfig`?"),
        (clusters("a:\n  ssh: {user: u, sudoo: true}"), "RP011", 4, "did you mean `sudo`?"),
        (clusters("a: {zzz: x}"), "RP011", 3, "known here: cloud,"),
        (clusters("a: {}\nb: {}\na: {}"), "RP012", 5, "first in line 3, again in line 5"),
        (clusters("a:\n  ssh: {user: u, port: '22'}"), "RP013", 4, "whole number"),
        (clusters("a:\n  ssh: {user: u, port: 70000}"), "RP013", 4, "65535"),
        (clusters("a:\n  ssh: {user: 'root x'}"), "RP013", 4, "one word"),
        (clusters("a:\n  ssh: {user: u, jump: 'a b'}"), "RP013", 4, "user@host"),
        (clusters("a: {rename_servers: yes}"), "RP013", 3, "`true` or `false`"),
        (clusters("a: {etcd_snapshot: {max_age_minutes: 0}}"), "RP013", 3, "greater than or equal to 1"),
        (clusters("a: {etcd_snapshot: {recipients: [/keys/ops.pub]}}"), "RP013", 3, "age recipient"),
        (clusters("a: {etcd_snapshot: {where: x}}"), "RP011", 3, "where"),
        (clusters("a: {load_balancer: octavia}"), "RP013", 3, "'auto', 'managed' or 'unmanaged'"),
        (clusters("a: {state: {file: x}}"), "RP013", 3, "a list"),
        (clusters("a: {state: [{file: x, folder: y}]}"), "RP013", 3, "file and folder at once"),
        (clusters("a: {state: [{only: [x]}]}"), "RP013", 3, "none of them"),
        (clusters("a: {overrides: [{server: x}]}"), "RP013", 3, "`role` or `group`"),
        (clusters("a: {overrides: [{server: x, role: master}]}"), "RP013", 3, "'control-plane'"),
        (clusters("a: {management: {namespace: A_b}}"), "RP013", 3, "lower case"),
        (clusters("a: {kubeconfig: ~bob/x}"), "RP013", 3, "~user"),
        (clusters('a: {kubeconfig: "a\\0b"}'), "RP013", 3, "printed"),
        (clusters("Prod_1: {}"), "RP014", 3, "lower case"),
        (clusters("x" * 64 + ": {}"), "RP014", 3, "at most 63"),
        (clusters("a: {state: [{file: x}]}\nb: {state: [{file: ./x}]}"), "RP015", 3, "`b`"),
        (clusters("a: {state: [{file: x}, {file: x}]}"), "RP015", 3, "above it"),
        ("clusters: {}", "RP016", 1, "replank.fleet/v1"),
        ("schema: replank.fleet/v1", "RP016", 1, "is missing"),
        (clusters("a: {cloud: {region: x}}"), "RP016", 3, "`name`"),
        (clusters("a: {ssh: {port: 22}}"), "RP016", 3, "`user`"),
        (clusters("a: {management: {context: x}}"), "RP016", 3, "`kubeconfig`"),
        ("schema: replank.fleet/v2\nclusters: {}", "RP017", 1, "replank.fleet/v1"),
        (clusters("a: {kubeconfig: 'kube/{clster}'}"), "RP018", 3, "{clster}"),
    ],
)
def test_what_is_wrong_is_told_with_code_line_and_words(text: str, code: str, line: int, words: str) -> None:
    error = problem(text)
    assert error.code == code
    assert error.where.startswith(f"/etc/fleet/fleet.yaml:{line}:")
    assert words in error.why


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
schema: replank.fleet/v1
defaults: {ssh: {usr: u}}
clusters:
  A: {cloud: 3}
  b: {kubeconfig: "{x}"}
  b: {}
"""
    why = problem(text).why
    assert why.startswith("it has 5 problems:")
    places = [line.split()[0].split(":", 1)[1] for line in why.splitlines()[1:]]
    assert places == ["2:18", "4:3", "4:7", "5:19", "6:3"]
    assert [line.rpartition("[")[2] for line in why.splitlines()[1:]] == [
        "RP011]",
        "RP014]",
        "RP013]",
        "RP018]",
        "RP012]",
    ]


def test_values_are_not_repeated_because_they_may_be_secrets() -> None:
    error = problem(clusters("a: {ssh: {user: u, port: hunter2}, load_balancer: hunter2, password: hunter2}"))
    assert "hunter2" not in str(error)


def test_a_problem_of_merged_settings_points_at_the_layer_it_comes_from() -> None:
    text = """\
schema: replank.fleet/v1
defaults: {ssh: {port: 22}}
patterns: [{match: "b*", ssh: {sudo: false}}]
clusters: {a: {}}
"""
    error = problem(text)
    assert error.where == "/etc/fleet/fleet.yaml:2:12"
    assert "clusters.a.ssh" in error.why


def test_one_state_for_two_clusters_needs_only_at_each() -> None:
    text = "a: {state: [{file: x, only: [module.a]}]}\nb: {state: [{file: x%s}]}"
    assert "`a`" in problem(clusters(text % "")).why
    assert len(load(clusters(text % ", only: [module.b]"))) == 2
    workspaces = "a: {state: [{folder: x, workspace: a}]}\nb: {state: [{folder: x, workspace: b}]}"
    assert len(load(clusters(workspaces))) == 2


def test_a_name_that_makes_a_text_too_long_is_told() -> None:
    long = "capi-namespace-that-is-really-rather-long"
    error = problem(
        clusters(f"production-cluster-in-the-west: {{management: {{namespace: '{long}-{{cluster}}'}}}}")
    )
    assert (error.code, "63" in error.why) == ("RP013", True)


def test_many_problems_stay_readable() -> None:
    error = problem(clusters("\n".join(f"C{i}: {{}}" for i in range(100))))
    assert "and 70 more" in error.why


def test_billions_of_aliases_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert problem("\n".join(lines)).code == "RP010"


YAMLISH = st.text(alphabet=" \n:-#{}[]\"'&*!|>%@`?,.~/<=ab1:{}clusters", max_size=60)


@given(st.text(max_size=80) | YAMLISH | YAMLISH.map(lambda t: EXAMPLE + t))
def test_random_text_raises_nothing_but_replank_errors(text: str) -> None:
    try:
        load_fleet(text, path="fleet.yaml", home="/home/ana")
    except ReplankError as error:
        code = error.code
    else:
        code = "RP000"
    assert code in catalogue()


@given(st.data())
def test_an_example_with_a_piece_cut_out_or_put_in_never_crashes(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(EXAMPLE)))
    end = data.draw(st.integers(start, min(len(EXAMPLE), start + 30)))
    text = EXAMPLE[:start] + data.draw(YAMLISH) + EXAMPLE[end:]
    try:
        load_fleet(text, path="fleet.yaml", home="/home/ana")
    except ReplankError as error:
        code = error.code
    else:
        code = "RP000"
    assert code in catalogue()


NAMES = st.lists(st.from_regex(r"[a-z]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True), unique=True, max_size=6)


@given(NAMES, st.randoms(use_true_random=False))
def test_the_order_of_clusters_in_the_file_changes_nothing(names: list[str], random: object) -> None:
    body = [f"'{name}': {{state: [{{file: '{name}.tfstate'}}]}}" for name in names]
    turned = list(reversed(body))
    header = "schema: replank.fleet/v1\nclusters: {"
    first = load_fleet(header + ", ".join(body) + "}", path="/f", home="/h")
    assert first == load_fleet(header + ", ".join(turned) + "}", path="/f", home="/h")
