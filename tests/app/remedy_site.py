"""An operator's desk with a cluster whose log agent reads Docker's lines only, and one without agents."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from replank.app.asking import Ask
from replank.app.cli import main
from replank.app.wiring import Wiring, live_wiring
from replank.testbed.fleet.demo import PLAIN
from replank.testbed.fleet.spec import ClusterSpec, WorkerGroup
from replank.testbed.twin import Twin
from replank.testbed.world import Document

ON_DOCKER: ClusterSpec = replace(
    PLAIN,
    name="old",
    control_planes=1,
    workers=(WorkerGroup(name="worker", count=1, docker=(0,)),),
)
WITHOUT: ClusterSpec = replace(
    PLAIN, name="new", control_planes=1, workers=(WorkerGroup(name="worker", count=1),)
)
KEY = ("", "ConfigMap", "logging", "fluent-bit")
MAP = "/api/v1/namespaces/logging/configmaps/fluent-bit"
HUNTED = "planted-in-a-filebeat-password"
FILEBEAT = """filebeat.inputs:
  - type: docker
    containers.ids:
      - "*"
output.elasticsearch:
  hosts: ["https://logs.example.org"]
  password: PASSWORD
""".replace("PASSWORD", HUNTED)


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return " ".join((self.out + self.err).split())


@dataclass
class Desk:
    """The operator's files, and the twin of two clusters. `texts`: all that was ever said or recorded."""

    twin: Twin
    folder: Path
    capsys: pytest.CaptureFixture[str]
    texts: list[str]

    def run(self, *arguments: object, answer: Callable[[], str] | None = None) -> Done:
        async def ask(question: str) -> str:
            assert answer is not None
            assert question
            return answer()

        asking: Ask | None = ask if answer else None
        wiring: Wiring = replace(live_wiring(), ask=lambda: asking)
        with pytest.raises(SystemExit) as ended:
            main(["remedy", *map(str, arguments), "--fleet", str(self.folder / "fleet.yaml")], wiring)
        captured = self.capsys.readouterr()
        self.texts += [captured.out, captured.err]
        assert "Traceback" not in captured.err
        return Done(int(ended.value.code or 0), captured.out, captured.err)

    def json(self, *arguments: object, status: int) -> Any:
        done = self.run(*arguments, "--json")
        assert done.status == status, done.said
        return json.loads(done.out)

    def text(self, key: str = "fluent-bit.conf", name: str = "fluent-bit") -> str:
        document = self.twin.api("old").objects.at(("", "ConfigMap", "logging", name))
        assert document is not None
        return str(document["data"][key])

    def records(self) -> list[Path]:
        return sorted((self.folder / ".replank" / "remedies").glob("*"))

    def writes(self) -> list[str]:
        api = self.twin.api("old")
        sent = zip(api.methods, api.requests, strict=True)
        return [f"{method} {path.partition('?')[0]}" for method, path in sent if method != "GET"]

    def edit(self, change: Callable[[Document], None], *, when: str = "GET") -> None:
        """Somebody else writes, right before the server answers the next request with this method."""
        api = self.twin.api("old")

        def once() -> None:
            if api.methods and api.methods[-1] == when:
                api.controllers.remove(once)
                live = api.objects.at(KEY)
                assert live is not None
                new: Document = json.loads(json.dumps(live))
                change(new)
                api.objects.put(new, "somebody-else")

        api.controllers.append(once)


Make = Callable[..., Desk]


def config_map(objects: list[Document], name: str = "fluent-bit") -> Document:
    return next(o for o in objects if o["kind"] == "ConfigMap" and o["metadata"]["name"] == name)


def daemon_set(name: str, image: str, mount: str, source: Document, kind: str = "DaemonSet") -> Document:
    volumes = [{"name": "c", **source}, {"name": "l", "hostPath": {"path": "/var/log"}}]
    container = {
        "name": name,
        "image": image,
        "volumeMounts": [{"name": "c", "mountPath": mount}, {"name": "l", "mountPath": "/var/log"}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "logging", "uid": f"uid-{name}", "resourceVersion": "7"},
        "spec": {"template": {"spec": {"containers": [container], "volumes": volumes}}},
    }


def more_maps(name: str, **data: str) -> Document:
    about = {"name": name, "namespace": "logging", "uid": f"uid-map-{name}", "resourceVersion": "8"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data}
