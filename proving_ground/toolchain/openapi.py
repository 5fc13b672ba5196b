"""API definitions that upstream generates before it builds: its module lacks them, and kube-apiserver of 1.23
does not compile without."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from proving_ground.toolchain.groups import Group

GENERATOR = "k8s.io/kube-openapi/cmd/openapi-gen"
PACKAGES = "openapi-packages.txt"
"""In the group's folder: Go packages whose types kube-apiserver serves, one a line."""

NAME = "zz_generated.openapi"


def completed(wanted: Group, go: Callable[[list[str]], str], work: Path) -> Path:
    """Makes a copy of the group's module below `work`, with its definitions. Returns a file for
    `go build -modfile` that leads to the copy. (`-overlay` would be less, but Go wants nothing laid over its
    module cache.) Takes half a minute of one core, mostly in parsing.

    `go`: runs Go in the group's folder. Source: Kubernetes 1.23, build/root/Makefile.generated_files
    (gen_openapi).
    """
    inputs = ",".join((wanted.folder / PACKAGES).read_text().split())
    go(
        [
            *("run", GENERATOR, "--logtostderr", "-h", "/dev/null", "-r", "/dev/null"),
            *("-i", inputs, "-p", wanted.openapi, "-o", str(work), "-O", NAME),
        ]
    )
    copy = work / "module"
    shutil.copytree(go(["list", "-m", "-f", "{{.Dir}}", wanted.module]).strip(), copy)
    package = copy / wanted.openapi.removeprefix(f"{wanted.module}/")
    package.chmod(0o755)
    shutil.copy(work / wanted.openapi / f"{NAME}.go", package)
    shutil.copy(wanted.folder / "go.mod", work / "go.mod")
    shutil.copy(wanted.folder / "go.sum", work / "go.sum")
    go(["mod", "edit", f"-replace={wanted.module}={copy}", str(work / "go.mod")])
    return work / "go.mod"
