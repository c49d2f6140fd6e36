"""From a config node to the object that it describes."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from snnctl.config.allowed import find, refusal
from snnctl.errors import UserError

SPECIAL = ("_target_", "_args_", "_partial_", "_recursive_", "_convert_")


def build(node: Any, **kwargs: Any) -> Any:
    """Build what `node` describes, in Hydra's terms: `_target_`, `_args_`, `_partial_`, `_recursive_`.

    All `_target_` names of the node are checked against the allow list before anything is imported. Arguments are
    plain Python values (`_convert_: all`). A node directly under a key `layers` is a partial without saying so.

    Args:
        node: a config node (or plain dict or list); None gives None.
        kwargs: further arguments of the outermost target; they win over the node's.

    Raises:
        UserError: a target is not allowed or does not exist, an argument is missing, unknown or refused.
    """
    where = node._get_full_key("") if isinstance(node, (DictConfig, ListConfig)) else ""
    tree = partial_layers(plain(node))
    for path, target in targets(tree, where):
        problem = refusal(target)
        if problem:
            raise UserError(f"{path}: {problem.problem}" if path else problem.problem, problem.hint)
    return _build(tree, where, kwargs)


def plain(node: Any) -> Any:
    """Resolved dicts, lists and values, without a trace of OmegaConf.

    Raises:
        UserError: a value is missing or an interpolation leads nowhere.
    """
    if not isinstance(node, (DictConfig, ListConfig)):
        return node
    try:
        return OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key}: {str(error).splitlines()[0]}") from error


def partial_layers(tree: Any, member: bool = False) -> Any:
    """A copy in which every `_target_` node directly under a key `layers` is `_partial_`."""
    if isinstance(tree, list):
        return [partial_layers(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    copy = {}
    for key, value in tree.items():
        if key == "layers" and isinstance(value, dict) and "_target_" not in value:
            copy[key] = {name: partial_layers(layer, member=True) for name, layer in value.items()}
        elif key == "layers" and isinstance(value, list):
            copy[key] = [partial_layers(layer, member=True) for layer in value]
        else:
            copy[key] = partial_layers(value)
    return {"_partial_": True, **copy} if member and "_target_" in copy else copy


def targets(tree: Any, where: str = "") -> list[tuple[str, Any]]:
    """Every (key, `_target_`) in a plain tree."""
    found = []
    if isinstance(tree, dict):
        if "_target_" in tree:
            found.append((where, tree["_target_"]))
        for key, value in tree.items():
            found += targets(value, f"{where}.{key}" if where else str(key))
    elif isinstance(tree, list):
        for i, value in enumerate(tree):
            found += targets(value, f"{where}[{i}]")
    return found


def _build(tree: Any, where: str, kwargs: dict[str, Any]) -> Any:
    if isinstance(tree, list):
        return [_build(item, f"{where}[{i}]", {}) for i, item in enumerate(tree)]
    if not isinstance(tree, dict):
        return tree
    deep = tree.get("_recursive_", True)
    values = {}
    for key, value in tree.items():
        if key not in SPECIAL or key == "_args_":
            values[key] = _build(value, f"{where}.{key}" if where else str(key), {}) if deep else value
    if "_target_" not in tree:
        return values
    target = find(tree["_target_"])
    args = values.pop("_args_", [])
    values |= kwargs
    if tree.get("_partial_", False):
        return functools.partial(target, *args, **values)
    return _call(target, args, values, where, tree["_target_"])


def _call(target: Any, args: list[Any], values: dict[str, Any], where: str, name: str) -> Any:
    place = f"{where} ({name})" if where else name
    try:
        inspect.signature(target).bind(*args, **values)
    except TypeError as error:
        raise UserError(f"{place}: {error}") from error
    except ValueError:
        pass  # a class written in C has no signature
    try:
        return target(*args, **values)
    except (TypeError, ValueError, ModuleNotFoundError, *_lightnings()) as error:
        raise UserError(f"{place}: {error}") from error


def _lightnings() -> tuple[type[Exception], ...]:
    """What Lightning raises for arguments that it refuses, where it is loaded."""
    module = sys.modules.get("lightning.fabric.utilities.exceptions")
    return (module.MisconfigurationException,) if module else ()
