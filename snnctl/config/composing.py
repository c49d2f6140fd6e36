"""One checked configuration from a recipe and overrides."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from snnctl.config.check import check
from snnctl.config.folders import locate


def compose(recipe: str | Path | None = None, overrides: list[str] | tuple[str, ...] = ()) -> DictConfig:
    """The configuration that a recipe and overrides make, without Hydra's own part.

    Args:
        recipe: a name, a path to a YAML file, or None for the default.
        overrides: `key=value`, `group=option`, `+key=value`, `~key`.

    Raises:
        UserError: one for all problems together.
    """
    return check(locate(recipe), list(overrides)).cfg
