"""The node's part as a process, with programs on PATH that ask this process what the world answers."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from node_plans import put_plan, tree
from node_runs import Runs

from replank.migrations.runtime_swap.node import swap_node

TOOLS = ("systemctl", "systemd-run", "docker", "ctr", "crictl", "umount", "apt-get")
# Words and CNI's environment go to the test's process, each ended by a NUL; \1 ends them. Back come the exit
# status in a line, and what to say.
SCRIPT = """#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/{port}
given=""
if [ "${{!#}}" = "-" ] || [ -n "$CNI_COMMAND" ]; then given="$(cat)"; fi
printf '%s\\0' "$CNI_COMMAND" "$CNI_CONTAINERID" "$CNI_NETNS" "$given" "$0" "$@" >&3
printf '\\1' >&3
read -r code <&3
if [ "$code" = 0 ]; then cat <&3; else cat <&3 >&2; fi
exit "$code"
"""


class Stage:
    """`hang`: a command line that holds this text does not answer; `hanging` is set when one arrives."""

    def __init__(self, runs: Runs) -> None:
        self.runs, self.hang = runs, ""
        self.hanging, self.over = threading.Event(), threading.Event()
        self.lock = threading.Lock()

    def answer(self, words: list[str]) -> tuple[int, str]:
        command, container, namespace, given, *argv = words
        line = " ".join(argv)
        if self.hang and self.hang in line:
            self.hanging.set()
            self.over.wait(60)
            return 1, "it hung"
        world = self.runs.world
        with self.lock:
            if argv[1:2] == ["save"]:
                return 0, argv[2]
            if argv[-1] == "-":
                gave, took, said = world.pipe([given.strip()], argv, 60)
                return gave or took, said
            env = {"CNI_COMMAND": command, "CNI_CONTAINERID": container, "CNI_NETNS": namespace}
            code, out, err = world.spawn(argv, given, env if command else {}, 60)
            return code, out or err

    def popen(self, command: str) -> subprocess.Popen[str]:
        argv = [sys.executable, swap_node.__file__, "--base", str(self.runs.base), command]
        env = {**os.environ, "PATH": f"{self.runs.world.path('tools')}:{os.environ['PATH']}"}
        return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def do(self, command: str) -> tuple[int, dict[str, Any]]:
        """Exit status and the JSON that was printed."""
        process = self.popen(command)
        out, err = process.communicate(timeout=60)
        assert out, err
        return process.returncode, json.loads(out)


@contextmanager
def stage(runs: Runs) -> Iterator[Stage]:
    """Servers for the programs and for the kubelet's healthz; real time, so the looks come quickly."""
    seen = Stage(runs)

    class Answers(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data = b""
            while not data.endswith(b"\x01"):
                data += self.request.recv(65536)
            code, said = seen.answer(data[:-2].decode().split("\0"))
            self.request.sendall(f"{code}\n{said}".encode())

    class Healthz(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if runs.world.healthy("") else 500)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    answers = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answers)
    answers.daemon_threads = True
    health = ThreadingHTTPServer(("127.0.0.1", 0), Healthz)
    for server in (answers, health):
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    port = answers.server_address[1]
    world, plan = runs.world, runs.plan
    programs = [world.path("tools") / tool for tool in TOOLS]
    programs += [world.path(f"opt/cni/bin/{plugin}") for plugin in ("bridge", "portmap")]
    programs += [Path(plan["containerd"]["daemon"])]
    old = [Path(plan["in_place"]["old_daemon"])] if "in_place" in plan else []
    for program in [*programs, *old]:
        write_program(program, port)
    plan["binaries"] = [{"path": str(programs[-1]), "sha256": swap_node.sha256_of(programs[-1])}]
    plan["kubelet"]["healthz"] = f"http://127.0.0.1:{health.server_address[1]}/healthz"
    plan["host_ports"] = [{"port": health.server_address[1]}]
    plan["poll_seconds"], plan["gently"], plan["room"] = 0.05, [], []
    for pod in world.pods:
        pod.pop("port", None)
    if "switch" in plan:
        plan["switch"]["image_reserve_bytes"] = 0
        world.write("var/lib/docker/x", "")
    put_plan(world, plan)
    runs.before = tree(world)
    try:
        yield seen
    finally:
        seen.over.set()
        for server in (answers, health):
            server.shutdown()
            server.server_close()


def write_program(path: Path, port: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SCRIPT.format(port=port))
    path.chmod(0o755)
