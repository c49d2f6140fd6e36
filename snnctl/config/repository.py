"""Hydra's repository of YAML files, which notes what is wrong with a defaults list instead of stopping at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra._internal.config_repository import CachingConfigRepository
from hydra.core.default_element import ConfigDefault, GroupDefault

from snnctl.config.faults import Faults, guess
from snnctl.config.folders import configs, groups, options
from snnctl.errors import nearest


class Repository(CachingConfigRepository):
    """Drops entries of defaults lists that cannot be followed and records each as a fault.

    Args:
        delegate: Hydra's repository.
        hydra: whether Hydra's own groups are on the search path; without them `override hydra/launcher: x` is skipped.
        folders: the search path.
    """

    def __init__(self, delegate: Any, hydra: bool, folders: list[str]):
        super().__init__(delegate)
        self.hydra = hydra
        self.folders = [Path(f) for f in folders]
        self.faults = Faults()
        self.skipped: list[tuple[str, Any]] = []  # choices of Hydra's own groups

    def load_config(self, config_path: str) -> Any:
        fresh = f"config_path={config_path}" not in self.cache
        found = super().load_config(config_path)
        if fresh and found is not None and found.defaults_list is not None and not config_path.startswith("hydra/"):
            found.defaults_list = [d for d in found.defaults_list if self._keep(config_path, d)]
            self._check_order(config_path, found)
        return found

    def file(self, config_path: str) -> Path | None:
        """The YAML file of a config, or None for one of Hydra's own."""
        for folder in self.folders:
            path = folder / f"{config_path}.yaml"
            if path.is_file():
                return path
        return None

    def choices(self, group: str) -> list[str]:
        """The options of a group, on the whole search path."""
        if group.startswith("hydra/") and self.hydra:
            return self.get_group_options(group)
        return options(group, tuple(self.folders))

    def group_names(self) -> list[str]:
        """The groups of configs/."""
        return groups()

    def exists(self, group: str, option: str) -> bool:
        return self.config_exists(f"{group}/{option}")

    def _keep(self, config_path: str, default: Any) -> bool:
        bases = _above(config_path)
        if isinstance(default, GroupDefault):
            return self._keep_group(config_path, bases, default)
        if isinstance(default, ConfigDefault) and default.path not in (None, "_self_"):
            paths = _absolute(default.path, bases)
            if not any(self.config_exists(path) for path in paths):
                group = paths[0].rpartition("/")[0]
                names = self.choices(group) if group else [p.stem for f in self.folders for p in f.glob("*.yaml")]
                close = nearest(paths[0].rpartition("/")[2], names)
                self._fault("unknown config", default.path, config_path, guess(close))
                return False
        return True

    def _keep_group(self, config_path: str, bases: list[str], default: Any) -> bool:
        groups = _absolute(default.group, bases)
        if groups[0].startswith("hydra/") and not self.hydra:
            self.skipped.append((groups[0], default.value))
            return False
        if default.optional:
            return True
        found = [group for group in groups if self.group_exists(group)]
        if not found:
            self._fault("unknown group", groups[-1], config_path, guess(nearest(groups[-1], self.group_names())))
            return False
        values = default.value if isinstance(default.value, list) else [default.value]
        for value in values:
            told = isinstance(value, str) and value != "???" and "${" not in value
            if told and not any(self.exists(group, value) for group in found):
                group = found[0]
                self._fault(
                    "unknown option", f"{group}: {value}", config_path, self.nearest_option(group, value), see(group)
                )
                return False
        return True

    def nearest_option(self, group: str, value: str) -> tuple[str, str]:
        """The `did you mean` line for an option, or a list of them."""
        names = self.choices(group)
        close = nearest(value, names)
        return guess(close) if close else ("choose from", ", ".join(names[:12]) + (", ..." if len(names) > 12 else ""))

    def _check_order(self, config_path: str, found: Any) -> None:
        """In a recipe `_self_` comes last; earlier, its own keys would be overwritten without a word."""
        if "/" in config_path or found.path.removeprefix("file://") == str(configs()):
            return
        paths = [getattr(d, "path", None) for d in found.defaults_list if not getattr(d, "override", False)]
        if "_self_" in paths and paths[-1] != "_self_" and len(found.config):
            self._fault("wrong order", "_self_", config_path, ("instead", "put _self_ last: what comes later wins"))

    def _fault(self, kind: str, subject: str, config_path: str, *lines: tuple[str, str]) -> None:
        self.faults.add(kind, subject, *lines, ("in", str(self.file(config_path) or config_path)))


def _above(config_path: str) -> list[str]:
    """Where relative names of a file may start: its folder and those above (`neuron=lif/norse` starts at neuron)."""
    parts = config_path.split("/")[:-1]
    return ["/".join(parts[:i]) for i in range(len(parts), 0, -1)] or [""]


def _absolute(name: str, bases: list[str]) -> list[str]:
    return [name.lstrip("/")] if name.startswith("/") else [f"{base}/{name}".lstrip("/") for base in bases]


def see(group: str) -> tuple[str, str]:
    """Where the options of a group are listed."""
    return "see", f"snnctl ls {group.partition('/')[0]}" if not group.startswith("hydra/") else ""
