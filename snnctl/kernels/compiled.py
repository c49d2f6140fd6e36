"""Kernels as compiled code: printed to a file, compiled by Numba once on a machine, kept on disk."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

from snnctl.atomic import write_text
from snnctl.errors import UserError
from snnctl.lock import held


class Kernel:
    """A compiled function; its first call compiles it, or takes it from disk.

    What lies on disk is not trusted: a module whose text is not the one asked for is written anew, and machine code
    that cannot be read is compiled anew. Processes that start together compile once.

    Args:
        neuron: whose kernel it is, for the message.
        name: of the function: forward, backward.
        text: called as `text(cache)`, the source of the module.
    """

    def __init__(self, neuron: str, name: str, text: Callable[[bool], str]):
        self.neuron, self.name, self.text = neuron, name, text
        self._compiled: Callable | None = None

    def __call__(self, *args) -> None:
        """Call it; arrays are written in place."""
        if self._compiled is None:
            self._first(*args)
        else:
            self._compiled(*args)

    def _first(self, *args) -> None:
        folder = kernel_folder()
        if folder is None:
            self._in_memory(args)
            return
        text = self.text(True)
        path = folder / f"{self.neuron}_{hashlib.sha256(text.encode()).hexdigest()[:24]}.py"
        with held(folder / "lock"):
            try:
                self._load(path, text, args)
            except Exception:
                try:  # whatever a damaged file led to
                    _forget(path)
                    self._load(path, text, args)
                except (OSError, UserError) as error:
                    warnings.warn(f"the kernel of {self.neuron} is not kept: {error}", stacklevel=2)
                    self._in_memory(args)

    def _in_memory(self, args: tuple) -> None:
        self._compiled = getattr(_in_memory(self.text(False), self.neuron), self.name)
        self._compiled(*args)

    def _load(self, path: Path, text: str, args: tuple) -> None:
        if not path.exists() or path.read_text() != text:
            _forget(path)
            write_text(path, text)
        if not any((path.parent / "__pycache__").glob(f"{path.stem}.{self.name}-*.nbi")):
            print(f"snnctl: compiling {self.name} kernel of {self.neuron}, once on this machine", file=sys.stderr)
        spec = importlib.util.spec_from_file_location(f"snnctl_kernel_{path.stem}", path)
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # Numba's cache looks for it there
        spec.loader.exec_module(module)
        function = getattr(module, self.name)
        function(*args)
        self._compiled = function


@cache
def kernel_folder() -> Path | None:
    """Where kernels are kept: `kernels` in $SNNCTL_CACHE, else in ~/.cache/snnctl; None where it cannot be written."""
    folder = Path(os.environ.get("SNNCTL_CACHE") or Path.home() / ".cache" / "snnctl").expanduser() / "kernels"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        own = not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
        if own and os.access(folder, os.W_OK):
            return folder
    warnings.warn(
        f"{folder} cannot be written, or belongs to another user: kernels are compiled anew in every process. "
        "Choose a folder of yours with SNNCTL_CACHE=FOLDER",
        stacklevel=2,
    )
    return None


def _in_memory(text: str, neuron: str) -> object:
    names: dict = {"__name__": f"snnctl_kernel_{neuron}"}
    exec(compile(text, f"<kernel of {neuron}>", "exec"), names)
    return type("Module", (), {k: staticmethod(v) for k, v in names.items() if callable(v)})


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)
    for own in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        own.unlink(missing_ok=True)
