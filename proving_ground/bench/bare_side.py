"""The bare loop: server-side apply of the same objects over the same HTTP library, and nothing else.

No journal, no lease, no look before or after, no retry. With `--dry-run` each object is first asked for as a
dry run, which is what replank promises of every write.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2

from proving_ground.bench.objects import written
from proving_ground.bench.side import in_parallel, serve
from proving_ground.bench.worlds import Source
from proving_ground.management.api import object_path
from replank.inventory.fleet.model import KubeconfigRef
from replank.transports.kubernetes.connection import open_kubeconfig
from replank.transports.kubernetes.reader import local_now

_APPLY = {"Content-Type": "application/apply-patch+yaml", "Accept": "application/json"}
_QUERY = {"fieldManager": "bench", "fieldValidation": "Strict"}


class Loop:
    """`dry_run`: ask first."""

    def __init__(self, client: httpx2.AsyncClient, source: Source, parallel: int, *, dry_run: bool) -> None:
        self._client = client
        self._source = source
        self._parallel = parallel
        self._dry_run = dry_run
        self._documents: dict[str, list[dict[str, Any]]] = {}

    async def begin(self, names: Sequence[str]) -> None:
        """Plans and namespaces."""
        self._documents = {
            name: [dict(document) for document in written(self._source.plan(name))] for name in names
        }
        for name in names:
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            await self._apply(namespace, dry_run=False)

    async def write(self, names: Sequence[str]) -> int:
        """The objects of each cluster, one after the other."""
        await in_parallel(names, self._parallel, self._write)
        return sum(len(documents) for documents in self._documents.values())

    async def _write(self, name: str) -> None:
        for document in self._documents[name]:
            if self._dry_run:
                await self._apply(document, dry_run=True)
            await self._apply(document, dry_run=False)

    async def _apply(self, document: dict[str, Any], *, dry_run: bool) -> None:
        response = await self._client.patch(
            object_path(document),
            params=_QUERY | ({"dryRun": "All"} if dry_run else {}),
            headers=_APPLY,
            content=json.dumps(document).encode(),
        )
        if not response.is_success:
            raise RuntimeError(f"{object_path(document)}: {response.status_code} {response.text[:500]}")


async def main() -> None:
    """Serves blocks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("kubeconfig")
    parser.add_argument("--parallel", type=int, required=True)
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    source = Source.read(options.source)
    reference = KubeconfigRef(path=options.kubeconfig)
    connection = await open_kubeconfig(reference, clock=local_now, exec_timeout_s=30)
    async with httpx2.AsyncClient(
        base_url=connection.server,
        verify=connection.tls or False,
        headers=dict(connection.headers),
        trust_env=False,
        timeout=60,
        limits=httpx2.Limits(max_connections=options.parallel),
    ) as client:
        loop = Loop(client, source, options.parallel, dry_run=options.dry_run)
        await serve(loop)


if __name__ == "__main__":
    asyncio.run(main())
