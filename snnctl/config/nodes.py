"""Check a composed tree against the classes that it names: targets, arguments, kinds of values, links, gaps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from snnctl.config.allowed import find, refusal
from snnctl.config.composed import LINK, Composed, at, raw, yaml_text
from snnctl.config.faults import Faults, guess
from snnctl.config.keys import SPECIAL
from snnctl.config.signatures import Parameters, parameters
from snnctl.config.values import choices, fits, fits_like, wants, wants_like, without_unit
from snnctl.errors import UserError, nearest


class Nodes:
    """Walks the tree once.

    Args:
        composed: the tree with overrides applied.
        faults: gets what is wrong.
        deep: look at classes too, which imports them.
        given: keys on the command line; a mistake in their values is in no file.
    """

    def __init__(self, composed: Composed, faults: Faults, deep: bool, given: Iterable[str] = ()):
        self.composed, self.faults, self.deep, self.given = composed, faults, deep, set(given)
        self.links: list[tuple[str, Any, Any, Parameters | None, list[str]]] = []  # looked at last

    def walk(self) -> None:
        cfg = self.composed.cfg
        for path, target in _targets(cfg, ""):
            problem = refusal(target)
            if problem:
                self.faults.add(
                    "not allowed", f"{path}._target_: {target}", ("because", problem.hint), self._origin(path)
                )
        self._mapping(cfg, "", False)
        for group in ("callbacks", "logger"):
            self._each_is_a_class(cfg.get(group), group)
        for path, key, value, known, names in self.links:
            if not any(fault.subject.startswith(f"{name}=") for fault in self.faults for name in names):
                self._kind(path, key, value, known)

    def check_value(self, path: str, value: Any) -> None:
        """Whether one more value, of a sweep, is of the right kind."""
        above, _, key = path.rpartition(".")
        node = at(raw(self.composed.cfg), above)[1]
        known = self._parameters(node, above) if isinstance(node, dict) and "_target_" in node else None
        self._kind(path, key, value, known)

    def _each_is_a_class(self, group: Any, path: str) -> None:
        """Entries that name no class; a whole option put where one entry belongs is told how it is chosen."""
        for name in group if isinstance(group, DictConfig) else ():
            entry = group._get_node(name)
            if (
                not isinstance(entry, DictConfig)
                or entry._is_none()
                or entry._is_interpolation()
                or "_target_" in entry
            ):
                continue
            instead = f"{path}={name}" if any(OmegaConf.is_dict(part) for part in entry.values()) else ""
            self.faults.add("missing key", f"{path}.{name}._target_", ("instead", instead), self._origin(path))

    def _mapping(self, node: DictConfig, path: str, layer: bool) -> None:
        known = self._parameters(node, path) if "_target_" in node else None
        for key in node:
            here = f"{path}.{key}" if path else str(key)
            if key in SPECIAL or here == "hydra":
                continue
            if known and known.known and key not in known.types and not known.open:
                self._unknown_argument(here, key, node._get_node("_target_")._value(), known)
                continue
            self._value(node, key, here, known)
        if known and not layer and "." in path and not node.get("_partial_") and "_args_" not in node:
            for name in known.required:
                if name not in node:
                    self.faults.add("missing key", f"{path}.{name}", ("needed by", str(node["_target_"])))

    def _value(self, node: DictConfig | ListConfig, key: Any, path: str, known: Parameters | None) -> None:
        child = node._get_node(key)
        if child._is_missing():
            meaning = self.composed.meanings.get(path, "")
            self.faults.add(
                "missing value", path, ("give", f"{path}=..."), ("meaning", meaning), self.composed.see(path)
            )
        elif child._is_interpolation():
            value = self._follow(node, key, path, child._value())
            if value is not None and not OmegaConf.is_config(value):
                self.links.append((path, key, value, known, LINK.findall(child._value())))
        elif isinstance(child, DictConfig) and not child._is_none():
            self._mapping(child, path, _is_layers(path))
        elif isinstance(child, ListConfig) and not child._is_none():
            for i in range(len(child)):
                if isinstance(child._get_node(i), DictConfig):
                    self._mapping(child._get_node(i), f"{path}.{i}", _is_layers(path))
            self._kind(path, key, raw(child), known)
        else:
            self._kind(path, key, child._value(), known)

    def _follow(self, node: Any, key: Any, path: str, text: str) -> Any:
        if "${hydra:" in text or "${now:" in text:  # known only in a run
            return None
        try:
            return node[key]
        except OmegaConfBaseException as error:
            names = [name for name in LINK.findall(text) if not name.startswith(".")]
            lost = [name for name in names if not at(raw(self.composed.cfg), name)[0]]
            if names and not lost:  # what it leads to is broken, and said there
                return None
            close = [c for name in lost for c in self.composed.near(name)]
            reason = str(error).splitlines()[0]
            self.faults.add("broken link", f"{path}: {text}", ("because", reason), guess(close), self._origin(path))
            return None

    def _parameters(self, node: Any, path: str) -> Parameters | None:
        if not self.deep:
            return None
        target = OmegaConf.select(node, "_target_") if OmegaConf.is_config(node) else node["_target_"]
        if refusal(target):
            return None
        try:
            return parameters(find(target))
        except UserError as error:
            self.faults.add("wrong target", f"{path}._target_: {target}", ("because", error.problem),
                            ("", error.hint), self._origin(path))  # fmt: skip
            return None

    def _unknown_argument(self, path: str, key: str, target: str, known: Parameters) -> None:
        close = nearest(key, known.types)
        above = path.rpartition(".")[0]
        lines = guess([f"{above}.{c}" for c in close]) if close else ("it takes", ", ".join(known.types))
        self.faults.add("unknown key", path, lines, ("target", target), self._origin(path))

    def _kind(self, path: str, key: Any, value: Any, known: Parameters | None) -> None:
        annotation = known.types.get(key, Any) if known else Any
        has_base, example = at(self.composed.base, path)
        if isinstance(value, str) and "${" in value:
            return
        if annotation is not Any:
            if fits(value, annotation) or (value is None and known.defaults.get(key, 0) is None):
                return
            wanted = wants(annotation)
        else:
            linked = (isinstance(example, str) and "${" in example) or example == "???"
            missing = value is None and "." not in path and example is not None and not isinstance(example, dict)
            if not has_base or linked or (fits_like(value, example) and not missing):
                return
            wanted = wants_like(example)
        shown = yaml_text(value)
        unit = without_unit(value)
        options = dict.fromkeys(choices(annotation))
        origin = self._origin(path)
        right = self.composed.base if origin[1] else None  # the recipe's own value is the wrong one
        meaning = self.composed.describe(path, right) if path in self.composed.meanings else ""
        whole = f"{path}={int(value)}" if isinstance(value, float) and value.is_integer() and "whole" in wanted else ""
        self.faults.add(
            "wrong value",
            f"{path}={shown}",
            ("takes", f"{wanted}   ({meaning})" if meaning else wanted),
            ("in SI units", f"{path}={unit}" if unit else ""),
            ("did you mean", whole or ", ".join(f"{path}={c}" for c in nearest(str(value), options))),
            origin,
        )

    def _origin(self, path: str) -> tuple[str, str]:
        """The recipe file that says so, if one does."""
        for file, body in self.composed.bodies:
            if at(body, path)[0] and path not in self.given:
                return "in", str(file)
        return "in", ""


def _is_layers(path: str) -> bool:
    return path.rpartition(".")[0].rpartition(".")[2] == "layers" or path.rpartition(".")[2] == "layers"


def _targets(node: Any, path: str) -> list[tuple[str, Any]]:
    """Every (key, `_target_`), links followed, so that a name put together from pieces is seen as a whole."""
    found = []
    if isinstance(node, DictConfig):
        if node._is_none() or node._is_missing():
            return []
        for key in node:
            here = f"{path}.{key}" if path else str(key)
            child = node._get_node(key)
            if key == "_target_":
                try:
                    found.append((path, node[key]))
                except OmegaConfBaseException:
                    found.append((path, str(child._value())))
            elif here != "hydra":
                found += _targets(child, here)
    elif isinstance(node, ListConfig) and not (node._is_none() or node._is_missing()):
        for i in range(len(node)):
            found += _targets(node._get_node(i), f"{path}.{i}")
    return found
