"""Surrogates as their YAML builds them."""

from __future__ import annotations

from dataclasses import replace

from snnctl.config.folders import configs
from snnctl.surrogates import Surrogate

GROUP = configs() / "surrogate"
NAMES = sorted(path.relative_to(GROUP).as_posix().removesuffix(".yaml") for path in GROUP.rglob("*.yaml"))


def preset(name: str, **changes) -> Surrogate:
    """What `surrogate@neuron.surrogate=NAME` builds, with some of its numbers changed."""
    from hydra.utils import instantiate  # the environment of the frameworks has neither
    from omegaconf import OmegaConf

    return replace(instantiate(OmegaConf.load(GROUP / f"{name}.yaml")), **changes)
