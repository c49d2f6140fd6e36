"""What a cache is keyed by: a digest of sources and transforms by content, never by place or time of day."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib
import sys
from pathlib import Path

import numpy as np

_BY_VERSION = {"builtins", "functools", "numpy", "scipy", "tonic", "torch"}


def digest(*things) -> str:
    """sha256 over the descriptions of `things`, 64 hexadecimal digits."""
    sha = hashlib.sha256()
    for thing in things:
        sha.update(describe(thing).encode())
        sha.update(b"\0")
    return sha.hexdigest()


def describe(thing) -> str:
    """A text that is equal for equal content and differs when a setting, an array or the defining code changes.

    Settings are the fields of a dataclass, else the public attributes; the code of a class or function enters as the
    digest of its module's file, or as the version of the package where that is a known library.
    """
    if thing is None or isinstance(thing, (bool, int, float, str, bytes)):
        return repr(thing)
    if isinstance(thing, Path):
        return repr(str(thing))
    if isinstance(thing, np.generic):
        return repr(thing.item())
    if isinstance(thing, np.ndarray):
        content = hashlib.sha256(np.ascontiguousarray(thing).tobytes()).hexdigest()
        return f"array({thing.dtype.str},{thing.shape},{content})"
    if isinstance(thing, dict):
        return "{" + ",".join(f"{describe(k)}:{describe(v)}" for k, v in sorted(thing.items(), key=repr)) + "}"
    if isinstance(thing, (set, frozenset)):
        return "{" + ",".join(sorted(describe(v) for v in thing)) + "}"
    if hasattr(thing, "__iter__") and hasattr(thing, "__len__") and not dataclasses.is_dataclass(thing):
        return "[" + ",".join(describe(v) for v in thing) + "]"
    if isinstance(thing, functools.partial):
        return f"partial({describe(thing.func)},{describe(thing.args)},{describe(thing.keywords)})"
    if isinstance(thing, type) or hasattr(thing, "__code__"):
        return f"{thing.__module__}.{thing.__qualname__}@{_code(thing)}"
    if hasattr(thing, "__func__"):
        return f"{describe(thing.__func__)} of {describe(thing.__self__)}"
    return f"{describe(type(thing))}({settings(thing)})"


def settings(thing) -> str:
    """The settings of an object: its dataclass fields, else its public attributes."""
    if dataclasses.is_dataclass(thing):
        found = {f.name: getattr(thing, f.name) for f in dataclasses.fields(thing) if hasattr(thing, f.name)}
    else:
        found = {k: v for k, v in getattr(thing, "__dict__", {}).items() if not k.startswith("_")}
    return describe(found)


def _code(thing) -> str:
    """The version of a known library, the digest of a module's file, or that of the bytecode of a function typed in."""
    top = thing.__module__.partition(".")[0]
    if top in _BY_VERSION:
        return getattr(importlib.import_module(top), "__version__", "")
    path = getattr(sys.modules.get(thing.__module__), "__file__", None)
    if path and Path(path).is_file():
        return _file(path, Path(path).stat().st_mtime_ns)
    code = getattr(thing, "__code__", None)
    return hashlib.sha256(code.co_code + repr(code.co_consts).encode()).hexdigest() if code else ""


@functools.lru_cache(maxsize=256)
def _file(path: str, changed: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
