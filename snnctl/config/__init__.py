"""From YAML to objects: finding recipes, composing and checking them, building what they name.

    cfg = compose("digits_conv", ["seed=2"])     the checked configuration
    data = build(cfg.dataset)                    the object that a node describes
    launch("digits_conv", sys.argv[2:], task)    a run or a sweep, driven by Hydra

The names below load their module at first use, so that `snnctl ls` needs no Hydra.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "compose": "composing",
    "launch": "launching",
    "build": "building",
    "override": "check",
    "allow": "allowed",
    "trust_folder": "allowed",
}

__all__ = ["allow", "build", "compose", "launch", "override", "trust_folder"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
