"""A composed recipe with what is known about it: which file said what, what a key means, what is near a wrong one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from snnctl.config.comments import meanings, remarks
from snnctl.config.folders import ROOT, configs
from snnctl.config.source import Source
from snnctl.errors import nearest

LINK = re.compile(r"\$\{([^${}:]+)\}")


@dataclass
class Composed:
    """The files of a recipe, merged.

    Args:
        source: where they came from.
        found: Hydra's defaults list for it.
        cfg: all files merged; overrides of keys are applied to it later.
        own: the files of the defaults list that are recipes.
        bodies: what each recipe file adds: (file, plain dict).
    """

    source: Source
    found: Any
    cfg: DictConfig
    own: list[Any] = field(default_factory=list)
    bodies: list[tuple[Path, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._as_read = None

    @property
    def before(self) -> dict[str, Any]:
        """`cfg` as the files have it, plain; to be asked for before overrides are applied."""
        if self._as_read is None:
            self._as_read = raw(self.cfg)
        return self._as_read

    @classmethod
    def read(cls, source: Source, group_overrides: list[Override], name: str | None = None) -> Composed:
        """Merge the files that a recipe and its group choices name. Hydra's exceptions pass through."""
        found = source.defaults(group_overrides, name)
        own = [d for d in found.defaults if is_recipe(source, d)]
        bodies = []
        for default in own:
            result = source.repository.load_config(default.config_path)
            if result is not None and isinstance(result.config, DictConfig) and len(result.config):
                bodies.append((source.repository.file(default.config_path), raw(result.config)))
        configs_alone = [d for d in found.defaults if d not in own]
        if found.defaults[len(configs_alone) :] != own:  # a recipe whose `_self_` is not last
            return cls(source, found, source.merge(found.defaults), own, bodies)
        cfg = source.merge(configs_alone)
        composed = cls(source, found, cfg, own, bodies)
        composed.base = raw(cfg)  # as it is on the way: merging them once more is a quarter of `snnctl show`
        for default in own:
            cfg.merge_with(source.merge([default]))
        return composed

    @cached_property
    def base(self) -> dict[str, Any]:
        """What configs/ alone say, plain, with unresolved links."""
        return raw(self.source.merge([d for d in self.found.defaults if d not in self.own]))

    @property
    def starts_from_train(self) -> bool:
        return any(d.config_path == ROOT for d in self.found.defaults)

    @cached_property
    def meanings(self) -> dict[str, str]:
        """Dotted key -> its comment in configs/; later files win. What only a recipe has, means what that says."""
        return {**self.remarks, **self._comments(meanings, lambda default: default not in self.own)}

    @cached_property
    def remarks(self) -> dict[str, str]:
        """Dotted key -> what a recipe's comment says about its value."""
        return self._comments(remarks, lambda default: default in self.own)

    def _comments(self, read: Callable[[Path], dict[str, str]], wanted: Callable[[Any], bool]) -> dict[str, str]:
        known: dict[str, str] = {}
        for default in filter(wanted, self.found.defaults):
            path = self.source.repository.file(default.config_path or "")
            if path is None:
                continue
            package = (default.package or "").removeprefix("_global_").strip(".")
            for key, text in read(path).items():
                known[f"{package}.{key}" if package else key] = text
        return known

    @cached_property
    def links(self) -> set[str]:
        """Every key that some `${...}` refers to."""
        return links_in(raw(self.cfg))

    def option_of(self, path: str) -> str | None:
        """`network/conv` for a key below `network`: the option that brought it."""
        best = ("", None)
        for key, option in self.found.overrides.known_choices.items():
            group, _, package = key.partition("@")
            package = package or group.replace("/", ".")
            if (path == package or path.startswith(package + ".")) and len(package) >= len(best[0]):
                best = (package, f"{group}/{option}" if option else None)
        return best[1]

    def see(self, path: str) -> tuple[str, str]:
        """Where a key is explained."""
        if path.partition(".")[0] == "hydra":
            return "see", "https://hydra.cc/docs/configure_hydra/intro"
        option = self.option_of(path)
        return "see", f"snnctl show {option}" if option else "snnctl show train"

    def describe(self, path: str, tree: dict[str, Any] | None = None) -> str:
        """`128, neurons in the hidden layer`: the value is that of `tree`, or of all files if None."""
        tree = self.before if tree is None else tree
        known, value = at(tree, path)
        if isinstance(value, str) and "${" in value:
            try:
                value = raw(OmegaConf.select(OmegaConf.create(tree), path))
            except OmegaConfBaseException:
                pass
        shown = "" if not known or isinstance(value, dict) else yaml_text(value)
        return ", ".join(part for part in (shown, self.meanings.get(path, "")) if part)

    def near(self, path: str, more: Iterable[str] = (), tree: dict[str, Any] | None = None) -> list[str]:
        """The keys closest to a wrong one: its neighbours first, then keys of that name elsewhere.

        Args:
            more: names that the node would take besides those it has.
            tree: where to look; the configuration as it is now if None.
        """
        tree = raw(self.cfg) if tree is None else tree
        parts = path.split(".")
        depth = next(i for i in range(len(parts), -1, -1) if at(tree, ".".join(parts[:i]))[0])
        above, rest = parts[:depth], parts[depth:]
        leaves = [key for key in flat(tree) if not key.rpartition(".")[2].startswith("_")]
        same = [leaf for leaf in leaves if leaf.rpartition(".")[2] == parts[-1]][:3]
        if same and len(parts) == 1:
            return same
        node = at(tree, ".".join(above))[1]
        wrong = rest[0] if rest else parts[-1]
        names = [k for k in node if not k.startswith("_")] if isinstance(node, dict) else []
        close = nearest(wrong, [*names, *more])
        found = [".".join([*above, name, *rest[1:]]) for name in close]
        found = [f for f in found if at(tree, f)[0] or f.rpartition(".")[2] in more] or [
            ".".join([*above, n]) for n in close
        ]
        if found:
            return list(dict.fromkeys(found))
        last = sorted({leaf.rpartition(".")[2] for leaf in leaves})
        if same or above:
            return same
        ends = [w for w in last if w.endswith(f"_{parts[-1]}")][:1] or nearest(parts[-1], last, 1)
        return [leaf for leaf in leaves if leaf.rpartition(".")[2] in ends][:3]


def is_recipe(source: Source, default: Any) -> bool:
    """Whether a file of a defaults list is a recipe: not in a group, not configs/train.yaml."""
    path = default.config_path or ""
    file = source.repository.file(path)
    return "/" not in path and file is not None and file.parent != configs()


def raw(cfg: Any) -> Any:
    """Plain dicts and lists, links unresolved, `???` kept."""
    return OmegaConf.to_container(cfg, resolve=False) if OmegaConf.is_config(cfg) else cfg


def at(tree: Any, path: str) -> tuple[bool, Any]:
    """Whether a plain tree has a dotted key, and its value."""
    for part in path.split(".") if path else []:
        if isinstance(tree, dict) and part in tree:
            tree = tree[part]
        elif isinstance(tree, list) and part.isdigit() and int(part) < len(tree):
            tree = tree[int(part)]
        else:
            return False, None
    return True, tree


def flat(tree: Any, path: str = "") -> list[str]:
    """The dotted keys of all values."""
    if isinstance(tree, dict) and tree:
        return [leaf for key, value in tree.items() for leaf in flat(value, f"{path}.{key}" if path else str(key))]
    return [path] if path else []


def yaml_text(value: Any) -> str:
    """A value as one writes it on the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(yaml_text, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {yaml_text(v)}" for k, v in value.items()) + "}"
    return f"{value:g}" if isinstance(value, float) and 1e-4 <= abs(value) < 1e6 else str(value)


def links_in(tree: Any) -> set[str]:
    """Every key of a plain tree that some `${...}` in it refers to, and the keys above."""
    found: set[str] = set()
    _collect_links(tree, [], found)
    return found


def _collect_links(tree: Any, path: list[str], found: set[str]) -> None:
    if isinstance(tree, (dict, list)):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            _collect_links(value, [*path, str(key)], found)
    elif isinstance(tree, str) and "${" in tree:
        for name in LINK.findall(tree):
            dots = len(name) - len(name.lstrip("."))
            above = path[: len(path) - dots] if dots else []
            parts = [*above, *re.split(r"[.\[\]]+", name.lstrip("."))]
            parts = [part for part in parts if part]
            found.update(".".join(parts[:i]) for i in range(1, len(parts) + 1))
