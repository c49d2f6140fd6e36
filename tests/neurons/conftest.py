"""Neurons as the command line builds them: composed by Hydra from configs/."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.fixture(scope="session")
def composed(tmp_path_factory) -> Callable[..., DictConfig]:
    """Overrides -> the `neuron` node, from a primary config that only names a neuron."""
    folder = tmp_path_factory.mktemp("primary")
    (folder / "tiny.yaml").write_text(
        f"defaults: [{{neuron: lif}}, _self_]\nhydra: {{searchpath: ['file://{CONFIGS}']}}\n", encoding="utf-8"
    )

    def neuron(*overrides: str) -> DictConfig:
        with initialize_config_dir(str(folder), version_base="1.3"):
            return compose("tiny", overrides=list(overrides)).neuron

    return neuron


@pytest.fixture(scope="session")
def built(composed) -> Callable[..., Any]:
    """Overrides -> the neuron, built as a network builds it, with more arguments."""
    return lambda *overrides, **arguments: instantiate(composed(*overrides))(**arguments)
