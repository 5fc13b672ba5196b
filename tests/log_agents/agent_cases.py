"""Fact files of log agents: a workload in short form, the texts that it mounts, and what is expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from replank.inventory.log_agents.agent import AgentKind, SourceRef
from replank.inventory.log_agents.mounted import Texts
from replank.inventory.log_agents.recognise import kind_of
from replank.inventory.log_agents.workload import AgentContainer, AgentWorkload, select
from yaml_files import read_yaml_file

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


class Case:
    """One fact file. `expect`: as written."""

    def __init__(self, path: Path) -> None:
        found = read_yaml_file(path)
        self.name = path.stem
        self.expect: dict[str, Any] = found["expect"]
        self.document = workload(found["workload"])
        self.workload: AgentWorkload = select(self.document)
        self.container: AgentContainer = self.workload.containers[0]
        self.texts: Texts = {
            **{
                SourceRef(kind="ConfigMap", name=name): keys
                for name, keys in found.get("configmaps", {}).items()
            },
            **{SourceRef(kind="Secret", name=name): keys for name, keys in found.get("secrets", {}).items()},
        }

    @property
    def kind(self) -> AgentKind:
        kind = kind_of(self.container)
        assert kind is not None, f"{self.name}: no log agent"
        return kind


def workload(short: dict[str, Any]) -> dict[str, Any]:
    """The API object of a short form: `image`, `args`, `env`, `mounts` (`path: hostPath /x`)."""
    mounts, volumes = [], []
    for index, (path, said) in enumerate(short.get("mounts", {}).items()):
        kind, _, rest = said.partition(" ")
        name, _, sub_path = rest.partition(" subPath ")
        volume: dict[str, Any] = {"name": f"v{index}"}
        if kind == "hostPath":
            volume["hostPath"] = {"path": name}
        elif kind == "configMap":
            volume["configMap"] = {"name": name}
        elif kind == "secret":
            volume["secret"] = {"secretName": name}
        else:
            volume[kind] = {}
        volumes.append(volume)
        mount = {"name": f"v{index}", "mountPath": path}
        mounts.append({**mount, "subPath": sub_path} if sub_path else mount)
    container = {
        "name": short.get("container", "agent"),
        "image": short["image"],
        "args": short.get("args", []),
        "env": [
            {"name": name, "value": value} if value is not None else {"name": name, "valueFrom": {}}
            for name, value in short.get("env", {}).items()
        ],
        "volumeMounts": mounts,
    }
    return {
        "kind": short.get("kind", "DaemonSet"),
        "metadata": {"name": short["name"], "namespace": short.get("namespace", "logging")},
        "spec": {"template": {"spec": {"containers": [container], "volumes": volumes}}},
    }
