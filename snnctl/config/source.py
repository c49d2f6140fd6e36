"""The search path and Hydra's composer on it, without Hydra's own configuration: what `show` and the checks use."""

from __future__ import annotations

from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.core_plugins.structured_config_source import StructuredConfigSource
from hydra._internal.defaults_list import create_defaults_list
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.default_element import ResultDefault
from hydra.core.override_parser.types import Override
from hydra.core.utils import setup_globals
from omegaconf import DictConfig

from snnctl.config.folders import Recipe, configs, recipes
from snnctl.config.repository import Repository
from snnctl.config.yaml_source import YamlSource


def search_path(recipe: Recipe) -> list[str]:
    """Folders in the order in which a name is looked for: beside the recipe, recipes/, configs/."""
    return list(dict.fromkeys(str(folder) for folder in (recipe.folder, recipes(), configs())))


class Source:
    """The YAML files that a recipe can reach.

    Args:
        recipe: its folder comes first.
        hydra: with Hydra's own configuration (launchers, sweepers, logging): slower, needed for `hydra.` keys.
    """

    def __init__(self, recipe: Recipe, hydra: bool = False):
        version.setbase("1.3")
        setup_globals()
        self.recipe = recipe
        self.hydra = hydra
        path = ConfigSearchPathImpl()
        if hydra:
            from hydra.core.plugins import Plugins

            Plugins.instance()  # registers launchers, sweepers and file sources
            path.append("hydra", "pkg://hydra.conf")
        else:
            for source in (FileConfigSource, StructuredConfigSource):
                SourcesRegistry.instance().register(source)
        for folder in search_path(recipe):
            path.append("main", f"file://{folder}")
        path.append("schema", "structured://")
        self.loader = ConfigLoaderImpl(path)
        plain = self.loader.repository
        plain.sources = [YamlSource(s.provider, s.path) if type(s) is FileConfigSource else s for s in plain.sources]
        self.repository = Repository(self.loader.repository, hydra, search_path(recipe))

    def defaults(self, overrides: list[Override], name: str | None = None) -> Any:
        """The files that make up the config, in merging order (`.defaults`), and the overrides left for keys."""
        return create_defaults_list(
            repo=self.repository,
            config_name=name or self.recipe.name,
            overrides_list=overrides,
            prepend_hydra=self.hydra,
            skip_missing=False,
        )

    def merge(self, files: list[ResultDefault]) -> DictConfig:
        """The files merged, as Hydra does it."""
        try:
            return self.loader._compose_config_from_defaults_list(files, self.repository)
        finally:
            self.repository.cache.clear()  # Hydra merged into the nodes of the first file

    def apply(self, overrides: list[Override], cfg: DictConfig) -> None:
        """Set keys as given on the command line."""
        ConfigLoaderImpl._apply_overrides_to_config(overrides, cfg)
