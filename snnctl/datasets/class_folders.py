"""Recordings laid out as one folder a class, optionally below train/ and test/."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from snnctl.errors import UserError

PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}


class Listing(NamedTuple):
    """What lies in the folders.

    Args:
        classes: names of the class folders, digits in their numeric order.
        files: {part: the files, sorted by class, then name}.
        labels: {part: (n,) int64}.
    """

    classes: tuple[str, ...]
    files: dict[str, list[Path]]
    labels: dict[str, np.ndarray]


def list_folders(top: Path, endings: Collection[str]) -> Listing:
    """List top/<class>/**/<file>, or top/{train,test}/<class>/**/<file>; hidden files and folders are passed over.

    Args:
        top: the folder above.
        endings: of the files that count, in lower case (".npz").

    Raises:
        UserError: it is not there, holds no such file, or only one class.
    """
    top = Path(top)
    if not top.is_dir():
        raise UserError(
            f"no folder {top.absolute()}", "expected one folder a class in it; elsewhere: dataset.root=FOLDER"
        )
    parts = {PARTS[d.name.lower()]: d for d in _folders(top) if d.name.lower() in PARTS} or {"train": top}
    found: dict[str, dict[str, list[Path]]] = {
        part: {folder.name: _files(folder, endings) for folder in _folders(place)}
        for part, place in sorted(parts.items(), reverse=True)
    }
    classes = sorted({name for part in found.values() for name, files in part.items() if files}, key=natural)
    if len(classes) < 2:
        told = f"only the class {classes[0]!r}" if classes else "no recording"
        raise UserError(
            f"{top.absolute()}: {told}",
            f"expected {top.name}/CLASS/FILE or {top.name}/train/CLASS/FILE and {top.name}/test/CLASS/FILE,\n"
            f"files that end in {', '.join(sorted(endings))}",
        )
    files, labels = {}, {}
    for part, folders in found.items():
        files[part] = [path for name in classes for path in folders.get(name, [])]
        labels[part] = np.repeat(np.arange(len(classes)), [len(folders.get(name, [])) for name in classes])
    return Listing(tuple(classes), {p: f for p, f in files.items() if f}, {p: n for p, n in labels.items() if len(n)})


def natural(name: str) -> list:
    """A key to sort names by, with numbers in numeric order: "2" before "10"."""
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in re.split(r"(\d+)", name) if piece]


def _folders(top: Path) -> list[Path]:
    return sorted(d for d in top.iterdir() if d.is_dir() and not d.name.startswith("."))


def _files(folder: Path, endings: Collection[str]) -> list[Path]:
    inside = (p for p in folder.rglob("*") if p.suffix.lower() in endings and p.is_file())
    return sorted(
        (p for p in inside if not any(s.startswith(".") for s in p.relative_to(folder).parts)), key=lambda p: p.parts
    )
