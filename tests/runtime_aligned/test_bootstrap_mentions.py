"""Lines of bootstrap configurations that are about a runtime: found, and nothing of them kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.inventory.cluster_api.bootstrap_mentions import mentions_of


def command(line: str) -> tuple[str, bool, str] | None:
    found = mentions_of({"preKubeadmCommands": [line]})
    return (found[0].word, found[0].installs, found[0].version) if found else None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("apt-get install -y docker-ce=5:20.10.24~3-0", ("docker", True, "20.10.24")),
        ("apt-get update && apt-get -y install docker.io", ("docker", True, "")),
        ("curl -fsSL https://get.docker.com | sh", ("docker", True, "")),
        ("yum install -y cri-dockerd-0.3.4", ("cri-dockerd", True, "0.3.4")),
        ("systemctl enable --now docker", ("docker", True, "")),
        ("dnf install -y containerd.io-1.7.29", ("containerd", True, "1.7.29")),
        ("apt-get install -y containerd.io=2.3.*", ("containerd", True, "2.3")),
        ("tar -C /usr/local -xzf containerd-1.7.29-linux-amd64.tar.gz", ("containerd", True, "1.7.29")),
        ("systemctl restart containerd", ("containerd", True, "")),
        ("sed -i s/a/b/ /etc/containerd/config.toml", ("containerd", False, "")),
        ("docker login registry.example.org -p hunter2", ("docker", False, "")),
        ("ctr -n k8s.io images pull docker.io/library/busybox:1.36", None),
        ("# apt-get install docker-ce", None),
        ("systemctl restart kubelet", None),
        ("hostnamectl set-hostname web-1", None),
    ],
)
def test_a_command_is_told_by_its_word_and_whether_it_installs(line: str, told: Any) -> None:
    assert command(line) == told


def test_files_are_told_by_their_lines_or_where_their_content_lies_elsewhere_by_their_path() -> None:
    spec = {
        "files": [
            {"path": "/etc/containerd/config.toml", "content": 'version = 2\nroot = "/x"\n'},
            {"path": "/etc/docker/daemon.json", "contentFrom": {"secret": {"name": "d", "key": "k"}}},
            {"path": "/usr/local/bin/setup.sh", "content": "set -e\napt-get install -y docker-ce\n"},
            {"path": "/etc/notes.txt", "content": "apt-get install docker-ce\n"},
            {"path": "/etc/motd", "content": "welcome\n"},
        ]
    }
    found = [(m.place, m.line, m.word, m.installs) for m in mentions_of(spec)]
    assert found == [
        ("files[0] /etc/containerd/config.toml", 0, "containerd", False),
        ("files[1] /etc/docker/daemon.json", 0, "docker", False),
        ("files[2] /usr/local/bin/setup.sh", 2, "docker", True),
        ("files[3] /etc/notes.txt", 1, "docker", False),
    ]


@given(st.text(min_size=1), st.text(min_size=1))
def test_nothing_of_a_line_is_kept_but_a_word_and_a_version(before: str, after: str) -> None:
    line = f"{before} docker {after}"
    for mention in mentions_of({"postKubeadmCommands": [line]}):
        told = asdict(mention)
        assert told.pop("place") == "postKubeadmCommands[0]"
        assert told.pop("word") in ("docker", "containerd", "cri-dockerd", "dockershim")
        assert isinstance(told.pop("line"), int)
        assert isinstance(told.pop("installs"), bool)
        assert set(str(told.pop("version"))) <= set("0123456789.")
        assert not told
