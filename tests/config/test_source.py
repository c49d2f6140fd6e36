from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from snnctl.config.folders import ROOT, Recipe, configs, groups, names, options, recipes
from snnctl.config.source import Source
from snnctl.config.yaml_source import YamlSource

FILES = sorted([*configs().rglob("*.yaml"), *recipes().glob("*.yaml")])


def test_reads_each_file_as_omegaconf_does():
    assert len(FILES) > 30
    for file in FILES:
        ours = YamlSource("main", f"file://{file.parent}").load_config(file.stem).config
        assert ours == OmegaConf.load(file), file


@pytest.mark.parametrize("text", ["a: 1e-3\nb: 1_000\nc: 2024-01-01\nd: yes\ne: 0o7\nf: .inf\n", "", "- 1\n- x\n"])
def test_values_are_read_as_omegaconf_reads_them(tmp_path, text):
    (tmp_path / "x.yaml").write_text(text)
    ours = YamlSource("main", f"file://{tmp_path}").load_config("x").config
    assert ours == OmegaConf.load(tmp_path / "x.yaml")


def test_composes_as_hydra_itself_does(tmp_path):
    """The light path, without Hydra's own configuration, gives what `hydra.compose` gives."""
    from hydra import compose, initialize_config_dir

    from snnctl.config.composed import Composed
    from snnctl.config.folders import locate

    for name in names(recipes()):
        ours = Composed.read(Source(locate(name)), []).cfg
        ours.pop("hydra")
        with initialize_config_dir(str(recipes()), version_base="1.3"):
            theirs = compose(name, overrides=[f"hydra.searchpath=['file://{configs()}']"])
        assert ours == theirs, name


def test_merging_twice_gives_the_same_twice():
    source = Source(Recipe(ROOT, configs() / f"{ROOT}.yaml"))
    files = source.defaults([]).defaults
    first = OmegaConf.to_container(source.merge(files), resolve=False)
    changed = source.merge(files)
    changed.seed = 99
    assert OmegaConf.to_container(source.merge(files), resolve=False) == first


def test_groups_and_options_are_the_folders():
    assert {"dataset", "neuron", "neuron/lif", "network", "optimizer"} <= set(groups())
    assert "lif" in options("neuron") and "lif/norse" in options("neuron")
    assert "digits_conv" in names(recipes())
