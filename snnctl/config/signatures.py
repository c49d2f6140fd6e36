"""What a class takes: the parameters that a `_target_` node may set, with their types."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Parameters:
    """Of a class or function.

    Args:
        types: name -> annotation; Any where there is none.
        defaults: name -> default, of those that have one.
        open: whether it takes any further keyword (`**settings`).
        known: False for a class written in C, which says nothing.
    """

    types: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    open: bool = False
    known: bool = True

    @property
    def required(self) -> list[str]:
        return [name for name in self.types if name not in self.defaults]


@lru_cache(maxsize=None)
def parameters(target: Callable[..., Any]) -> Parameters:
    """Read the signature of a class or function; annotations are evaluated where its module lets them."""
    try:
        signature = inspect.signature(target)
    except (ValueError, TypeError):
        return Parameters(open=True, known=False)
    hints = _hints(target)
    types, defaults, is_open = {}, {}, False
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            is_open = True
        elif parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            types[name] = hints.get(name, Any)
            if parameter.default is not parameter.empty:
                defaults[name] = parameter.default
    return Parameters(types, defaults, is_open)


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    function = inspect.unwrap(target.__init__ if isinstance(target, type) else target)
    raw = getattr(function, "__annotations__", {})
    space = vars(sys.modules[function.__module__]) if getattr(function, "__module__", None) in sys.modules else {}
    if isinstance(target, type) and not raw and hasattr(target, "__dataclass_fields__"):
        raw = {name: f.type for name, f in target.__dataclass_fields__.items()}
        space = vars(sys.modules[target.__module__])
    hints = {}
    for name, annotation in raw.items():
        if isinstance(annotation, str):
            try:
                annotation = eval(annotation, dict(space))
            except Exception:  # a name imported for type checkers only
                annotation = Any
        hints[name] = annotation
    return hints


