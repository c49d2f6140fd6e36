"""Fetch, describe, draw and clear data sets.

    snnctl data get nmnist dataset.root=/data        fetch it; where the host cannot be reached, says what to put where
    snnctl data info digits                          samples, classes, sensor, durations, event rates, caches
    snnctl data preview digits                       digits.png: a few samples, summed up and over time
    snnctl data preview folder dataset.root=. out=mine.png samples=4
    snnctl data info                                 what lies in the cache
    snnctl data clear digits                         remove its caches; `clear all` removes every one

Next: snnctl ls datasets, snnctl train dataset=nmnist
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnctl.errors import UserError, did_you_mean
from snnctl.report.tables import show

if TYPE_CHECKING:
    from snnctl.datasets.datamodule import DataModule
    from snnctl.datasets.recording import Recording
    from snnctl.datasets.source import Source

ACTIONS = ("get", "info", "preview", "clear")
NAMED = 10  # files that cannot be read


def run(args: list[str]) -> int:
    """`snnctl data ...` after the verb; returns the exit code."""
    if not args or args[0] not in ACTIONS:
        hint = did_you_mean(args[0], ACTIONS) if args else "choose from    get, info, preview, clear"
        raise UserError("data does what?", f"{hint}\nfor example    snnctl data info digits")
    action, rest = args[0], args[1:]
    if action == "clear":
        return clear(rest)
    if action == "info" and not rest:
        return caches(None)
    if not rest or "=" in rest[0]:
        raise UserError(
            f"data {action} takes a data set",
            f"for example   snnctl data {action} digits\nsee           snnctl ls datasets",
        )
    own = {"out": "", "samples": ""}
    own |= {k: v for k, _, v in (a.partition("=") for a in rest[1:]) if k in own}
    data = open_set(rest[0], [a for a in rest[1:] if a.partition("=")[0] not in own])
    if action == "get":
        data.source.download()
        parts = data.source.parts()
        print(f"{rest[0]} is there: " + ", ".join(f"{len(labels):,} {part}" for part, labels in parts.items()))
        return 0
    if action == "info":
        return info(rest[0], data)
    out = Path(own["out"] or f"{rest[0].replace('/', '_')}.png")
    if own["samples"] and not (own["samples"].isdigit() and int(own["samples"]) > 0):
        raise UserError(f"samples={own['samples']} is not a number of samples", "for example   samples=4")
    return preview(data, out, int(own["samples"] or 6))


def open_set(name: str, overrides: list[str]) -> DataModule:
    """The data module of a set.

    Raises:
        UserError: no such set, or a mistake in the overrides.
    """
    from snnctl import config
    from snnctl.commands.ls import members
    from snnctl.config.folders import ROOT

    if name not in members("dataset"):
        raise UserError(
            f"unknown data set  {name}", f"{did_you_mean(name, members('dataset'))}\nsee            snnctl ls datasets"
        )
    return config.build(config.compose(ROOT, [f"dataset={name}", *overrides]).dataset)


def info(name: str, data: DataModule) -> int:
    """Print what a set holds; recordings are sampled, not all read."""
    from snnctl.report.recordings import describe

    source = data.source
    source.download()
    parts = source.parts()
    print(f"{name}   {source.kind}, one step {' x '.join(map(str, source.shape))}, {data.facts.outputs}")
    counts = {part: [int((labels == i).sum()) for i in range(len(source.classes))] for part, labels in parts.items()}
    named = enumerate(source.classes if source.targets == "classes" else ())
    rows = [(label, *(counts[part][i] for part in parts)) for i, label in named]
    if len(rows) > 40:
        rows = [*rows[:40], (f"... {len(rows) - 40} more", *("" for _ in parts))]
    rows.append(("all", *(len(labels) for labels in parts.values())))
    show(("class", *parts), rows, right=range(1, len(parts) + 1))
    read = Reading(source)
    figures = describe(read, parts)
    print(f"\nof {figures.count:,} recordings, evenly spread:")
    show(("", "least", "median", "most"), figures.rows, right=(1, 2, 3))
    if read.failed:
        name_files(read.failed)
        print("train without them   dataset.on_error=skip")
    if "test" not in parts:
        print(f"no test part: {data.test_fraction:.0%} of the samples will test (dataset.test_fraction)")
    facts = data.facts
    steps = facts.steps if facts.steps is not None else "as long as each batch's longest"
    print(f"as dataset={name} gives it: step {facts.dt:g} s, T = {steps}")
    return caches(source.name)


def name_files(failed: dict[str, str]) -> None:
    """Print the first of {file: reason}, and how many more there are."""
    for file, reason in list(failed.items())[:NAMED]:
        print(f"  {file}: {reason.removeprefix(f'{file}: ')}")
    if len(failed) > NAMED:
        print(f"  and {len(failed) - NAMED} more")


class Reading:
    """A source as `describe` reads it, that remembers what it could not read: `failed`, {file: reason}."""

    def __init__(self, source: Source):
        self.source = source
        self.failed: dict[str, str] = {}

    def read(self, part: str, i: int) -> Recording:
        try:
            return self.source.read(part, i)
        except UserError as error:
            self.failed[self.source.where(part, i)] = error.problem
            raise


def caches(name: str | None) -> int:
    """Print the caches, of one set or of all."""
    from snnctl.commands.check import size
    from snnctl.datasets.cache import Cache
    from snnctl.datasets.cache_list import entries

    found = entries(name=name)
    if not found:
        print("no cache" if name else "the cache is empty")
        return 0
    rows = [
        (e.set, e.created, size(e.bytes), sum(e.samples.values()), e.skipped, ", ".join(e.transforms), e.path)
        for e in found
    ]
    show(("cache of", "made", "size", "samples", "skipped", "transforms", "folder"), rows, right=(2, 3, 4))
    for entry in found if name else ():
        if entry.skipped:
            print(f"left out of {entry.path}:")
            name_files(Cache(entry.path).skipped)
    return 0


def clear(args: list[str]) -> int:
    """Remove caches of one set, or all."""
    from snnctl.commands.check import size
    from snnctl.datasets.cache_list import clear as remove
    from snnctl.datasets.cache_list import entries

    if len(args) != 1:
        known = ", ".join(sorted({e.set.lower() for e in entries()})) or "the cache is empty"
        raise UserError("data clear takes a data set, or all", f"in the cache   {known}")
    name = None if args[0] == "all" else _set_name(args[0])
    print(f"freed {size(remove(name=name))}")
    return 0


def _set_name(given: str) -> str:
    """The name that caches of a set go by: that of its source, which need not be the option's."""
    from snnctl.commands.ls import members
    from snnctl.datasets.cache_list import entries

    known = {e.set.lower(): e.set for e in entries()}
    if given.lower() in known:
        return known[given.lower()]
    if given not in members("dataset"):
        every = dict.fromkeys([*members("dataset"), *known, "all"])
        raise UserError(f"unknown data set  {given}", did_you_mean(given, every))
    return open_set(given, []).source.name


def preview(data: Any, out: Path, samples: int) -> int:
    """Draw a few samples into a PNG file."""
    from snnctl.report.recordings import draw

    data.source.download()
    draw(data.source, out, samples)
    print(out)
    return 0
