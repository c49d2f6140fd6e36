from __future__ import annotations

import pytest

from snnctl.config.completing import chosen_groups, complete, known_keys
from snnctl.config.usage import usage


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("snnctl tr", ["train"]),
        ("snnctl ", ["train", "eval", "ls", "doctor"]),
        ("snnctl train digits_c", ["digits_conv"]),
        ("snnctl train neuron=al", ["neuron=alif"]),
        ("snnctl train neuron=lif/s", ["neuron=lif/snntorch"]),
        ("snnctl train opti", ["optimizer=", "optimizer."]),
        ("snnctl train digits_conv optimizer.l", ["optimizer.lr="]),
        ("snnctl train neuron=alif neuron.bet", ["neuron.beta="]),
        ("snnctl train neuron.surrogate.", ["neuron.surrogate.alpha="]),
        ("snnctl train neuron.surr", ["neuron.surrogate."]),
        ("snnctl train surrogate@neuron.surrogate=fast", ["surrogate@neuron.surrogate=fast_sigmoid"]),
        ("snnctl train see", ["seed="]),
        ("snnctl train seed=", ["seed=1"]),
        ("snnctl train --re", ["--resume"]),
        ("snnctl show neuron/al", ["neuron/alif"]),
        ("snnctl ls rec", ["recipes"]),
        ("snnctl data ", ["clear", "get", "info", "preview"]),
        ("snnctl data info nmn", ["nmnist"]),
        ("snnctl completion ", ["bash", "fish", "zsh"]),
    ],
)
def test_next_words(line, some):
    found = complete(line)
    assert set(some) <= set(found)
    assert all(word.startswith(line.split(" ")[-1]) for word in found)


def test_what_cannot_follow_is_not_offered():
    assert complete("snnctl train neuron=lif neuron.bet") == []  # only an ALIF has a beta
    assert complete("snnctl nope ") == []
    assert complete("snnctl train zzz") == []


def test_keys_follow_the_recipe(recipe):
    path = recipe("", "override neuron: alif")
    assert complete(f"snnctl train {path} neuron.bet") == ["neuron.beta="]
    assert str(path) in complete(f"snnctl train {path.parent}/mi")


def test_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "a" / "1"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"started": "2026-01-01"}')
    assert complete("snnctl eval ")[:1] == ["last"] or "last" in complete("snnctl eval ")
    assert "runs/a/1" in complete("snnctl eval run")
    assert complete("snnctl train --resume ru") == ["runs/a/1"]


def test_the_same_keys_as_the_composed_configuration(recipe):
    """Read from text alone, yet what Hydra composes."""
    from snnctl.config.composed import Composed, flat, raw
    from snnctl.config.folders import locate
    from snnctl.config.source import Source

    composed = Composed.read(Source(locate(recipe())), [])
    composed.cfg.pop("hydra")
    leaves = {key for key in flat(raw(composed.cfg)) if not key.rpartition(".")[2].startswith("_")}
    text = set(known_keys({}))
    inside = {key for key in leaves if any(key.startswith(f"{t}.") for t in text)}  # {a: 1} on one line
    groups = {key.partition("@")[0] for key in chosen_groups()}  # an empty option has no key of its own
    assert leaves - inside - groups <= text


def test_usage():
    assert usage("neuron", "alif") == "neuron=alif"
    assert usage("surrogate", "atan") == "surrogate@neuron.surrogate=atan"
    assert usage("augment", "turn") == "+augment@dataset.augment.turn=turn"
    assert usage("nothing", "x") == ""
    assert "surrogate@neuron.surrogate" in chosen_groups()
