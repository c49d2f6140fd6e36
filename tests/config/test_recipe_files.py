"""Recipes as files: broken ones, some that build on others, own options beside them."""

from __future__ import annotations

import pytest

from snnctl.config import compose
from snnctl.config.folders import locate
from snnctl.errors import UserError
from tests.config.told import text


def test_broken_files(tmp_path, recipe):
    bad = tmp_path / "bad.yaml"
    bad.write_text("# x\ndefaults: [train, _self_]\ntrainer: {max_epochs: 3\nseed: 1\n")
    assert "line" in text(bad) and "not YAML" in text(bad)
    bad.write_text("# x\ndefaults: [train, _self_]\nseed: 1\nseed: 2\n")
    assert "duplicate key seed" in text(bad)
    bad.write_text("# x\nseed: 1\n")
    assert "defaults: [train, _self_]" in text(bad)
    bad.write_text("# x\ndefaults: [_self_, train]\nseed: 1\n")
    assert "put _self_ last" in text(bad)
    bad.write_text("")
    assert "defaults: [train, _self_]" in text(bad)
    bad.write_bytes(b"\xff\xfe\x00seed")
    assert text(bad)
    bad.write_text("- a\n- b\n")
    assert text(bad)
    bad.write_text("# x\ndefaults: [train, other_recipe, _self_]\n")
    assert "other_recipe" in text(bad)


def test_recipes_build_on_recipes(recipe):
    recipe("seed: 5\noptimizer: {lr: 0.5}", name="first")
    second = recipe("seed: 6", name="second")
    second.write_text("# second\ndefaults: [first, _self_]\nseed: 6\n")
    cfg = compose(second)
    assert (cfg.seed, cfg.optimizer.lr) == (6, 0.5)
    second.write_text("# second\ndefaults: [digits_mlp, _self_]\nsed: 6\n")
    assert "seed" in text(second)


def test_own_options_lie_beside_the_recipe(tmp_path, recipe):
    (tmp_path / "neuron").mkdir()
    (tmp_path / "neuron" / "slow.yaml").write_text("# Slow.\ndefaults: [lif, _self_]\ntau_mem: 0.5\n")
    assert compose(recipe("", "override neuron: slow")).neuron.tau_mem == 0.5
    assert compose(recipe(), ["neuron=slow"]).neuron.tau_mem == 0.5
    assert "slow" in text(recipe(), "neuron=sloow")


def test_a_recipe_in_the_wrong_place(recipe):
    assert "the recipe comes first" in text(recipe(), "seed=2", "digits_mlp")


def test_unknown_recipes(tmp_path, monkeypatch):
    with pytest.raises(UserError) as caught:
        locate("digits_cnov")
    assert "digits_conv" in caught.value.hint
    with pytest.raises(UserError, match="no recipe file"):
        locate(tmp_path / "no.yaml")
    (tmp_path / "own").mkdir()
    (tmp_path / "own.yaml").write_text("a: 1")
    with pytest.raises(UserError, match="own is a folder"):
        locate(tmp_path / "own")
    (tmp_path / "odd.yml").write_text("a: 1")
    with pytest.raises(UserError, match=r"does not end in \.yaml"):
        locate(tmp_path / "odd.yml")
    (tmp_path / "train.yaml").write_text("a: 1")
    with pytest.raises(UserError, match="all recipes start from"):
        locate(tmp_path / "train.yaml")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.yaml").write_text("a: 1")
    with pytest.raises(UserError) as caught:
        locate("here")
    assert "./here.yaml" in caught.value.hint


def test_keys_that_the_recipe_set_for_another_option_go_with_it(tmp_path, capsys):
    from snnctl.config import compose

    recipe = tmp_path / "mine.yaml"
    recipe.write_text("# mine\ndefaults:\n  - train\n  - _self_\nneuron: {tau_mem: 30e-3, learnable: [tau_mem]}\n")
    assert compose(recipe).neuron.tau_mem == 30e-3
    cfg = compose(recipe, ["neuron=relu"])
    assert "tau_mem" not in cfg.neuron and "learnable" not in cfg.neuron
    assert (
        "neuron=relu does not take the recipe's neuron.tau_mem, neuron.learnable: left out" in capsys.readouterr().err
    )
    assert compose(recipe, ["neuron=alif"]).neuron.tau_mem == 30e-3  # which has it too
    with pytest.raises(UserError, match=r"neuron\.tau"):
        compose(recipe, ["neuron=relu", "neuron.tau=1"])
