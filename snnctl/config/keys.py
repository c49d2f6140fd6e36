"""Keys that nobody reads: on the command line and in recipe files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override, OverrideType, ValueType
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from snnctl.config.allowed import find, refusal
from snnctl.config.composed import Composed, at, links_in, raw
from snnctl.config.faults import Faults, guess
from snnctl.config.signatures import Parameters, parameters
from snnctl.errors import UserError, nearest

COMMANDS = {"ckpt_path": "snnctl train --resume RUN, snnctl eval RUN/checkpoints/best.ckpt"}  # no keys here
SPECIAL = ("_target_", "_args_", "_partial_", "_recursive_", "_convert_")


def check_bodies(composed: Composed, faults: Faults, deep: bool, swapped: Sequence[str] = ()) -> list[str]:
    """Report keys of recipe files that neither configs/ nor a signature nor a link knows.

    Args:
        composed: the recipe.
        faults: gets what is wrong.
        deep: look at classes too, which imports them.
        swapped: nodes for which the command line chose another option than the recipe: keys below them that the new
            option does not know were meant for the recipe's own choice, and go with it.

    Returns:
        Those keys.
    """
    orphans: list[str] = []
    for file, body in composed.bodies:
        body = {key: value for key, value in body.items() if key != "hydra"}
        found = Faults()
        _check_body(composed, found, deep, file, body, composed.base, "")
        for fault in found:
            if any(fault.subject.startswith(f"{node}.") for node in swapped):
                orphans.append(fault.subject)
            else:
                faults.add(fault.kind, fault.subject, *fault.lines)
    return orphans


def _check_body(
    composed: Composed, faults: Faults, deep: bool, file: Path, body: dict[str, Any], base: Any, path: str
) -> None:
    known = base if isinstance(base, dict) else {}
    redefined = "_target_" in body and body["_target_"] != known.get("_target_")
    for key, value in body.items():
        here = f"{path}.{key}" if path else str(key)
        if key in SPECIAL:
            continue
        if key in known:
            if isinstance(value, dict) and isinstance(known[key], dict) and known[key]:
                _check_body(composed, faults, deep, file, value, known[key], here)
        elif not redefined and not _may_be_new(composed, here, value, known, deep):
            takes = target_parameters(known) if deep else None
            close = composed.near(here, takes.types if takes else (), composed.base)
            lines = guess(close, {c: composed.describe(c) for c in close}) if close else composed.see(path)
            faults.add("unknown key", here, lines, ("in", str(file)))


def _may_be_new(composed: Composed, path: str, value: Any, known: dict[str, Any], deep: bool) -> bool:
    if path in composed.links:
        return True
    if "_target_" in known:
        return not deep or takes(known, path.rpartition(".")[2])
    if "." in path:
        return not known or (isinstance(value, dict) and "_target_" in value) or _is_link(value)
    return False


def _is_link(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("${")


def target_parameters(node: Any) -> Parameters | None:
    """What the `_target_` of a plain node takes; None where it cannot be told."""
    target = node.get("_target_") if isinstance(node, dict) else None
    if target is None or refusal(target):
        return None
    try:
        return parameters(find(target))
    except UserError:
        return None


def takes(node: dict[str, Any], key: str) -> bool:
    """Whether a `_target_` node can be given `key`. Settings of a network must be read by one of its layers."""
    known = target_parameters(node)
    if known is None or not known.known:
        return True
    return key in known.types or (known.open and "layers" not in node)


class Overrides:
    """Applies overrides of keys one after the other and notes which cannot be.

    Args:
        composed: its `cfg` is changed.
        faults: gets what is wrong.
    """

    def __init__(self, composed: Composed, faults: Faults):
        self.composed = composed
        self.faults = faults
        self.given: dict[str, Override] = {}
        self.known = set(composed.before)  # top-level keys
        OmegaConf.set_struct(composed.cfg, True)

    def apply(self, override: Override) -> str:
        """Apply one override; returns it as Hydra is to read it: a new key that a signature knows gets `++`."""
        line = override.input_line or ""
        key = override.key_or_group
        known, _ = at(raw(self.composed.cfg), key)
        if override.package is not None or "/" in key:
            self._unknown_group(override)
            return line
        if override.type is OverrideType.CHANGE and not known:
            if not self._is_parameter(key):
                self._unknown(key)
                return line
            override = replace(override, type=OverrideType.FORCE_ADD)
            line = f"++{line}"
        elif override.type is OverrideType.ADD and known:
            _, value = at(raw(self.composed.cfg), key)
            if value is not None and not isinstance(override.value(), (dict, list)):
                self.faults.add("already there", f"+{key}", ("instead", line.removeprefix("+")))
                return line
        elif override.type is OverrideType.DEL and not known:
            self._unknown(key)
            return line
        try:
            self.composed.source.apply([first_value(override)], self.composed.cfg)
            self.given[key] = override
        except (HydraException, OmegaConfBaseException) as error:
            cause = error.__cause__ or error.__context__ or error
            self.faults.add("cannot set", override.input_line or key, ("because", str(cause).splitlines()[0]))
        return line

    def finish(self) -> None:
        """When all are applied: report those that `+` put beside everything else, where no link refers to them."""
        links = links_in(raw(self.composed.cfg))
        for key, override in self.given.items():
            top = key.partition(".")[0]
            new = override.type in (OverrideType.ADD, OverrideType.FORCE_ADD)
            if new and top not in {*self.known, *links, "hydra"}:
                self._forget(top)
                self._unknown(key)

    def _forget(self, key: str) -> None:
        OmegaConf.set_struct(self.composed.cfg, False)
        self.composed.cfg.pop(key, None)
        OmegaConf.set_struct(self.composed.cfg, True)

    def _is_parameter(self, key: str) -> bool:
        """Whether a new key is one that the nearest `_target_` above it takes, or lies in an open mapping."""
        parts = key.split(".")
        tree = raw(self.composed.cfg)
        depth = next(i for i in range(len(parts), -1, -1) if at(tree, ".".join(parts[:i]))[0])
        node = at(tree, ".".join(parts[:depth]))[1]
        if parts[0] == "hydra":
            return node == {} or key.startswith(("hydra.sweeper.params.", "hydra.job.env_set."))
        if isinstance(node, dict) and "_target_" in node:
            return takes(node, parts[depth])
        return depth > 0 and node == {}

    def _unknown(self, key: str) -> None:
        if key in COMMANDS:
            self.faults.add("unknown key", key, ("instead", COMMANDS[key]))
            return
        parts = key.split(".")
        tree = raw(self.composed.cfg)
        depth = next(i for i in range(len(parts), -1, -1) if at(tree, ".".join(parts[:i]))[0])
        above = ".".join(parts[:depth])
        node = at(tree, above)[1]
        if _is_link(node):
            aim = node.strip("${}") + "." + ".".join(parts[depth:])
            self.faults.add("unknown key", key, ("because", f"{above} follows {node}"), ("instead", f"set {aim}"))
            return
        more = target_parameters(node)
        close = self.composed.near(key, list(more.types) if more else [])
        groups = self.composed.source.repository.group_names() if depth == 0 and len(parts) == 1 else []
        if groups and not any(c.rpartition(".")[2] == key for c in close):
            close = (nearest(key, [g for g in groups if "/" not in g and "." not in g], 1) + close)[:3]
        see = self.composed.see(above)
        if not close and isinstance(node, dict):
            names = [k for k in node if k not in SPECIAL]
            self.faults.add("unknown key", key, ("choose from", ", ".join(names[:12])), see)
        elif not close:
            self.faults.add("unknown key", key, ("because", f"{above} is a value: {node}"), see)
        else:
            described = {c: self.composed.describe(c) for c in close}
            self.faults.add(
                "unknown key", key, guess(list(dict.fromkeys(close)), described), self.composed.see(close[0])
            )

    def _unknown_group(self, override: Override) -> None:
        repository = self.composed.source.repository
        close = nearest(override.key_or_group, repository.group_names())
        self.faults.add("unknown group", override.key_or_group, guess(close), ("see", "snnctl ls"))


def first_value(override: Override) -> Override:
    """The override with a sweep's first value in place of the sweep."""
    values = sweep_values(override)
    if values is None:
        return override
    return replace(override, value_type=ValueType.ELEMENT, _value=values[0] if values else None)


def sweep_values(override: Override) -> list[Any] | None:
    """The values of a sweep (of an interval its ends); None where it is none."""
    if not override.is_sweep_override():
        return None
    if override.value_type is ValueType.INTERVAL_SWEEP:
        interval = override.value()
        return [interval.start, interval.end]
    return list(override.sweep_iterator())
