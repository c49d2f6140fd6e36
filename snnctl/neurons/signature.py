"""The whole signature of a class that passes **keywords on to its bases."""

from __future__ import annotations

import inspect


def whole_signature(cls: type) -> inspect.Signature:
    """The keyword arguments of a class: its own, then those of the bases that its **keywords reach.

    This is what help(), Hydra's and snnctl's checks of a config and a network's filling-in of `shape` read, so an
    argument that all neurons share is written in one place. Positional-only arguments are left out.
    """
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        arguments = _arguments(vars(base)["__init__"])
        for argument in arguments:
            if argument.kind in (argument.KEYWORD_ONLY, argument.POSITIONAL_OR_KEYWORD):
                found.setdefault(argument.name, argument.replace(kind=argument.KEYWORD_ONLY))
        if not any(argument.kind is argument.VAR_KEYWORD for argument in arguments):
            break
    return inspect.Signature(list(found.values()))


def _arguments(init) -> list[inspect.Parameter]:
    try:
        signature = inspect.signature(init, eval_str=True)
    except NameError:  # an annotation that only a type checker imports
        signature = inspect.signature(init)
    return list(signature.parameters.values())[1:]  # without self
