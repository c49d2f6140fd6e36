"""Imports of the frameworks that must not be imported as they are."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from types import ModuleType
from typing import Any

_check_call = subprocess.check_call


def guard() -> None:
    """Keep the package samna, which Rockpool and Sinabs look for, from running pip when it is imported."""
    sys.modules["samna"] = None
    subprocess.check_call = _no_pip


def _no_pip(command: Any, *args: Any, **options: Any) -> int:
    words = command.split() if isinstance(command, str) else [str(word) for word in command]
    if "pip" in words:
        raise RuntimeError(f"a framework tried to run {words}")
    return _check_call(command, *args, **options)


def bindsnet(module: str) -> ModuleType:
    """A module of BindsNET, such as "network.nodes", without the `__init__` files, which import torchvision.

    Its own modules import each other by name, so empty packages stand in for them.
    """
    if "bindsnet" not in sys.modules:
        found = importlib.util.find_spec("bindsnet")  # does not import it
        _empty_package("bindsnet", list(found.submodule_search_locations))
    parts = module.split(".")
    for k in range(1, len(parts)):
        name = ".".join(["bindsnet", *parts[:k]])
        if name not in sys.modules:
            _empty_package(name, [f"{sys.modules['bindsnet'].__path__[0]}/{'/'.join(parts[:k])}"])
    return importlib.import_module(f"bindsnet.{module}")


def _empty_package(name: str, path: list[str]) -> None:
    package = ModuleType(name)
    package.__path__ = path
    sys.modules[name] = package


def without(absent: str, module: str, *names: str) -> ModuleType:
    """A module whose file imports what is not installed and the call in question has no use for.

    Args:
        absent: what an empty module stands in for, where it cannot be imported.
        module: to import.
        names: that `module` takes from `absent`.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        stand_in = ModuleType(absent)
        for name in names:
            setattr(stand_in, name, object)
        sys.modules[absent] = stand_in
    try:
        return importlib.import_module(module)
    finally:
        del sys.modules[absent]
