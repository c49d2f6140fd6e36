"""Every data set's YAML: composes, fits its class, is commented, and constructs or says what is missing."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import InstantiationException
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from snnctl.datasets.datamodule import DataModule
from snnctl.errors import UserError

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
NAMES = sorted(path.stem for path in (CONFIGS / "dataset").glob("*.yaml") if path.stem != "base")


def composed(name: str, *overrides: str):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose(overrides=[f"+dataset={name}", "+seed=7", *overrides]).dataset


def _built(config) -> DataModule:
    try:
        return instantiate(config)
    except InstantiationException as error:  # hydra wraps what a constructor raises
        raise error.__cause__ from None


@pytest.mark.parametrize("name", NAMES)
def test_composes_and_constructs_or_says_what_is_missing(name, tmp_path):
    config = composed(name, f"dataset.root={tmp_path}")
    assert config._target_ == "snnctl.datasets.datamodule.DataModule" and config.seed == 7
    node = config.source
    assert node._partial_ is True
    inspect.signature(get_class(node._target_)).bind(
        tmp_path, **{k: v for k, v in node.items() if not k.startswith("_")}
    )
    try:
        data = _built(config)
        facts = data.facts
        assert len(facts.classes) > (facts.targets == "classes") and facts.dt > 0 and 1 <= len(facts.shape) <= 3
        data.source.parts()
    except UserError as error:
        assert error.exit_code == 2 and error.problem and error.hint
        first = (CONFIGS / "dataset" / f"{name}.yaml").read_text().splitlines()[0]
        assert first.startswith("# unsupported: ") == ("not supported" in error.problem)


@pytest.mark.parametrize("name", ["base", *NAMES])
def test_every_key_is_commented(name):
    lines = (CONFIGS / "dataset" / f"{name}.yaml").read_text().splitlines()
    assert lines[0].startswith("# ") and len(lines[0]) > 30
    plain = ("defaults:", "- ", "source:", "_target_:", "_partial_:")
    for line in lines[1:]:
        if line.strip() and not line.strip().startswith(plain):
            assert "  # " in line, line


def test_base_holds_what_the_data_module_takes():
    base = OmegaConf.load(CONFIGS / "dataset" / "base.yaml")
    parameters = inspect.signature(DataModule).parameters
    assert set(base) - {"_target_"} == set(parameters) - {"source"}
    for name, parameter in parameters.items():
        if name not in ("source", "seed", "transform", "augment"):
            assert base[name] == parameter.default, name
    assert OmegaConf.to_container(base)["seed"] == "${seed}"


def test_an_override_reaches_the_source(tmp_path):
    config = composed("nmnist", f"dataset.root={tmp_path}", "dataset.source.sort=true", "dataset.steps=30")
    data = instantiate(config)
    assert data.source.sort is True and data.facts.steps == 30 and data.facts.dt == pytest.approx(0.01)
    assert data.source.choices == {"train": {"train": True}, "test": {"train": False}}


@pytest.mark.data
@pytest.mark.parametrize(
    "name, folder, shape",
    [("nmnist", "nmnist-1k", (2, 34, 34)), ("fsdd", "fsdd", (128,)), ("braille", "braille", (8,))],
)
def test_real_sets_are_found_by_their_yaml(shared_data, name, folder, shape):
    data = instantiate(composed(name, f"dataset.root={shared_data / folder}"))
    data.source.download()  # there: nothing to do
    assert data.facts.shape == shape and len(data.source.read("train", 0).events) > 20


def test_images_take_another_encoding(tmp_path):
    assert composed("mnist").encoding._target_.endswith("Direct")
    config = composed("mnist", f"dataset.root={tmp_path}", "encoding@dataset.encoding=rate")
    assert config.encoding._target_.endswith("Rate") and type(instantiate(config).encoding).__name__ == "Rate"
