"""NIR files: written whole or not at all, and looked over before they are read."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import h5py
import nir

from snnctl import atomic
from snnctl.errors import UserError, did_you_mean

LARGEST = 4 * 2**30  # bytes that all arrays of a file may have
MOST = 200_000  # groups and arrays
DEEPEST = 64  # groups within groups
FAILS = (ValueError, TypeError, KeyError, AssertionError, AttributeError, IndexError, NotImplementedError, OSError,
         RuntimeError)  # fmt: skip


def write(path: str | Path, graph: nir.NIRGraph) -> None:
    """Write a graph as a NIR file, which every reader of NIR opens (HDF5).

    Args:
        path: of the file, NAME.nir; its folder is made.
        graph: as it is.

    Raises:
        UserError: the disk is full, the folder cannot be written, or nir cannot write the graph.
    """
    held = io.BytesIO()
    try:
        nir.write(held, graph)
    except FAILS as error:
        raise UserError(
            f"{path}: nir cannot write this graph: {_said(error)}", "check          its nodes and metadata"
        ) from error
    atomic.write(Path(path), lambda file: file.write(held.getvalue()))


def read(path: str | Path) -> nir.NIRGraph:
    """Read a NIR file, old or new.

    A graph that nir's own check of shapes refuses (old files, grouped convolutions) is read without it; `circuit_of`
    checks the shapes itself.

    Raises:
        UserError: there is no such file; it is truncated, damaged, not HDF5, or HDF5 but no NIR graph; it has a node
            that is not known; its arrays would take more than 4 GiB, which is told before they are read.
    """
    path = Path(path)
    if not path.is_file():
        near = did_you_mean(path.name, [p.name for p in path.parent.glob("*.nir")]) if path.parent.is_dir() else ""
        raise UserError(f"no NIR file at {path}", near or "write one      snnctl deploy RUN target=nir")
    try:
        with h5py.File(path, "r") as file:
            if not isinstance(file.get("node"), h5py.Group):
                raise UserError(
                    f"{path} is HDF5, but no NIR graph: it has no group `node`", "is it another kind of file?"
                )
            _look_over(path, file)
            held = _as_dict(file["node"])
    except FAILS as error:  # h5py has no error of its own
        raise _unreadable(path, error) from None
    if held.get("type") != "NIRGraph":
        raise UserError(
            f"{path} holds a single node, {held.get('type')}", "wanted         a NIRGraph with Input and Output"
        )
    _check_kinds(path, held, "")
    try:
        return nir.dict2NIRNode(_copied(held, True))
    except FAILS:
        pass
    try:
        return nir.dict2NIRNode(_copied(held, False))
    except FAILS as error:
        raise UserError(
            f"{path}: nir cannot read this graph: {_said(error)}", "it is damaged, or of another version of nir"
        ) from error


def _unreadable(path: Path, error: Exception) -> UserError:
    text = str(error)
    if "truncated" in text:
        return UserError(f"{path} is truncated", "copy it again: its end is missing")
    if "signature not found" in text:
        kind = "empty" if not path.stat().st_size else "no HDF5 file"
        return UserError(f"{path} is {kind}", "wanted         a NIR file, as nir.write makes it")
    if isinstance(error, PermissionError):
        return UserError(f"{path} cannot be read: {error.strerror}")
    return UserError(f"{path} is damaged: {_said(error)}", "copy it again")


def _look_over(path: Path, file: h5py.File) -> None:
    """What is declared, before anything is read: a few bytes can declare any size, or point out of the file."""
    size, count, waiting = 0, 0, [(file, 0)]
    while waiting:
        group, depth = waiting.pop()
        if depth > DEEPEST:
            raise UserError(f"{path}: more than {DEEPEST} groups within groups", "it is no NIR graph that can be run")
        for name in group:
            link, where = group.get(name, getlink=True), f"{group.name}/{name}"
            item = group.get(name) if isinstance(link, h5py.HardLink) else None
            if item is None:
                raise UserError(
                    f"{path}: {where} is a link to somewhere else", "wanted         all arrays in the file itself"
                )
            count += 1
            if isinstance(item, h5py.Group):
                waiting.append((item, depth + 1))
            elif isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise UserError(
                        f"{path}: {where} lies in another file", "wanted         all arrays in the file itself"
                    )
                size += math.prod(item.shape or (1,)) * max(1, item.dtype.itemsize)
            if size > LARGEST or count > MOST:
                much = (
                    f"arrays of {size / 2**30:.3g} GiB, with {where}"
                    if size > LARGEST
                    else f"more than {MOST:,} arrays"
                )
                raise UserError(
                    f"{path} is too large: {much}", f"range          up to {LARGEST // 2**30} GiB, {MOST:,} arrays"
                )


def _as_dict(group: h5py.Group) -> dict[str, Any]:
    """Names to numbers, arrays, strings and dictionaries of them."""
    found: dict[str, Any] = {}
    for name, item in group.items():
        value = _as_dict(item) if isinstance(item, h5py.Group) else item[()]
        found[name] = value.decode("utf8", "replace") if isinstance(value, bytes) else value
    return found


def _check_kinds(path: Path, held: dict[str, Any], name: str) -> None:
    """Every node of a kind that nir knows."""
    kind = held.get("type")
    known = [k for k in nir.ir.__all__ if k[0].isupper() and k != "NIRNode"]
    if kind not in known:
        raise UserError(
            f"{path}: node {name} is {kind!r}, which nir {nir.version} does not know", did_you_mean(str(kind), known)
        )
    if kind == "NIRGraph":
        for part in ("nodes", "edges"):
            if part not in held:
                raise UserError(f"{path}: graph {name or 'at the top'} has no {part}", "the file is not whole")
        nodes = held["nodes"]
        for inner, node in nodes.items() if isinstance(nodes, dict) else ():
            if not isinstance(node, dict):
                raise UserError(
                    f"{path}: node {name}{inner} is {type(node).__name__}, no node", "the file is not whole"
                )
            _check_kinds(path, node, f"{name}.{inner}".lstrip("."))


def _copied(held: dict[str, Any], check: bool) -> dict[str, Any]:
    """For nir, which changes what it gets; subgraphs too with or without its check of shapes."""
    copied = {name: _copied(value, check) if isinstance(value, dict) else value for name, value in held.items()}
    if held.get("type") == "NIRGraph":
        copied["nodes"] = {name: _copied(node, check) for name, node in held["nodes"].items()}
        copied["type_check"] = check
        copied["edges"] = [tuple(edge) for edge in held["edges"]]
    return copied


def _said(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
