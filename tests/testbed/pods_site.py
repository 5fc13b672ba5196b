"""The small twin of living nodes, whose fleet.yaml names an image for pods in place of SSH."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from living_nodes import Living, living
from ruamel.yaml import YAML

from replank.app.cli import main
from replank.inventory.facts import codec
from replank.inventory.node_pods import NAMESPACE
from replank.inventory.runtime.runtimes import RuntimeFacts
from replank.testbed.node_pods import TwinNodePods, start_node_pods
from replank.testbed.serve.kubernetes.pod_exec import V4, V5

IMAGE = "tools:1"
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


@dataclass(frozen=True)
class BySite:
    """`pods`: what the kubelets make of privileged pods."""

    living: Living
    pods: TwinNodePods

    def replank(self, *arguments: object) -> int:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return int(ended.value.code or 0)

    def survey(self) -> RuntimeFacts:
        # 2: the part that a takeover reads on machines is over SSH alone, and fleet.yaml names none.
        assert self.replank("survey", "--runtime", *self.living.where) == 2
        path = sorted((self.living.folder / "s" / "small").iterdir())[-1]
        found = codec.load(path.read_bytes(), where=str(path)).runtimes
        assert isinstance(found, RuntimeFacts)
        return found

    def planned(self) -> None:
        self.survey()
        new = ["--to", "containerd-2.3.5", "--bundle", self.living.bundle]
        assert self.replank("plan", "runtime", *new, *self.living.where, "--out", self.living.folder) == 0

    def run(self, word: str, *more: object) -> int:
        """apply, undo or resume."""
        about = self.living.folder / "small.runtime.yaml" if word == "apply" else "small"
        asked = ["--yes"] if word in ("apply", "undo") else []
        fleet = ["--fleet", self.living.folder / "fleet.yaml", "--reports", self.living.folder / word]
        return self.replank(word, about, *asked, *more, *fleet)

    def left(self) -> list[dict[str, Any]]:
        """What is there of ours: pods, and the namespace."""
        objects = self.living.twin.api("small").objects
        spaces = [d for d in objects.all("Namespace") if d["metadata"]["name"] == NAMESPACE]
        return [*objects.all("Pod", NAMESPACE), *spaces]


def name_image(fleet: Path, image: str) -> None:
    yaml = YAML()
    document = yaml.load(fleet.read_text())
    document["defaults"].pop("ssh", None)
    document["defaults"]["node_pod"] = {"image": image}
    document["defaults"]["etcd_snapshot"] = {"recipients": [RECIPIENT]}
    with fleet.open("w") as file:
        yaml.dump(document, file)


@contextmanager
def pods_site(folder: Path, versions: tuple[str, ...] = (V5, V4)) -> Iterator[BySite]:
    with living(folder) as made:
        name_image(folder / "fleet.yaml", IMAGE)
        pods = start_node_pods(made.twin, "small", image=IMAGE, versions=versions)
        yield BySite(made, pods)
        assert pods.strange == []
        assert made.twin.ssh.commands == [], "nothing goes over SSH"
