"""The probes in a process of their own: they end with whoever started them, and say why they cannot start."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from loopback import HttpServer

from replank.domain.errors import Refused
from replank.inventory.fleet.model import KubeconfigRef, ProbeTarget
from replank.probe.record import result_dict
from replank.transports.probe.config import ProbeConfig, dump, load
from replank.transports.probe.process import ProbeProcess, read_result


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


def http(server: HttpServer, name: str = "web", **changes: Any) -> ProbeTarget:
    return ProbeTarget(name=name, kind="http", address=server.url, **changes)


def test_it_samples_until_the_block_is_left(tmp_path: Path) -> None:
    out = tmp_path / "probe.jsonl"

    async def work() -> None:
        server = HttpServer()
        await server.start()
        config = ProbeConfig(targets=(http(server), http(server, "kept", reuse=True)), out=str(out))
        async with ProbeProcess(config) as probes:
            await asyncio.sleep(0.5)
        result = probes.result()
        assert result.complete
        assert [t.name for t in result.targets] == ["web", "kept"]
        assert all(t.stats.samples >= 4 for t in result.targets)
        assert all(t.stats.failed == 0 for t in result.targets)
        server.stop()

    run(work())
    assert read_result(str(out)).complete


def test_the_baseline_is_measured_first(tmp_path: Path) -> None:
    async def work() -> None:
        server = HttpServer()
        await server.start()
        config = ProbeConfig(targets=(http(server),), out=str(tmp_path / "p"), baseline_s=0.3)
        async with ProbeProcess(config) as probes:
            await probes.baseline_over()
            await asyncio.sleep(0.3)
        (target,) = probes.result().targets
        assert target.baseline is not None
        assert target.baseline.samples >= 2
        assert target.stats.samples >= 2
        server.stop()

    run(work())


def test_when_its_parent_is_killed_it_ends_and_the_record_is_complete(tmp_path: Path) -> None:
    out = tmp_path / "p"

    async def work() -> None:
        server = HttpServer()
        await server.start()
        # The middle process hands its own end of the pipe to the probes and is killed.
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "replank.transports.probe",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(dump(ProbeConfig(targets=(http(server),), out=str(out))).encode())
        while b"started" not in await child.stdout.readline():
            pass
        await asyncio.sleep(0.25)
        # What the kernel does to the pipe of a killed parent.
        child.stdin.close()
        assert await child.wait() == 0
        server.stop()

    run(work())
    assert read_result(str(out)).complete


def test_a_killed_sampler_is_told_and_its_record_is_inconclusive(tmp_path: Path) -> None:
    out = tmp_path / "p"

    async def work() -> None:
        server = HttpServer()
        await server.start()
        try:
            async with ProbeProcess(ProbeConfig(targets=(http(server),), out=str(out))) as probes:
                await asyncio.sleep(1.6)
                os.kill(probes._process.pid, signal.SIGKILL)
                await asyncio.sleep(0.1)
        finally:
            server.stop()

    with pytest.raises(Refused) as refused:
        run(work())
    assert refused.value.code == "RP984"
    result = read_result(str(out))
    assert (result.outcome, result.complete) == ("inconclusive", False)
    # It lost a second at most, and started before the first of 1.6.
    assert result.targets[0].stats.samples >= 5


def test_what_keeps_it_from_starting_is_told_by_its_code(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    target = ProbeTarget(name="t", kind="tcp", address="127.0.0.1:1")
    api = ProbeTarget(name="api", kind="api", kubeconfig=KubeconfigRef(path=str(tmp_path / "none")))
    secure = ProbeTarget(name="s", kind="http", address="https://127.0.0.1:1/", ca=str(tmp_path / "none"))
    cases = {
        "RP983": ProbeConfig(targets=(target,), out=str(there)),
        "RP050": ProbeConfig(targets=(api,), out=str(tmp_path / "a")),
        "RP982": ProbeConfig(targets=(secure,), out=str(tmp_path / "b")),
    }

    async def work() -> None:
        for code, config in cases.items():
            with pytest.raises(Refused) as refused:
                async with ProbeProcess(config):
                    pytest.fail("it started")
            assert refused.value.code == code

    run(work())
    with pytest.raises(Refused) as refused:
        load("{}")
    assert refused.value.code == "RP981"


def test_configuration_survives_its_way() -> None:
    config = ProbeConfig(
        targets=(ProbeTarget(name="a", kind="api", kubeconfig=KubeconfigRef(path="/k"), reuse=True),),
        out="/o",
        baseline_s=3.5,
    )
    assert load(dump(config)) == config


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of its own CA for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("api.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    crt, pem = folder / "tls.crt", folder / "tls.key"
    crt.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    pem.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return crt, pem


def test_the_api_server_is_asked_with_the_kubeconfigs_ca_name_and_token(tmp_path: Path) -> None:
    crt, pem = certificate(tmp_path)
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heard.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def work() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(crt, pem)
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
            "contexts: [{name: c, context: {cluster: k, user: u}}]\n"
            f"clusters: [{{name: k, cluster: {{server: 'https://127.0.0.1:{port}', "
            "tls-server-name: api.example, certificate-authority: tls.crt}}]\n"
            "users: [{name: u, user: {token: planted-token}}]\n"
        )
        ref = KubeconfigRef(path=str(kubeconfig))
        config = ProbeConfig(
            targets=(
                ProbeTarget(name="api", kind="api", kubeconfig=ref),
                ProbeTarget(name="api-reused", kind="api", kubeconfig=ref, reuse=True),
            ),
            out=str(tmp_path / "p"),
        )
        async with ProbeProcess(config) as probes:
            await asyncio.sleep(0.4)
        new, reused = probes.result().targets
        for target in (new, reused):
            assert target.stats.failed == 0, target
            assert target.stats.passed >= 2
            assert target.address == f"https://127.0.0.1:{port}/readyz"
        server.close()
        text = (tmp_path / "p").read_text() + str(result_dict(probes.result()))
        assert "planted-token" not in text

    run(work())
    assert all(b"GET /readyz HTTP/1.1" in r and b"Authorization: Bearer planted-token" in r for r in heard)
