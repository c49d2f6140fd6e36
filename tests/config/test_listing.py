from __future__ import annotations

import yaml

from snnctl.config.composed import Composed, raw
from snnctl.config.folders import locate
from snnctl.config.listing import listing, option_listing
from snnctl.config.source import Source
from snnctl.config.yaml_source import LOADER


def test_a_recipe_resolved_with_the_meaning_of_each_key(recipe):
    path = recipe("neuron: {tau_mem: 30e-3}\noptimizer: {lr: 0.25}")
    text = listing(str(path), [])
    assert text.startswith("# A recipe of a test.\nseed: ")
    lines = {line.partition("#")[0].strip(): line.partition("#")[2].strip() for line in text.splitlines()}
    assert "learning rate" in lines["lr: 0.25"]
    assert lines["max_lr: 0.25"]  # ${optimizer.lr}, resolved
    assert lines["tau_mem: 0.03"].startswith("membrane time constant, s")
    assert lines["network:"].startswith("network/conv: ")
    assert lines["neuron: ${neuron}"] == "the neuron group"  # a link to a whole node stays


def test_a_recipes_remark_stands_beside_the_meaning_not_in_its_place(recipe):
    path = recipe(
        "neuron: {tau_mem: 30e-3}  # s: remembers\noptimizer:\n  lr: 0.25  # brave\n  betas: [0.9, 0.99]\n"
        "width: 3  # mine\nnetwork: {channels: ['${width}']}  # s"
    )
    text = listing(str(path), []).splitlines()
    lines = {line.partition("#")[0].strip(): line.partition("#")[2].strip() for line in text}
    assert lines["tau_mem: 0.03"].startswith("membrane time constant, s")
    assert lines["tau_mem: 0.03"].endswith("[default 0.02; here: remembers]")
    assert lines["lr: 0.25"].startswith("learning rate") and lines["lr: 0.25"].endswith("[default 0.002; here: brave]")
    assert lines["neuron:"].startswith("neuron/lif: ") and "remembers" not in lines["neuron:"]
    assert lines["width: 3"] == "mine"
    assert "[" not in lines["weight_decay: 0.01"]


def test_reads_back_as_what_was_composed(recipe):
    path = recipe("dataset: {augment: {a: {_target_: snnctl.datasets.Shift, pixels: 1}}}\nobjective: 'yes'")
    read = yaml.load(listing(str(path), []), Loader=LOADER)
    cfg = Composed.read(Source(locate(path)), []).cfg
    assert read["dataset"]["augment"] == raw(cfg.dataset.augment)
    assert read["objective"] == "yes"
    assert read["network"]["layers"]["features"]["layers"]["neuron"] == "${neuron}"
    assert list(read) == [key for key in cfg if key != "hydra"]


def test_with_changes(recipe):
    assert "lr: 0.5 " in listing(str(recipe()), ["optimizer.lr=0.5"])
    assert "_target_: snnctl.neurons.ALIF" in listing(str(recipe()), ["neuron=alif"])


def test_keys_of_a_replaced_target_are_not_shown(recipe):
    text = listing(str(recipe("loss: {_target_: torch.nn.NLLLoss}")), [])
    assert "torch.nn.NLLLoss" in text and "label_smoothing" not in text


def test_an_option_with_what_it_takes_over_from_others():
    text = option_listing("neuron", "alif")
    assert text.startswith("# ") and "\n_target_: snnctl.neurons.ALIF" in text
    for key in ("beta: ", "threshold: ", "  alpha: "):  # its own, of base.yaml, of its surrogate
        assert f"\n{key}" in text
