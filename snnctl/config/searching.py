"""Puts recipes/ and configs/ on Hydra's search path, behind the recipe's own folder."""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class SnnctlSearchPath(SearchPathPlugin):
    """Registered before `hydra.main`; `folders` come after the recipe's own folder."""

    folders: list[str] = []

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in self.folders:
            search_path.append("snnctl", f"file://{folder}")
