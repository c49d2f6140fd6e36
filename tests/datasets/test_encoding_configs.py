"""Every encoding's YAML: composes at its place, builds, has its class's defaults, encodes, is commented."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from snnctl.config.building import build
from snnctl.datasets.draws import generator
from snnctl.datasets.encodings import Delta, Periodic, Population, TemporalFields

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
FILES = sorted((CONFIGS / "encoding").rglob("*.yaml"))
NAMES = [path.relative_to(CONFIGS / "encoding").as_posix()[:-5] for path in FILES]
SHAPES = {"spatial_fields": (2, 12, 10), "imu": (3,), "rows": (2, 12, 10)}


def composed(name: str, *overrides: str):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose(overrides=[f"+encoding@dataset.encoding={name}", *overrides]).dataset.encoding


def series(name: str) -> bool:
    return name.partition("/")[0] in ("band_filters", "delta", "temporal_fields", "imu", "periodic")


@pytest.mark.parametrize("name", NAMES)
def test_builds_and_encodes(name):
    encoding, steps, shape = build(composed(name)), 12, SHAPES.get(name, (2, 3))
    values = torch.rand(steps if series(name) else 1, 4, *shape, generator=torch.Generator().manual_seed(0))
    values = values * {"current/norse": 3.0, "poisson/bindsnet": 100.0}.get(name, 1.0)
    x = encoding(values, steps, 5e-3, [generator(0, 0, i, "encoding") for i in range(4)])
    after = tuple(encoding.shape(shape)) if hasattr(encoding, "shape") else shape
    assert x.shape == (steps, 4, *after) and x.dtype == torch.float32 and x.isfinite().all() and (x != 0).any()


@pytest.mark.parametrize("name", [n for n in NAMES if "/" not in n and n not in ("latency_lif", "signed_rate")])
def test_defaults_are_those_of_the_class(name):
    node = composed(name)
    encoding = build(node)
    for field in dataclasses.fields(encoding):
        if field.name in ("of", "neuron"):  # the class takes any; the YAML chooses one
            continue
        default = field.default
        if field.name != "then":
            assert field.name in node, f"{name} leaves out {field.name}"
        given = getattr(encoding, field.name)
        assert _plain(given) == _plain(default), field.name


def _plain(value):
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_every_key_says_what_it_is(path):
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"# .{20,150}\.", first)
    for line in lines:
        if not re.match(r"_target_: \S+$| *(then|of|neuron|defaults):$|  - ", line):
            assert re.match(r" *\w+: [^#]+  # .{3,}", line), line


def test_stages_are_swapped_from_the_command_line():
    delta = build(
        composed("temporal_fields", "encoding@dataset.encoding.then=delta", "dataset.encoding.then.theta=0.3")
    )
    assert isinstance(delta, TemporalFields) and delta.then == Delta(0.3)
    tuned = build(composed("population/tuned", "dataset.encoding.count=5"))
    assert isinstance(tuned, Population) and tuned.count == 5 and tuned.then.threshold == 0
    neuron = build(composed("current", "neuron@dataset.encoding.neuron=alif")).neuron
    assert neuron.func.__name__ == "ALIF"
    spikes = build(composed("population/spikes")).then.neuron
    assert spikes.func.__name__ == "IF" and spikes().threshold == 0.999
    assert build(composed("periodic", "dataset.encoding.period=0.02")) == Periodic(0.02)


def test_no_two_files_say_the_same():
    texts = [OmegaConf.to_yaml(composed(n)) for n in NAMES]
    same = {NAMES[i] for i, t in enumerate(texts) if texts.count(t) > 1}
    assert same <= {"rate", "rate/spikingjelly", "rate/bindsnet"}  # the plain one, under the names of two frameworks
