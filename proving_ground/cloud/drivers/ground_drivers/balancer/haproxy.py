"""An Octavia load balancer as a configuration of haproxy, and what haproxy says about it."""

from __future__ import annotations

import csv
import io
import os
import socket
from pathlib import Path

GONE = ("PENDING_DELETE", "DELETED")
ALGORITHMS = {
    "ROUND_ROBIN": "roundrobin",
    "LEAST_CONNECTIONS": "leastconn",
    "SOURCE_IP": "source",
    "SOURCE_IP_PORT": "source",
}
ALIVE = "alive"
"""A front end that always listens: haproxy refuses to start without any."""

HEAD = f"""\
global
  maxconn 8192
  stats socket /lb/stat mode 600 level admin expose-fd listeners
defaults
  timeout connect 5s
  timeout check 5s
  timeout client 50s
  timeout server 50s
  option redispatch
  retries 3
frontend {ALIVE}
  mode tcp
  bind 127.0.0.1:65535
"""


def configuration(load_balancer) -> str:
    """haproxy.cfg of an Octavia load balancer (octavia.db.models.LoadBalancer)."""
    lines = []
    for listener in _wanted(load_balancer.listeners) if load_balancer.enabled else []:
        lines += _listener(listener, load_balancer.vip.ip_address)
    return HEAD + "\n".join([*lines, ""])


def _listener(listener, address: str) -> list[str]:
    mode = "http" if listener.protocol == "HTTP" else "tcp"
    lines = [
        f"frontend {listener.id}",
        f"  mode {mode}",
        f"  timeout client {_milliseconds(listener.timeout_client_data, 50000)}",
        f"  bind {address}:{listener.protocol_port}",
    ]
    if listener.connection_limit and listener.connection_limit > 0:
        lines.append(f"  maxconn {listener.connection_limit}")
    cidrs = " ".join(allowed.cidr for allowed in listener.allowed_cidrs or [])
    if cidrs:
        lines.append(f"  tcp-request connection reject if !{{ src {cidrs} }}")
    pool = listener.default_pool
    if pool is None or not _wanted([pool]):
        return lines
    backend = f"{pool.id}:{listener.id}"
    lines += [
        f"  default_backend {backend}",
        f"backend {backend}",
        f"  mode {mode}",
        f"  balance {ALGORITHMS.get(pool.lb_algorithm, 'roundrobin')}",
        f"  timeout connect {_milliseconds(listener.timeout_member_connect, 5000)}",
        f"  timeout server {_milliseconds(listener.timeout_member_data, 50000)}",
    ]
    return lines + _pool(pool)


def _pool(pool) -> list[str]:
    lines = []
    monitor = pool.health_monitor
    if monitor is not None and not _wanted([monitor]):
        monitor = None
    if monitor:
        lines.append(f"  timeout check {monitor.timeout}s")
        if monitor.type in ("HTTP", "HTTPS"):
            codes = (monitor.expected_codes or "200").replace(",", "|")
            lines += [
                f"  option httpchk {monitor.http_method or 'GET'} {monitor.url_path or '/'}",
                f"  http-check expect rstatus {codes}",
            ]
        elif monitor.type == "TLS-HELLO":
            lines.append("  option ssl-hello-chk")
    if pool.session_persistence and pool.session_persistence.type == "SOURCE_IP":
        lines += ["  stick-table type ip size 10k", "  stick on src"]
    return lines + [_member(pool, member, monitor) for member in _wanted(pool.members)]


def _member(pool, member, monitor) -> str:
    words = ["  server", member.id, f"{member.ip_address}:{member.protocol_port}", f"weight {member.weight}"]
    if member.backup:
        words.append("backup")
    if pool.protocol == "PROXY":
        words.append("send-proxy")
    if monitor:
        words.append(f"check inter {monitor.delay}s fastinter 1s")
        words.append(f"fall {monitor.fall_threshold} rise {monitor.rise_threshold}")
        if monitor.type == "HTTPS":
            words.append("check-ssl verify none")
        if member.monitor_port or member.monitor_address:
            words.append(f"addr {member.monitor_address or member.ip_address}")
            words.append(f"port {member.monitor_port or member.protocol_port}")
    return " ".join(words)


def _wanted(objects) -> list:
    return [o for o in objects if o.enabled and o.provisioning_status not in GONE]


def _milliseconds(value: int | None, default: int) -> str:
    return f"{default if value is None else value}ms"


def statistics(folder: Path) -> list[dict[str, str]]:
    """`show stat` of the haproxy whose socket stands in `folder`, one row for each front end, back end and
    server. Raises OSError where it does not answer."""
    # The path of a Unix socket may have 107 bytes only (unix(7)): reach it through a descriptor of its
    # folder.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(f"/proc/self/fd/{descriptor}/stat")
            connection.sendall(b"show stat\n")
            answer = b""
            while block := connection.recv(65536):
                answer += block
    finally:
        os.close(descriptor)
    return list(csv.DictReader(io.StringIO(answer.decode().removeprefix("# "))))


def names(configuration_text: str) -> set[str]:
    """Front ends and servers of a configuration."""
    lines = configuration_text.splitlines()
    return {line.split()[1] for line in lines if line.startswith(("frontend ", "  server "))}


def served_names(folder: Path) -> set[str]:
    """Front ends and servers that haproxy has now. Raises OSError."""
    found = {name for row in statistics(folder) for name in (row["pxname"], row["svname"])}
    return {name for name in found - {"FRONTEND", "BACKEND"} if ":" not in name}
