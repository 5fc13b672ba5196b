"""The files of a twin's machine in a folder, for code that works on files, and back."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

from replank.testbed.world import FileEntry, Machine


@dataclass(slots=True)
class Disk:
    """`root`: the folder. Between two uses the machine's `files` are the truth, and SSH changes them."""

    machine: Machine
    root: Path
    _laid: dict[str, FileEntry] = field(default_factory=dict)
    _seen: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def lay_out(self) -> None:
        """Writes what the machine has and the folder has not."""
        files = self.machine.files
        for path in self._laid.keys() - files.keys():
            self._at(path).unlink(missing_ok=True)
        for path, entry in files.items():
            if self._laid.get(path) != entry:
                place = self._at(path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.unlink(missing_ok=True)
                place.write_bytes(entry.content)
                place.chmod(int(entry.mode, 8))
                self._seen[path] = _signature(place)
        self._laid = dict(files)

    def take_back(self) -> None:
        """Gives the machine what has changed in the folder, with paths as they are on it."""
        found: dict[str, FileEntry] = {}
        seen: dict[str, tuple[int, int, int]] = {}
        for place in self.root.rglob("*"):
            if place.is_symlink() or not place.is_file():
                continue
            path = f"/{place.relative_to(self.root)}"
            seen[path] = _signature(place)
            if self._seen.get(path) == seen[path]:
                found[path] = self._laid[path]
                continue
            content = place.read_bytes().replace(str(self.root).encode(), b"")
            mode = f"{stat.S_IMODE(place.stat().st_mode):04o}"
            found[path] = replace(self._laid.get(path, FileEntry(b"")), content=content, mode=mode)
        self._laid, self._seen = found, seen
        order = [path for path in self.machine.files if path in found]
        self.machine.files = {path: found[path] for path in (*order, *sorted(found.keys() - set(order)))}

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")


def _signature(place: Path) -> tuple[int, int, int]:
    about = place.stat()
    return about.st_ctime_ns, about.st_ino, about.st_size
