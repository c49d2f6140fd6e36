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
        self.checked: set[str] = set()
        self.skipped: list[tuple[str, Any]] = []  # choices of Hydra's own groups

    def load_config(self, config_path: str) -> Any:
        found = super().load_config(config_path)
        if found is not None and found.defaults_list is not None and config_path not in self.checked and not config_path.startswith("hydra/"):
            self.checked.add(config_path)
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
        base = config_path.rpartition("/")[0]
        if isinstance(default, GroupDefault):
            return self._keep_group(config_path, base, default)
        if isinstance(default, ConfigDefault) and default.path not in (None, "_self_"):
            path = self._absolute(default.path, base)
            if not self.config_exists(path):
                group = path.rpartition("/")[0]
                names = self.choices(group) if group else [p.stem for f in self.folders for p in f.glob("*.yaml")]
                self._fault("unknown config", default.path, config_path, guess(nearest(path.rpartition("/")[2], names)))
                return False
        return True

    def _keep_group(self, config_path: str, base: str, default: Any) -> bool:
        group = self._absolute(default.group, base)
        if group.startswith("hydra/") and not self.hydra:
            self.skipped.append((group, default.value))
            return False
        if default.optional:
            return True
        if not self.group_exists(group):
            self._fault("unknown group", group, config_path, guess(nearest(group, self.group_names())))
            return False
        values = default.value if isinstance(default.value, list) else [default.value]
        for value in values:
            if isinstance(value, str) and value != "???" and "${" not in value and not self.exists(group, value):
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

    @staticmethod
    def _absolute(name: str, base: str) -> str:
        return name.lstrip("/") if name.startswith("/") or not base else f"{base}/{name}"


def see(group: str) -> tuple[str, str]:
    """Where the options of a group are listed."""
    return "see", f"snnctl ls {group.partition('/')[0]}" if not group.startswith("hydra/") else ""
