"""What lies in the cache folder, how large it is, and clearing it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from snnctl.datasets.cache import folder, stem
from snnctl.lock import held


@dataclass(frozen=True)
class Entry:
    """One cache.

    Args:
        path: its folder.
        set: the data set's name (its source class).
        created: local date and time.
        bytes: size on disk.
        samples: recordings of each part.
        transforms: how each deterministic transform prints.
        skipped: how many recordings were left out because they could not be read.
    """

    path: Path
    set: str
    created: str
    bytes: int
    samples: dict[str, int]
    transforms: tuple[str, ...]
    skipped: int


def entries(where: str | Path | None = None, name: str | None = None) -> list[Entry]:
    """The caches in a folder (None: the default one), newest first; of one data set if `name` is given, in any case."""
    found = []
    for meta in folder(where).glob("*/meta.json"):
        try:
            told = json.loads(meta.read_text())
            entry = Entry(
                meta.parent, told["set"], told["created"], _bytes(meta.parent), told["parts"],
                tuple(told["transforms"]), len(told["skipped"]),
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not ours, or damaged: it is built again on its next use
        if name is None or name.lower() == entry.set.lower():
            found.append(entry)
    return sorted(found, key=lambda entry: entry.created, reverse=True)


def clear(where: str | Path | None = None, name: str | None = None) -> int:
    """Remove caches, and what killed builds left; returns the bytes freed.

    Args:
        where: folder of caches; None: the default one.
        name: of one data set only; None: all.
    """
    root = folder(where)
    freed = 0
    for entry in entries(root, name):
        freed += entry.bytes
        shutil.rmtree(entry.path, ignore_errors=True)
    for damaged in root.glob("*-" + "[0-9a-f]" * 16):
        if name is None or damaged.name.rpartition("-")[0] == stem(name):
            freed += _bytes(damaged)
            shutil.rmtree(damaged, ignore_errors=True)
    for left in root.glob(".*.building*"):
        own = left.name[1:].partition(".building")[0]
        if name is not None and own.rpartition("-")[0] != stem(name):
            continue
        with held(root / f".{own}.lock", wait=False) as ours:
            if ours:  # else somebody is building it now
                freed += _bytes(left)
                shutil.rmtree(left, ignore_errors=True)
    return freed


def _bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
