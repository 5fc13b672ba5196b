"""`GET .../pods/NAME/log` with timestamps, of what a test says that a pod has written."""

from __future__ import annotations

from collections.abc import Mapping

from replank.testbed.serve.kubernetes.store import Answer, status_document

LOG = "log"


def log_answer(logs: Mapping[str, str], path: str, query: Mapping[str, str]) -> Answer:
    """`logs`: path of a pod -> its log, a time before each line. As pkg/registry/core/pod/rest/log.go and the
    kubelet bound it: the last lines, of these the first bytes."""
    pod = path.rpartition("/")[0]
    if pod not in logs:
        name = pod.rpartition("/")[2]
        message = f'container "{name}" in pod "{name}" is waiting to start: ContainerCreating'
        return status_document(400, "BadRequest", message)
    lines = logs[pod].splitlines(keepends=True)
    if query.get("timestamps") != "true":
        lines = [line.partition(" ")[2] for line in lines]
    if "tailLines" in query:
        lines = lines[-int(query["tailLines"]) :]
    body = "".join(lines).encode()
    return Answer(200, body[: int(query.get("limitBytes", len(body)))], "text/plain")
