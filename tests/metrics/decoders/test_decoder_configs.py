"""Every decoder's YAML: builds, has its class's defaults, decodes, is commented; and networks that vote."""

from __future__ import annotations

import inspect
import re
from functools import partial
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir

from snnctl.config.building import build
from snnctl.datasets.facts import Facts
from snnctl.metrics import decoders
from snnctl.metrics.decoders import Count, Decoder, Learned, Population
from snnctl.networks import Network, Voting
from snnctl.neurons import LIF

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
FILES = sorted((CONFIGS / "decoder").rglob("*.yaml"))
NAMES = [path.stem for path in FILES if path.stem != "loss"]
OUT = (torch.rand(6, 4, 20, generator=torch.Generator().manual_seed(0)) < 0.3).float()


def composed(name: str, *overrides: str):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose(overrides=[f"+decoder={name}", *overrides]).decoder


@pytest.mark.parametrize("name", NAMES)
def test_builds_and_decodes(name):
    decoder, length = build(composed(name)), torch.tensor([6, 6, 5, 1])
    assert isinstance(decoder, Decoder)
    if isinstance(decoder, Learned):
        decoder.start(20)
        decoder.add(OUT, torch.arange(4), length)
        decoder.finish()
    scores = decoder.scores(OUT, length)
    assert scores.shape == (4, 2 if name == "population" else 20) and scores.isfinite().all()
    assert decoder.predict(OUT, length).shape == (4,)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "spike_times"])
def test_defaults_are_those_of_the_class(name):
    node = composed(name)
    decoder = build(node)
    parameters = inspect.signature(type(decoder)).parameters
    assert set(node) - {"_target_"} == set(parameters)
    for key, parameter in parameters.items():
        if key != "then":
            assert node[key] == parameter.default, key


def test_the_loss_is_the_default():
    assert composed("loss") == {}
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        assert compose("train").decoder == {}


def test_every_decoder_has_a_file():
    names = [build(composed(name)).__class__.__name__ for name in NAMES]
    kinds = {n for n, k in vars(decoders).items() if inspect.isclass(k) and not inspect.isabstract(k)}
    assert set(names) == kinds - {"Assigned"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_key_says_what_it_is(path):
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"# .{20,130}\.", first)
    for line in lines:
        if not re.match(r"_target_: \S+$|defaults:$|  - ", line):
            assert re.match(r"\w+: [^#]+  # .{3,}", line), line


def test_what_a_population_reads_is_swapped():
    assert build(composed("population")) == Population(10, Count())
    assert build(composed("population", "decoder@decoder.then=first_spike")).then.count == 1


def test_a_network_votes():
    facts = Facts((5,), ("a", "b", "c"), 1e-3, 12)
    layers = {"fc": partial(torch.nn.Linear, out_features=12), "lif": LIF, "vote": Voting}
    network = Network(layers, facts)
    x = torch.rand(12, 4, 5)
    out, _ = network(x)
    assert network.shape_out == (3,) and out.shape == (12, 4, 3)
    spikes, _ = network.layers["lif"](network.layers["fc"](x), dt=1e-3)
    torch.testing.assert_close(out, spikes.unflatten(2, (3, 4)).mean(3))
