"""What the agent inside an amphora would send every few seconds: heartbeats, made from haproxy's statistics
and fed to Octavia's own code. Runs as a thread of Octavia's API process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from octavia.amphorae.drivers.health import heartbeat_udp
from oslo_log import log as logging

from ground_drivers.balancer import container, haproxy

LOG = logging.getLogger(__name__)
INTERVAL_S = 3.0
VERSION = 2
"""Of the heartbeat: pools are named `<pool>:<listener>`."""


def start() -> None:
    """Called once when Octavia's API is loaded."""
    threading.Thread(target=_run, name="ground-health", daemon=True).start()


def _run() -> None:
    updater = heartbeat_udp.UpdateHealthDb()
    while True:
        for folder in container.HOME.glob("*/"):
            try:
                for heartbeat in heartbeats(folder):
                    updater.update_health(heartbeat, "127.0.0.1")  # logs its own errors
            except (OSError, ValueError) as error:  # one that comes or goes: the next round sees
                LOG.info("no health of %s: %s", folder.name, error)
        time.sleep(INTERVAL_S)


def heartbeats(folder: Path) -> Iterator[dict]:
    """One heartbeat for each amphora of the load balancer."""
    amphorae = json.loads((folder / "amphorae.json").read_text())
    listeners: dict[str, dict] = {}
    pools: dict[str, dict] = {}
    for row in haproxy.statistics(folder):
        proxy, server = row["pxname"], row["svname"]
        if server == "FRONTEND":
            if proxy != haproxy.ALIVE:
                listeners[proxy] = {"status": row["status"], "stats": _traffic(row)}
        elif server == "BACKEND":
            pools.setdefault(proxy, {"members": {}})["status"] = row["status"]
        else:
            pools.setdefault(proxy, {"members": {}})["members"][server] = row["status"]
    now = time.time()
    for amphora in amphorae:
        yield {
            "id": amphora,
            "seq": int(now),
            "ver": VERSION,
            "listeners": listeners,
            "pools": pools,
            "recv_time": now,
        }


def _traffic(row: dict[str, str]) -> dict[str, int]:
    columns = {"tx": "bout", "rx": "bin", "conns": "scur", "totconns": "stot", "ereq": "ereq"}
    return {name: int(row[column] or 0) for name, column in columns.items()}
