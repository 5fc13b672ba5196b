"""Pod networking: addresses, the chains of host ports, and cached results."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from replank.testbed.node.state import NET, NodeState, Pod
from replank.testbed.node.systemd import Answer

CHAIN = {
    "cniVersion": "0.4.0",
    "name": NET,
    "plugins": [
        {"type": "bridge", "ipam": {"type": "host-local"}},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}


class Cni(NodeState):
    """`chains`: host port -> sandboxes that want it; the first one has it."""

    def cni_add(self, sandbox: str, pod: Pod, cache: Path) -> None:
        """What a runtime does for a new sandbox."""
        taken = {p.name for p in self.path(f"var/lib/cni/networks/{NET}").iterdir()}
        address = next(a for a in (f"10.244.1.{n}" for n in range(2, 250)) if a not in taken)
        self.write(f"var/lib/cni/networks/{NET}/{address}", f"{sandbox}\neth0")
        entry: dict[str, Any] = {
            "kind": "cniCacheV1",
            "containerId": sandbox,
            "ifName": "eth0",
            "networkName": NET,
            "config": base64.b64encode(json.dumps(CHAIN).encode()).decode(),
            "cniArgs": [["K8S_POD_NAME", pod["name"]]],
            "result": {"cniVersion": "0.4.0", "ips": [{"address": f"{address}/24"}]},
        }
        if pod.get("port"):
            mapping = {"hostPort": pod["port"], "containerPort": 80, "protocol": "tcp", "hostIP": ""}
            entry["capabilityArgs"] = {"portMappings": [mapping]}
            self.chains.setdefault(str(pod["port"]), []).append(sandbox)
        cache.mkdir(parents=True, exist_ok=True)
        (cache / f"{NET}-{sandbox}-eth0").write_text(json.dumps(entry))

    def cni_del(self, sandbox: str, cache: Path) -> None:
        """What a runtime does for a sandbox that goes: its plugins free all that they gave."""
        self.cni_plugin(
            "portmap", {"prevResult": 1, "runtimeConfig": {"portMappings": 1}}, {"CNI_CONTAINERID": sandbox}
        )
        self.cni_plugin("bridge", {"prevResult": 1}, {"CNI_CONTAINERID": sandbox})
        (cache / f"{NET}-{sandbox}-eth0").unlink(missing_ok=True)

    def cni_plugin(self, name: str, given: dict[str, Any], env: dict[str, str]) -> Answer:
        """A plugin that is called to DEL."""
        container = env["CNI_CONTAINERID"]
        if env.get("CNI_NETNS") or "prevResult" not in given:
            return 1, json.dumps({"code": 4, "msg": "called with a namespace, or without the result"})
        if name == "portmap" and "portMappings" in given.get("runtimeConfig", {}):
            self.chains = {p: [c for c in chain if c != container] for p, chain in self.chains.items()}
        if name == "bridge":
            for path in self.path(f"var/lib/cni/networks/{NET}").iterdir():
                if path.read_text().split("\n")[0] == container:
                    path.unlink()
        return 0, "{}"
