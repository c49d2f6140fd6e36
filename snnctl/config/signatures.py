"""What a class takes: the parameters that a `_target_` node may set, with their types."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
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


@cache
def parameters(target: Callable[..., Any]) -> Parameters:
    """What a class or function takes; a class that hands `*args, **kwargs` on to its base takes what the base does."""
    own = _of(target)
    if not own.open or not isinstance(target, type):
        return own
    bases = [base for base in target.__mro__ if "__init__" in vars(base)]
    if len(bases) < 2 or bases[1] is object or bases[1].__module__.startswith("torch.") or not _hands_on(bases[0]):
        return own
    more = parameters(bases[1])
    if not more.known:
        return own
    return Parameters({**more.types, **own.types}, {**more.defaults, **own.defaults}, more.open)


def _hands_on(cls: type) -> bool:
    kinds = {p.kind for p in inspect.signature(cls.__init__).parameters.values()}
    return {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds


def _of(target: Callable[..., Any]) -> Parameters:
    """Read the signature of a class or function; annotations are evaluated where its module lets them."""
    try:
        signature = inspect.signature(target)
    except (ValueError, TypeError):
        return Parameters(open=True, known=False)
    spaces = _spaces(target)
    types, defaults, is_open = {}, {}, False
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            is_open = True
        elif parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            types[name] = _evaluated(parameter.annotation, spaces)
            if parameter.default is not parameter.empty:
                defaults[name] = parameter.default
    return Parameters(types, defaults, is_open)


def _spaces(target: Callable[..., Any]) -> list[dict[str, Any]]:
    """Where an annotation may be understood: the modules of the function, of the class and of its bases."""
    function = inspect.unwrap(target.__init__ if isinstance(target, type) else target)
    homes = [function, *(target.__mro__ if isinstance(target, type) else ())]
    names = dict.fromkeys(getattr(home, "__module__", None) for home in homes)
    return [vars(sys.modules[name]) for name in names if name in sys.modules]


def _evaluated(annotation: Any, spaces: list[dict[str, Any]]) -> Any:
    if annotation is inspect.Parameter.empty:
        return Any
    if not isinstance(annotation, str):
        return annotation
    for space in spaces:
        try:
            return eval(annotation, dict(space))
        except Exception:  # a name of another module, or one imported for type checkers only
            continue
    return Any
