"""A recipe that puts another `_target_` in a node's place inherits the old one's keys: Hydra merges, never replaces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from omegaconf import OmegaConf

from snnctl.config.composed import LINK, Composed, at, raw
from snnctl.config.keys import SPECIAL, target_parameters


def drop_leftovers(composed: Composed, given: Iterable[str]) -> list[str]:
    """Delete keys that came with a target which was replaced, and that the new one does not take.

    Keys that the recipe or the command line itself sets stay, to be reported if they are wrong.

    Args:
        composed: its `cfg` is changed.
        given: keys on the command line.

    Returns:
        The deletions as Hydra is to read them.
    """
    own = [body for _, body in composed.bodies]
    dropped = []
    for path, node in _replaced(raw(composed.cfg), composed.base, "", composed.base):
        known = target_parameters(node)
        if known is None or not known.known or known.open:
            continue
        for key in node:
            here = f"{path}.{key}"
            mine = any(at(body, here)[0] for body in own) or _typed(here, given)
            if key not in known.types and key not in SPECIAL and not mine:
                dropped.append(here)
    return delete(composed, dropped)


def second_rules(composed: Composed, swapped: Iterable[str], given: Iterable[str]) -> list[str]:
    """The recipe's `dataset.steps` or `dataset.dt`, where another set was chosen that goes by the other of the two.

    Args:
        composed: read only.
        swapped: nodes for which the command line chose an option.
        given: keys on the command line; they stay.
    """
    _, its = at(composed.base, "dataset")
    found = []
    for mine, other in (("steps", "dt"), ("dt", "steps")) if "dataset" in swapped and isinstance(its, dict) else ():
        own = [at(body, "dataset")[1] for _, body in composed.bodies]
        sets = any(isinstance(body, dict) and body.get(mine) is not None for body in own)
        both = any(isinstance(body, dict) and other in body for body in own) or f"dataset.{other}" in given
        if sets and not both and its.get(other) is not None and f"dataset.{mine}" not in given:
            found.append(f"dataset.{mine}")
    return found


def stranded(composed: Composed, swapped: Iterable[str], given: Iterable[str]) -> list[str]:
    """Where options that the recipe chose lie below a node for which another option was chosen that takes no such key.

    Args:
        composed: read only.
        swapped: nodes for which the command line chose an option.
        given: keys on the command line, and nodes of all options there; they stay, to be reported.
    """
    found = []
    packages = [(d.package or "").removeprefix("_global_").strip(".") for d in composed.found.defaults]
    for node in swapped:
        known = target_parameters(at(composed.base, node)[1])
        if known is None or not known.known or known.open:
            continue
        keys = {p.removeprefix(f"{node}.").partition(".")[0] for p in packages if p.startswith(f"{node}.")}
        found += [f"{node}.{key}" for key in sorted(keys - set(known.types)) if not _typed(f"{node}.{key}", given)]
    return found


def _typed(path: str, given: Iterable[str]) -> bool:
    return any(g == path or g.startswith(f"{path}.") for g in given)


def delete(composed: Composed, paths: Iterable[str]) -> list[str]:
    """Delete keys from `composed.cfg`, where they are there; returns the deletions as Hydra is to read them."""
    OmegaConf.set_struct(composed.cfg, False)
    lines = []
    for here in paths:
        above, _, key = here.rpartition(".")
        node = OmegaConf.select(composed.cfg, above)
        if node is None or key not in node:
            continue
        if raw(node)[key] in (None, "???"):
            lines.append(f"{here}=0")  # Hydra takes a null for a key that is not there, and does not delete it
        lines.append(f"~{here}")
        del node[key]
    OmegaConf.set_struct(composed.cfg, True)
    return lines


def _replaced(tree: Any, base: Any, path: str, root: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Nodes whose `_target_` is not the one that configs/ have in that place."""
    if isinstance(base, str) and (link := LINK.fullmatch(base)):
        base = at(root, link[1])[1]
    if not isinstance(tree, dict) or not isinstance(base, dict):
        return []
    found = []
    if path and "_target_" in base and tree.get("_target_") != base["_target_"]:
        found.append((path, tree))
    for key, value in tree.items():
        found += _replaced(value, base.get(key), f"{path}.{key}" if path else str(key), root)
    return found
