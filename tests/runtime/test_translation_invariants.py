"""What holds for every configuration: a row for each setting, no secret out, what is written reads back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
import tomli_w
from hypothesis import assume, event, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from replank.domain.errors import Refused
from replank.inventory.runtime.containerd_config import parse_file
from replank.inventory.runtime.containerd_facts import ContainerdConfiguration, ContainerdFile
from replank.inventory.runtime.containerd_homes import canonical, home_in, value_in
from replank.inventory.runtime.containerd_merge import in_force
from replank.inventory.runtime.containerd_setting import Setting
from replank.inventory.runtime.containerd_settings import SETTINGS
from replank.inventory.runtime.daemon_json import docker_configuration, parse_daemon_json, parse_dockerd
from replank.inventory.runtime.docker_keys import DOCKER_KEYS, Kind
from replank.inventory.runtime.facts import NodeRuntime
from replank.inventory.runtime.tree import dotted, grown, leaves
from replank.migrations.runtime_swap.translation.in_force import compare, differs
from replank.migrations.runtime_swap.translation.model import Outcome, Target, Translation
from tests.runtime.runtime_cases import (
    CONTAINERD_TARGET,
    DOCKER_TARGET,
    containerd_files,
    node_of,
    target_of,
    translate,
    version,
)
from tests.runtime.test_translation_cases import names_of

ROOT = "/etc/containerd/config.toml"
DROP_IN = "/etc/containerd/conf.d/50.toml"
WORDS = st.text(alphabet="abcdefgh", min_size=1, max_size=6)
SECRETS = st.text(alphabet="xyzXYZ0123456789_.~/@:?#%&=+!-", min_size=12, max_size=24).map(
    lambda text: f"s3cr{text}t9"
)
_TRANSLATION: TypeAdapter[Translation] = TypeAdapter(Translation)


def _docker_values(kind: Kind) -> st.SearchStrategy[Any]:
    """Values that dockerd takes for a kind of key."""
    return {
        Kind.BOOL: st.booleans(),
        Kind.INT: st.integers(-1000, 100_000),
        Kind.TEXT: WORDS,
        Kind.TEXTS: st.lists(WORDS, max_size=3),
        Kind.URL: WORDS.map(lambda word: f"http://{word}.example:3128"),
        Kind.URLS: st.lists(WORDS.map(lambda word: f"https://{word}.example"), max_size=3),
        Kind.PAIRS: st.lists(
            st.sampled_from(["native.cgroupdriver=systemd", "overlay2.size=1G", "a=b"]), max_size=2
        ),
        Kind.NAMES: st.lists(WORDS.map(lambda word: f"{word}=1"), max_size=2),
        Kind.LOG_OPTS: st.dictionaries(
            st.sampled_from(["max-size", "max-file", "mode", "tag", "other"]),
            st.sampled_from(["10m", "3", "x"]),
        ),
        Kind.ULIMITS: st.dictionaries(
            st.sampled_from(["nofile", "memlock", "cpu", "odd"]),
            st.fixed_dictionaries({"Soft": st.integers(-1, 10**6), "Hard": st.integers(-1, 10**6)}),
        ),
        Kind.RUNTIMES: st.dictionaries(
            WORDS,
            st.fixed_dictionaries({"path": WORDS, "runtimeArgs": st.lists(WORDS, max_size=1)}),
            max_size=2,
        ),
        Kind.FEATURES: st.dictionaries(st.sampled_from(["buildkit", "cdi", "odd"]), st.booleans()),
        Kind.POOLS: st.just([{"base": "10.0.0.0/8", "size": 24}]),
        Kind.PROXIES: st.dictionaries(st.sampled_from(["http-proxy", "no-proxy"]), WORDS),
        Kind.SIZE: st.sampled_from(["64M", 67108864]),
        Kind.OPAQUE: st.dictionaries(WORDS, WORDS, max_size=2),
    }[kind]


@st.composite
def daemon_jsons(draw: st.DrawFn) -> dict[str, Any]:
    """A daemon.json of some known keys and perhaps an unknown one."""
    keys = draw(st.lists(st.sampled_from(sorted(DOCKER_KEYS)), unique=True, max_size=14))
    document = {key: draw(_docker_values(DOCKER_KEYS[key])) for key in keys}
    if draw(st.booleans()):
        document["unheard-of"] = draw(WORDS)
    return document


def _docker(document: dict[str, Any], target: Target | None = None, **changes: Any) -> Translation:
    node = node_of("docker", {"daemon_json": json.dumps(document), **changes})
    return translate("docker", node, target or target_of(DOCKER_TARGET))


@given(daemon_jsons(), st.sampled_from(["1.7.29", "2.0.7", "2.1.5", "2.3.5"]))
def test_every_setting_of_docker_has_a_row(document: dict[str, Any], containerd: str):
    translation = _docker(document, target_of({**DOCKER_TARGET, "containerd": containerd}))
    rows = {row.setting for row in translation.rows}
    configuration = docker_configuration(parse_daemon_json(json.dumps(document)))
    assert [
        name for setting in configuration.settings for name in names_of(setting) if name not in rows
    ] == []


@given(daemon_jsons())
def test_translating_docker_is_deterministic_and_order_does_not_matter(document: dict[str, Any]):
    backwards = dict(reversed(list(document.items())))
    assert _docker(document) == _docker(document) == _docker(backwards)


def test_every_key_of_docker_is_either_translated_or_has_a_reason():
    for key, kind in DOCKER_KEYS.items():
        translation = _docker({key: SAMPLES[kind]})
        codes = {row.code for row in translation.rows if row.setting.partition(".")[0] == key}
        assert "RP441" not in codes, key


SAMPLES: dict[Kind, Any] = {
    Kind.BOOL: True,
    Kind.INT: 7,
    Kind.TEXT: "word",
    Kind.TEXTS: ["word"],
    Kind.URL: "http://proxy.example:3128",
    Kind.URLS: ["https://mirror.example"],
    Kind.PAIRS: [],
    Kind.NAMES: ["word=1"],
    Kind.LOG_OPTS: {"max-size": "10m"},
    Kind.ULIMITS: {"memlock": {"Soft": -1, "Hard": -1}},
    Kind.RUNTIMES: {"crun": {"path": "/usr/bin/crun"}},
    Kind.FEATURES: {"buildkit": True},
    Kind.POOLS: [{"base": "10.0.0.0/8", "size": 24}],
    Kind.PROXIES: {"http-proxy": "http://proxy.example:3128"},
    Kind.SIZE: "64M",
    Kind.OPAQUE: {"a": "b"},
}


DOCKER_PLACES = {
    "log-opts": lambda s: {"log-driver": "splunk", "log-opts": {"splunk-token": s, "max-size": "10m"}},
    "mirror": lambda s: {"registry-mirrors": [f"https://robot:{s}@mirror.example/path?token={s}"]},
    "labels": lambda s: {"labels": [f"key={s}"], "node-generic-resources": [f"gpu={s}"]},
    "unknown": lambda s: {"x-unknown": {"deep": [s]}, "x-other": s},
    "opaque": lambda s: {
        "builder": {"gc": s},
        "cluster-store-opts": {"kv.keyfile": s},
        "default-network-opts": {"a": s},
    },
    "store": lambda s: {
        "cluster-store": f"consul://u:{s}@host/p",
        "exec-opts": [f"odd={s}"],
        "storage-opts": [f"x={s}"],
    },
    "proxies": lambda s: {
        "proxies": {"http-proxy": f"http://u:{s}@proxy.example:3128"},
        "https-proxy": f"http://{s}@p.example",
    },
    "runtimes": lambda s: {
        "runtimes": {"odd": {"path": "/bin/x", "runtimeArgs": [f"--key={s}"], "options": {"Key": s}}}
    },
    "hosts": lambda s: {"hosts": [f"tcp://u:{s}@0.0.0.0:2375"]},
}


@given(st.sets(st.sampled_from(sorted(DOCKER_PLACES)), min_size=1), SECRETS)
def test_no_secret_of_docker_gets_out(places: set[str], secret: str):
    document: dict[str, Any] = {}
    for place in places:
        document.update(DOCKER_PLACES[place](secret))
    node = node_of(
        "docker",
        {
            "daemon_json": json.dumps(document),
            "environment": f'"HTTP_PROXY=http://u:{secret}@proxy.example:3128" "OTHER={secret}"',
            "environment_files": {
                "/etc/docker/proxy.env": f"HTTPS_PROXY=http://u:{secret}@p.example\nTOKEN={secret}\n"
            },
        },
    )
    translation = translate("docker", node, target_of(DOCKER_TARGET))
    for shown in (repr(node), repr(translation), _TRANSLATION.dump_json(translation).decode()):
        assert secret not in shown
    assert secret not in repr(
        parse_dockerd(f"dockerd\0--label\0a={secret}\0--log-opt=splunk-token={secret}".encode())
    )


CONTAINERD_PLACES = {
    "auth": lambda s: {
        ("registry", "configs", "reg.example", "auth"): {"password": s, "auth": s, "identitytoken": s}
    },
    "auths": lambda s: {("registry", "auths", f"https://u:{s}@reg.example"): {"password": s}},
    "headers": lambda s: {("registry", "headers"): {"Authorization": [s]}},
    "mirror": lambda s: {
        ("registry", "mirrors", "docker.io"): {"endpoint": [f"https://u:{s}@mirror.example"]}
    },
    "unknown": lambda s: {("x_unknown",): {"deep": s}},
    "options": lambda s: {
        ("containerd", "runtimes", "odd"): {"runtime_type": "io.containerd.odd.v1", "options": {"Key": s}}
    },
}


@given(st.sets(st.sampled_from(sorted(CONTAINERD_PLACES)), min_size=1), SECRETS, st.booleans())
def test_no_secret_of_containerd_gets_out(places: set[str], secret: str, in_drop_in: bool):
    cri: dict[str, Any] = {}
    for place in sorted(places):
        for path, value in CONTAINERD_PLACES[place](secret).items():
            cri = _merged(cri, grown([(path, value)]))
    secrets = {
        "version": 2,
        "x_top": secret,
        "plugins": {"io.containerd.grpc.v1.cri": cri, "io.containerd.own.v1.x": {"key": secret}},
        "stream_processors": {"own": {"path": "x", "args": [f"--key={secret}"], "env": [f"KEY={secret}"]}},
        "proxy_plugins": {"own": {"type": "snapshot", "address": f"http://u:{secret}@host"}},
    }
    texts = {ROOT: tomli_w.dumps({"version": 2, "imports": ["/etc/containerd/conf.d/*.toml"]})}
    texts[DROP_IN if in_drop_in else ROOT] = tomli_w.dumps(secrets)
    hosts = {
        "/etc/containerd/certs.d/docker.io/hosts.toml": tomli_w.dumps(
            {"server": f"https://u:{secret}@reg.example", "header": {"Authorization": secret}}
        )
    }
    node = node_of("containerd", {"toml": texts, "hosts_toml": hosts})
    for containerd in ("1.7.29", "2.3.5"):
        translation = translate(
            "containerd", node, target_of({**CONTAINERD_TARGET, "containerd": containerd})
        )
        for shown in (repr(node), repr(translation), _TRANSLATION.dump_json(translation).decode()):
            assert secret not in shown


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    result = dict(one)
    for key, value in other.items():
        inner = result.get(key)
        result[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return result


def _values(setting: Setting) -> st.SearchStrategy[Any]:
    """Values of the kind that the default has."""
    default = setting.default((2, 3)) if setting.defaults else ""
    if setting.path[-1] in ("SystemdCgroup", "runtime_type"):
        return st.just(False if setting.path[-1] == "SystemdCgroup" else "io.containerd.runc.v2")
    if setting.path[-1] in ("endpoint",):
        return st.lists(WORDS.map(lambda word: f"https://{word}.example"), min_size=1, max_size=2)
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, int):
        return st.integers(0, 10_000)
    if isinstance(default, float):
        return st.just(0.5)
    if isinstance(default, list):
        return st.lists(WORDS, max_size=2)
    return WORDS


@st.composite
def configurations(
    draw: st.DrawFn, layout: int, line: tuple[int, int]
) -> tuple[dict[str, str], tuple[ContainerdFile, ...]]:
    """config.toml of `layout`, and perhaps a drop-in, of settings that containerd `line` knows.

    Most are tame: without logins and without what is gone in 2.3, which stop every translation.
    """
    tame = draw(st.integers(0, 3)) > 0
    known = [s for s in SETTINGS if s.known_to(line) and _has_home(s, layout, line)]
    if tame:
        known = [s for s in known if s.known_to((2, 3)) and not {"configs", "auths", "headers"} & set(s.path)]
    texts = {}
    for path in (ROOT, *((DROP_IN,) if draw(st.booleans()) else ())):
        document: dict[str, Any] = {}
        for setting in draw(st.lists(st.sampled_from(known), unique_by=lambda s: s.path, max_size=10)):
            place = tuple("x" if key == "*" else key for key in setting.path)
            home = home_in(place, layout, line=line)
            document = _merged(document, grown([(home, value_in(home, draw(_values(setting))))]))
        document["version"] = layout
        if path == ROOT:
            document["imports"] = ["/etc/containerd/conf.d/*.toml"]
        for key in ("disabled_plugins", "required_plugins", *(("stream_processors",) if tame else ())):
            document.pop(key, None)
        texts[path] = tomli_w.dumps(document)
    return texts, containerd_files(texts, ROOT)


def _has_home(setting: Setting, layout: int, line: tuple[int, int]) -> bool:
    """False for settings that the old layout cannot say (pinned images, shims' environment)."""
    path = tuple("x" if key == "*" else key for key in setting.path)
    home = home_in(path, layout, line=line)
    there = dict(leaves(canonical(grown([(home, value_in(home, [])), *()]), layout)))
    return path in there or (path[-1] == "bin_dirs")


@given(st.data(), st.sampled_from([(2, "1.7.29"), (3, "2.0.7"), (3, "2.2.1"), (4, "2.3.5")]))
def test_every_setting_of_containerd_has_a_row_and_what_is_written_is_in_force(
    data: st.DataObject, old: tuple[int, str]
) -> None:
    layout, daemon = old
    line = version(daemon).line
    texts, files = data.draw(configurations(layout, line))
    node = _with_files(daemon, texts, files)
    before = in_force(files, line)
    target = _target_for(before)
    translation = translate("containerd", node, target)
    rows = {row.setting for row in translation.rows}
    homes = {path for file in files for path, _ in leaves(canonical(file.tree, file.version))}
    assert {dotted(path) for path in homes} <= rows
    event("stopped" if translation.stops else "written")
    if translation.stops:
        return
    written = {file.path: file.content for file in translation.files}
    assume(target.config_path in written)
    new = parse_file(written[target.config_path], path=target.config_path, sha256="")
    assert (new.withheld, new.secret) == ((), ())
    beside = [file for file in files if file.path in new.imports]  # logins, which are read where they are
    found = compare(
        before, in_force([new, *beside], target.line), old=line, new=target.line, changed=translation.changed
    )
    assert differs(found) == ()


def _with_files(daemon: str, texts: dict[str, str], files: tuple[ContainerdFile, ...]) -> Any:
    cgroupfs = "kind: KubeletConfiguration\ncgroupDriver: cgroupfs\n"
    node = node_of("containerd", {"toml": texts, "version": daemon, "kubelet_config": cgroupfs})
    assert isinstance(node.containerd, ContainerdConfiguration)
    assert node.containerd.files == files
    return node


def _target_for(before: Any) -> Target:
    """A target in place, with the root, state and socket that are in force."""
    told = dict(leaves(before.tree))
    target = target_of(CONTAINERD_TARGET)
    return replace(
        target,
        root=told.get(("root",)) or target.root,
        state=told.get(("state",)) or target.state,
        socket=told.get(("plugins", "io.containerd.server.v1.grpc", "address")) or target.socket,
    )


@given(st.data())
def test_translating_containerd_is_deterministic(data: st.DataObject):
    texts, files = data.draw(configurations(2, (1, 7)))
    node = _with_files("1.7.29", texts, files)
    target = target_of(CONTAINERD_TARGET)
    assert translate("containerd", node, target) == translate("containerd", node, target)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_strange_input_is_refused_and_nothing_else(data: bytes):
    text = data.decode("utf-8", errors="replace")
    for parse in (
        lambda: parse_daemon_json(text),
        lambda: parse_file(text, path=ROOT, sha256=""),
        lambda: parse_dockerd(data),
    ):
        assert _code(parse) in ("", "RP470", "RP471", "RP472", "RP473")


def _code(parse: Callable[[], object]) -> str:
    """The code with which `parse` refuses, "" if it does not."""
    try:
        parse()
    except Refused as refused:
        return refused.code
    return ""


_OF_NO_SETTING = frozenset(
    {
        *(
            "node",
            "daemon",
            "name",
            "endpoint",
            "state_dir",
            "image_bytes",
            "files",
            "cni_bin_dirs",
            "addresses",
            "selinux",
        ),
        *("other_containers", "packages", "docker_users", "deprecations", "kubelet_version", "offered"),
    }
)
"""Facts that checks and steps use; no setting is translated from them."""

_IN_PLACE_ASKS = frozenset(
    {
        *("version", "cgroup_version", "kubelet", "containerd", "registry_hosts", "registry_certificates"),
        *("registry_logins", "proxies", "limits", "images"),
    }
)


@pytest.mark.parametrize("name", sorted({field.name for field in fields(NodeRuntime)} - _OF_NO_SETTING))
def test_a_fact_that_is_unknown_never_passes(name: str):
    """Whatever a translation asks for and cannot see stops it (no flag names the sandbox image here)."""
    flags = {"/var/lib/kubelet/kubeadm-flags.env": 'KUBELET_KUBEADM_ARGS="--network-plugin=cni"\n'}
    given = {"kubelet_env": flags, "sandbox_image": "reg.example/pause:3.6"}
    assert _codes("docker", given) == set()
    assert _codes("docker", {**given, "unseen": [name]}) == {"RP440"}
    if name in _IN_PLACE_ASKS:
        assert "RP440" in _codes("containerd", {"unseen": [name]})


def _codes(kind: str, given: dict[str, Any]) -> set[str]:
    target = target_of(DOCKER_TARGET if kind == "docker" else CONTAINERD_TARGET)
    return {stop.code for stop in translate(kind, node_of(kind, given), target).stops}


def test_a_stop_never_comes_without_its_row() -> None:
    translation = _docker({"userns-remap": "default"})
    stops = {(row.setting, row.code) for row in translation.rows if row.outcome is Outcome.STOP}
    assert ("userns-remap", "RP448") in stops
