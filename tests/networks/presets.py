"""Networks as a user of the command line gets them: presets and what is changed in them."""

from __future__ import annotations

from pathlib import Path

import torch

from snnctl.datasets.facts import Facts
from snnctl.networks import Network

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def preset(facts: Facts, *overrides: str, meta: bool = False) -> Network:
    """What `network=NAME neuron=NAME ...` builds for a data set; on the meta device, without memory, if wanted."""
    from hydra import compose, initialize_config_dir

    from snnctl.config.building import build

    with initialize_config_dir(str(CONFIGS), version_base=None):
        cfg = compose("train", list(overrides))
    with torch.device("meta" if meta else "cpu"):
        return build(cfg.network)(facts=facts)


def data(shape: tuple[int, ...], classes: int, steps: int | None = 4, dt: float = 1e-3) -> Facts:
    """Facts of a data set that there is not."""
    return Facts(shape, tuple(map(str, range(classes))), dt, steps)
