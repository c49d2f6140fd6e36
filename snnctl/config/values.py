"""Whether a value is of the kind that a parameter takes, and how to say what it takes."""

from __future__ import annotations

import collections.abc
import enum
import os
import re
import types
import typing
from typing import Any

_NUMBER_WITH_UNIT = re.compile(r"^([-+]?[0-9.]+(?:e[-+]?[0-9]+)?) *(s|ms|us|µs|ns|Hz|kHz|mV|V)$", re.IGNORECASE)
_SCALE = {"s": "", "ms": "e-3", "us": "e-6", "µs": "e-6", "ns": "e-9", "hz": "", "khz": "e3", "mv": "e-3", "v": ""}
_SEQUENCES = (
    list,
    tuple,
    set,
    frozenset,
    *(getattr(collections.abc, n) for n in ("Sequence", "Iterable", "Collection")),
)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def fits(value: Any, annotation: Any) -> bool:
    """Whether `value`, a plain value of a config, may be given where `annotation` is asked for.

    A node with `_target_` fits everywhere: what it builds is not known. Unknown annotations take anything.
    """
    if annotation is Any or annotation is None or isinstance(annotation, (str, typing.TypeVar, typing.ForwardRef)):
        return annotation is not None or value is None
    if isinstance(value, dict) and "_target_" in value:
        return True
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, a) for a in args)
    if origin is typing.Literal:
        return any(value == a and type(value) is type(a) for a in args)
    if origin in (typing.Annotated, typing.Required, typing.NotRequired):
        return fits(value, args[0])
    kind = origin or annotation
    if kind is type(None):
        return value is None
    if kind in _SEQUENCES:
        return isinstance(value, (list, tuple)) and _elements_fit(value, kind, args)
    if kind in _MAPPINGS:
        return isinstance(value, dict) and (len(args) < 2 or all(fits(v, args[1]) for v in value.values()))
    return _fits_class(value, kind)


def _elements_fit(value: Any, kind: Any, args: tuple[Any, ...]) -> bool:
    if not args:
        return True
    if kind is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        return len(value) == len(args) and all(fits(v, a) for v, a in zip(value, args, strict=True))
    return all(fits(v, args[0]) for v in value)


def _fits_class(value: Any, kind: Any) -> bool:
    if kind is bool:
        return isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is str:
        return isinstance(value, (str, int, float)) and not isinstance(value, bool)
    if not isinstance(kind, type) or kind is object:
        return True
    if issubclass(kind, enum.Enum):
        return isinstance(value, str)
    if issubclass(kind, os.PathLike):
        return isinstance(value, str)
    if isinstance(value, (str, int, float, bool, type(None))):
        return isinstance(value, kind)
    return True


def fits_like(value: Any, example: Any) -> bool:
    """Whether `value` is of the same kind as `example`, a default; a list may take the place of one such value."""
    if example is None or value is None or isinstance(example, dict):
        return isinstance(value, dict) or not isinstance(example, dict) or value is None
    if isinstance(value, dict):
        return "_target_" in value
    if isinstance(example, list):
        return isinstance(value, list)
    if isinstance(value, list):
        return all(fits_like(v, example) for v in value)
    return _fits_class(value, type(example))


def wants(annotation: Any) -> str:
    """An annotation in words: `a whole number, or null`."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        words = [wants(a) for a in args if _sayable(a) and typing.get_origin(a) is not typing.Literal]
        named = [str(v) for a in args if typing.get_origin(a) is typing.Literal for v in typing.get_args(a)]
        words += ["one of " + ", ".join(dict.fromkeys(named))] if named else []
        return ", or ".join(dict.fromkeys(words))
    if origin is typing.Literal:
        return "one of " + ", ".join(map(str, args))
    if origin is typing.Annotated:
        return wants(args[0])
    kind = origin or annotation
    if kind in _SEQUENCES:
        inner = [a for a in args if a is not Ellipsis]
        return f"a list ({wants(inner[0])} each)" if inner and _sayable(inner[0]) else "a list"
    if kind in _MAPPINGS:
        return "keys with values"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}
    return words.get(kind, f"a {getattr(kind, '__name__', kind)}")


def _sayable(annotation: Any) -> bool:
    """Leaves tensors and the like out of a list of what may be written in YAML."""
    kind = typing.get_origin(annotation) or annotation
    plain = (bool, int, float, str, type(None), typing.Literal, typing.Union, types.UnionType, *_SEQUENCES, *_MAPPINGS)
    return kind in plain


def wants_like(example: Any) -> str:
    """What `fits_like` asks for, in words."""
    return "a list" if isinstance(example, list) else wants(type(example))


def choices(annotation: Any) -> list[str]:
    """The words that an annotation lists."""
    args = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return [str(a) for a in args]
    return [word for a in args for word in choices(a)]


def without_unit(value: Any) -> str | None:
    """`20ms` -> `20e-3`: the number in SI units that a value with a unit means."""
    match = _NUMBER_WITH_UNIT.match(value) if isinstance(value, str) else None
    if match is None:
        return None
    scale = _SCALE[match[2].lower()]
    return match[1] + scale if "e" not in match[1].lower() else str(float(match[1]) * float(f"1{scale}"))
