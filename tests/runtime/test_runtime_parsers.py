"""Text from a node becomes facts, or is refused with a code."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from replank.domain.errors import Refused
from replank.inventory.runtime.cni_conf import parse_cni, parse_store
from replank.inventory.runtime.config_dump import parse_dump
from replank.inventory.runtime.containerd_config import imported, parse_file
from replank.inventory.runtime.containerd_homes import canonical, home_in, home_of
from replank.inventory.runtime.containerd_setting import IMAGES, RUNTIME
from replank.inventory.runtime.containerd_settings import SETTINGS, setting_at
from replank.inventory.runtime.daemon_json import parse_daemon_json, parse_dockerd
from replank.inventory.runtime.hosts_toml import namespace_of, parse_hosts
from replank.inventory.runtime.listings import (
    parse_cgroup,
    parse_crictl_images,
    parse_df,
    parse_docker_images,
    parse_docker_ps,
    parse_docker_users,
)
from replank.inventory.runtime.systemd_unit import file_proxies, parse_properties, unit_limits, unit_proxies
from replank.inventory.runtime.versions import Version, parse_version
from replank.inventory.runtime.withheld import WITHHELD, without_login

HOSTS = "/etc/containerd/certs.d/docker.io/hosts.toml"


@pytest.mark.parametrize(
    ("parse", "code"),
    [
        (lambda: parse_daemon_json("{"), "RP470"),
        (lambda: parse_daemon_json("[]"), "RP470"),
        (lambda: parse_daemon_json('{"debug": "yes"}'), "RP470"),
        (lambda: parse_daemon_json('{"log-opts": {"max-file": 3}}'), "RP470"),
        (lambda: parse_daemon_json('{"mtu": NaN}'), "RP470"),
        (lambda: parse_daemon_json('{"runtimes": {"a": {"path": 1}}}'), "RP470"),
        (lambda: parse_dockerd(b"dockerd\0--mtu\0many"), "RP471"),
        (lambda: parse_dockerd(b"dockerd\0--icc=perhaps"), "RP471"),
        (lambda: parse_dockerd(b"dockerd\0--default-ulimit=nofile=x"), "RP471"),
        (lambda: parse_file("a = ", path="c", sha256=""), "RP472"),
        (lambda: parse_file("a = 2024-01-01", path="c", sha256=""), "RP472"),
        (lambda: parse_file("a = nan", path="c", sha256=""), "RP472"),
        (lambda: parse_file("version = 5", path="c", sha256=""), "RP473"),
        (lambda: parse_file('version = "2"', path="c", sha256=""), "RP473"),
        (lambda: parse_file("imports = 1", path="c", sha256=""), "RP473"),
        (lambda: parse_hosts('[host."https://a"]\nfoo = 1', path=HOSTS), "RP475"),
        (lambda: parse_hosts('capabilities = ["fly"]', path=HOSTS), "RP475"),
        (lambda: parse_hosts("skip_verify = 1", path=HOSTS), "RP475"),
        (lambda: parse_dump("version = 1"), "RP476"),
        (lambda: parse_dump("containerd: command not found"), "RP476"),
        (lambda: parse_cni("{}", path="/etc/cni/net.d/a.conf"), "RP477"),
        (lambda: parse_cni('{"plugins": []}', path="/etc/cni/net.d/a.conf"), "RP477"),
        (lambda: parse_store({"/var/lib/cni/networks/n/10.0.0.300": "x"}), "RP477"),
        (lambda: parse_store({"/var/lib/cni/networks/n/10.0.0.3": ""}), "RP477"),
        (lambda: parse_crictl_images("{"), "RP478"),
        (lambda: parse_crictl_images('{"images": [{}]}'), "RP478"),
        (lambda: parse_docker_images("{}"), "RP478"),
        (lambda: parse_docker_ps('{"ID": "1"}'), "RP478"),
        (lambda: parse_df("nothing"), "RP478"),
        (lambda: parse_cgroup("ext4"), "RP478"),
        (lambda: parse_docker_users("no path here"), "RP478"),
        (lambda: parse_properties("what is this"), "RP478"),
        (lambda: unit_limits({"LimitNOFILE": "many"}), "RP478"),
        (lambda: unit_proxies({"Environment": '"open'}, where="u"), "RP478"),
    ],
)
def test_strange_text_is_refused_with_a_code(parse: Callable[[], object], code: str):
    with pytest.raises(Refused) as refused:
        parse()
    assert refused.value.code == code


def test_a_toml_error_does_not_quote_what_stands_there():
    with pytest.raises(Refused) as refused:
        parse_file('password = "hunter2\n', path="config.toml", sha256="")
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert "line 1" in refused.value.why


def test_daemon_json_and_flags_make_one_list():
    settings = parse_daemon_json('\ufeff{"log-opts": {"splunk-token": "x", "max-size": "10m"}}')
    assert settings[0].value == {"max-size": "10m", "splunk-token": WITHHELD}
    assert settings[0].withheld == ("splunk-token",)
    flags = parse_dockerd(
        b"/usr/bin/dockerd\0-H\0fd://\0--log-opt\0max-size=5m\0--log-opt=max-file=2\0-D\0--mtu=1400\0"
        b"--default-ulimit\0nofile=1024:2048\0--config-file=/etc/docker/daemon.json"
    )
    assert {setting.key: setting.value for setting in flags} == {
        "debug": True,
        "default-ulimits": {"nofile": {"hard": 2048, "soft": 1024}},
        "hosts": ["fd://"],
        "log-opts": {"max-file": "2", "max-size": "5m"},
        "mtu": 1400,
    }
    assert parse_daemon_json("") == parse_daemon_json("{}") == ()


def test_imports_are_resolved_as_containerd_does():
    file = parse_file(
        'imports = ["conf.d/*.toml", "/opt/x.toml", "../y.toml"]',
        path="/etc/containerd/config.toml",
        sha256="",
    )
    there = [
        "/etc/containerd/conf.d/b.toml",
        "/etc/containerd/conf.d/a.toml",
        "/etc/containerd/conf.d/deep/c.toml",
    ]
    assert imported(file, there) == (
        "/etc/containerd/conf.d/a.toml",
        "/etc/containerd/conf.d/b.toml",
        "/opt/x.toml",
        "/etc/y.toml",
    )


def test_unknown_settings_keep_their_place_but_not_their_value():
    file = parse_file('version = 2\n[plugins."io.containerd.grpc.v1.cri"]\nodd = "x"\n', path="c", sha256="")
    path = ("plugins", "io.containerd.grpc.v1.cri", "odd")
    assert (file.withheld, file.secret) == ((path,), ())
    assert file.tree == {"plugins": {"io.containerd.grpc.v1.cri": {"odd": WITHHELD}}}


@pytest.mark.parametrize("layout", [2, 3, 4])
def test_every_setting_finds_its_home_again(layout: int):
    for setting in SETTINGS:
        line = (1, 7) if layout == 2 else (2, 2) if layout == 3 else (2, 3)
        if not setting.known_to(line) or (layout == 2 and _new_only(setting.path)):
            continue
        path = tuple("name" if key == "*" else key for key in setting.path)
        assert home_of(home_in(path, layout, line=line), layout) == path
        assert setting_at(path) is not None


def _new_only(path: tuple[str, ...]) -> bool:
    """Version 2 says these in another way, or not at all: all pinned images, shims' environment, CRI 2.x."""
    return path[-2:] == ("pinned_images", "*") or path[1:2] == ("io.containerd.shim.v1.manager",)


def test_a_setting_of_the_old_layout_is_found_in_the_new_one():
    tree = {
        "plugins": {"cri": {"containerd": {"snapshotter": "native"}, "sandbox_image": "p"}},
        "grpc": {"gid": 5},
    }
    assert canonical(tree, 1)["plugins"][IMAGES] == {
        "snapshotter": "native",
        "pinned_images": {"sandbox": "p"},
    }
    cri = {"plugins": {"io.containerd.grpc.v1.cri": {"cni": {"bin_dir": "/x"}, "disable_tcp_service": True}}}
    assert canonical(cri, 2)["plugins"][RUNTIME] == {"cni": {"bin_dirs": ["/x"]}}
    assert canonical(cri, 2)["plugins"]["io.containerd.grpc.v1.cri"] == {"disable_tcp_service": True}


def test_hosts_toml():
    hosts = parse_hosts(
        """
        server = "https://registry-1.docker.io"
        ca = "/a.pem"
        [host."https://u:p@m1.example/v2/hub"]
          capabilities = ["Pull"]
          client = [["/c.pem", "/c.key"], "/both.pem"]
          override_path = true
          header = {Authorization = "Bearer x"}
        [host."http://m2.example"]
          skip_verify = true
        """,
        path=HOSTS,
    )
    assert hosts.login
    assert hosts.namespace == "docker.io"
    assert hosts.server.ca == ("/a.pem",)
    assert [host.url for host in hosts.hosts] == ["https://m1.example/v2/hub", "http://m2.example"]
    assert hosts.hosts[0].client == (("/c.pem", "/c.key"), ("/both.pem", ""))
    assert hosts.hosts[0].headers == ("Authorization",)
    assert hosts.hosts[1].skip_verify is True
    assert namespace_of("/etc/containerd/certs.d/reg.example_5000_/hosts.toml") == "reg.example:5000"


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("http://u:p@h:1/x", "http://h:1/x"),
        ("u:p@h:3128", "h:3128"),
        ("http://u:p@ss/w@h", "http://h"),
        ("http://u:a://b@h", "http://h"),
        ("https://h/v2?token=x", "https://h/v2"),
        ("https://h/v2#x", "https://h/v2"),
    ],
)
def test_logins_are_cut_out_of_urls(url: str, clean: str):
    assert without_login(url) == (clean, True)
    assert without_login(clean) == (clean, False)


def test_what_the_unit_says():
    properties = parse_properties(
        "LimitNOFILE=1048576\nLimitNOFILESoft=1024\nLimitCORE=infinity\nLimitCORESoft=infinity\n"
        'Environment="HTTP_PROXY=http://u:p@h:1" no_proxy=a,b TOKEN=x\n'
    )
    limits = {limit.name: limit.value for limit in unit_limits(properties)}
    assert limits == {"LimitNOFILE": "1024:1048576", "LimitCORE": "infinity"}
    proxies = unit_proxies(properties, where="docker.service")
    assert [(p.name, p.value, p.login) for p in proxies] == [
        ("HTTP_PROXY", "http://h:1", True),
        ("NO_PROXY", "a,b", False),
    ]
    assert file_proxies("HTTPS_PROXY=http://h\nTOKEN=x\n", path="/e")[0].kind == "environment-file"


def test_what_the_clients_list():
    crictl = {
        "images": [
            {"id": "b", "repoTags": ["x:1"], "size": "7", "pinned": True},
            {"id": "a", "repoDigests": ["x@sha256:1"], "size": "9"},
        ]
    }
    images = parse_crictl_images(json.dumps(crictl))
    assert [(image.id, image.bytes, image.pinned) for image in images] == [("a", 9, False), ("b", 7, True)]
    docker = [{"Id": "sha256:1", "RepoTags": ["y:1"], "RepoDigests": None, "Size": 5}]
    assert parse_docker_images(json.dumps(docker))[0].references == ("y:1",)
    lines = [
        {
            "ID": "1",
            "Names": "k8s_POD",
            "Image": "pause",
            "State": "running",
            "Labels": "io.kubernetes.pod.uid=1",
        },
        {"ID": "2", "Names": "watchtower", "Image": "w", "State": "exited", "Labels": "secret=x"},
    ]
    others = parse_docker_ps("\n".join(map(json.dumps, lines)))
    assert [(other.name, other.running) for other in others] == [("watchtower", False)]
    assert "secret" not in repr(others)


def test_disk_and_cgroup():
    room = parse_df("     Avail        Size Mounted on\n1000 5000 /var/lib/docker\n")
    assert (room.free, room.total, room.mount) == (1000, 5000, "/var/lib/docker")
    assert (parse_cgroup("cgroup2fs\n"), parse_cgroup("tmpfs\n")) == ("v2", "v1")


def test_users_of_docker_are_told_by_the_first_word_alone():
    users = parse_docker_users(
        "/etc/cron.d/clean:3:0 3 * * * root docker system prune\n"
        "/etc/systemd/system/app.service:7:ExecStart=/usr/bin/docker run -e TOKEN=hunter2 x\n"
        "/usr/local/bin/login.sh:2:docker login -p hunter2\n"
        "/usr/local/bin/login.sh:3:# docker in a comment\n"
        "/usr/local/bin/odd.sh:1:pass'word;docker ps\n"
    )
    assert [(user.kind, user.line, user.word) for user in users] == [
        ("cron", 3, "0"),
        ("unit", 7, "ExecStart"),
        ("script", 2, "docker"),
        ("script", 1, ""),
    ]
    assert "hunter2" not in repr(users)


def test_a_unit_that_is_only_ordered_beside_docker_does_not_call_it():
    users = parse_docker_users(
        "/etc/systemd/system/a.service:3:Before=containerd.service docker.service\n"
        "/etc/systemd/system/a.service:4:Requires=docker.service\n"
        "/usr/local/bin/a.sh:1:After=docker\n"
    )
    assert [(user.kind, user.word) for user in users] == [("unit", "Requires"), ("script", "After")]


def test_cni_and_its_addresses():
    conflist = {
        "cniVersion": "1.0.0",
        "name": "k8s",
        "plugins": [{"type": "calico", "key": "x"}, {"type": "portmap"}],
    }
    network = parse_cni(json.dumps(conflist), path="/etc/cni/net.d/10.conflist")
    assert (network.plugins, network.cni_version) == (("calico", "portmap"), "1.0.0")
    assert parse_cni('{"type": "bridge"}', path="/etc/cni/net.d/a.conf").plugins == ("bridge",)
    folder = "/var/lib/cni/networks/k8s"
    store = parse_store(
        {
            f"{folder}/10.0.0.5": "abc\r\neth0",
            f"{folder}/last_reserved_ip.0": "10.0.0.5",
            f"{folder}/lock": "",
        }
    )
    assert [(entry.address, entry.container, entry.interface) for entry in store] == [
        ("10.0.0.5", "abc", "eth0")
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("v1.34.4", (1, 34, 4)),
        ("1.7.29-0ubuntu1", (1, 7, 29)),
        ("20.10", (20, 10, 0)),
        ("docker", None),
        ("1", None),
    ],
)
def test_versions(text: str, found: tuple[int, int, int] | None):
    assert parse_version(text) == (Version(*found) if found else None)
