"""Docker on the node."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree  # the node's own `shutil.rmtree` is a point at which it can be killed

from replank.testbed.node.systemd import Answer, Systemd


class Docker(Systemd):
    """`docker`: its containers, sandboxes among them; `docker_images`: name -> ID, none = no Docker here."""

    def do_docker(self, words: list[str]) -> Answer:
        """`docker`."""
        if not self.on("docker.service"):
            return 1, "Cannot connect to the Docker daemon"
        verb = words[0]
        if verb == "info":
            return 0, f"{self.docker_driver}\n" if "Cgroup" in words[-1] else "20.10.24\n"
        if verb == "volume":
            return 0, "\n".join(self.docker_volumes)
        if verb == "ps" and "-aq" in words:
            return 0, "\n".join(c["id"] for c in self.docker)
        if verb == "ps":
            rows = [
                [c["id"], "Up 1 hour" if c["up"] else "Exited (0)", c["uid"], c["name"], c["type"]]
                for c in self.docker
                if c["uid"]  # the label that is asked for
            ]
            return 0, "\n".join("\t".join(row) for row in rows)
        if verb == "inspect":
            return 0, "\n".join(str(self.docker_log(c["id"])) for c in self.docker if c["id"] in words)
        self._do(verb, words)
        return 0, ""

    def _do(self, verb: str, words: list[str]) -> None:
        if verb in ("stop", "kill"):
            for one in self.docker:
                if one["id"] in words and not ("docker stop" in self.broken and verb == "stop"):
                    one["up"] = False  # and no CNI DEL
        elif verb == "rm":
            for one in [c for c in self.docker if c["id"] in words]:
                rmtree(self.docker_log(one["id"]).parent, ignore_errors=True)
                self.docker.remove(one)
        elif verb == "tag":
            self.docker_images[words[2]] = words[1]
        elif verb == "rmi":
            self.docker_images.pop(words[1], None)

    def do_umount(self, words: list[str]) -> Answer:
        """`umount`; the disk's table of mounts is `proc/self/mounts`."""
        table = self.path("proc/self/mounts")
        lines = table.read_text().splitlines(keepends=True)
        left = [line for line in lines if line.split()[1] != words[0]]
        table.write_text("".join(left))
        return (0, "") if len(left) < len(lines) else (32, f"umount: {words[0]}: not mounted.")

    def docker_log(self, container: str) -> Path:
        """The json-file log of a container."""
        return self.path(f"var/lib/docker/containers/{container}/{container}-json.log")
