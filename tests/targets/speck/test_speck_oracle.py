"""What sinabs 3.1.3 made of the same networks, tests/targets/oracles/speck.py: integers, words, cores and spikes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from snnctl.targets.speck.configuration import FILE
from snnctl.targets.speck.cores import assign, words
from tests.targets.oracles.speck import CHAINS, FLOORS, GOLDEN, RESETS
from tests.targets.speck.chip import chain, neurons, speck


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as saw:
        return dict(saw)


@pytest.mark.parametrize("name", list(CHAINS))
def test_integers_configuration_and_spikes_equal_those_of_sinabs(golden, name, tmp_path: Path):
    shape, rows = CHAINS[name]
    layers, before = [], 1
    for i, (features, kernel, stride, padding, pool, bias) in enumerate(rows):
        weight = torch.from_numpy(golden[f"{name}/{i}/weight"])
        conv = nn.Conv2d(weight.shape[1], features, kernel, stride, padding, bias=bias)
        raw = golden[f"{name}/{i}/config"].item()
        # The weights frozen are the drawn ones: the scale is found anew.
        conv.weight.data = weight.clone()
        if bias:
            conv.bias.data = torch.from_numpy(golden[f"{name}/{i}/bias"]).clone()
        pooling = {"pool": nn.AvgPool2d(before)} if before > 1 else {}
        if before > 1:
            conv.weight.data *= before**2  # an average of spikes is what sinabs' sum pooling replaces
        layers.append({**pooling, "conv": conv})
        before = pool
        assert json.loads(raw)["dimensions"]["kernel_size"] == kernel
    every = dict.fromkeys("abc"[: len(rows)], neurons(threshold=0.9, v_min=FLOORS[name], reset=RESETS[name]))
    circuit = chain(shape, *layers, **every)
    chip = speck()
    plan = chip.plan(circuit)
    model = chip.quantise(circuit, plan)
    chip.build(model, circuit, plan, tmp_path)
    written = {core["layer"]: core for core in json.loads((tmp_path / FILE).read_text())["cores"].values()}
    x = torch.from_numpy(golden[f"{name}/x"]).float()
    spikes = model.run(x).spikes
    for i, row in enumerate(rows):
        theirs, ours = json.loads(golden[f"{name}/{i}/config"].item()), written["abc"[i]]
        assert {key: ours[key] for key in theirs} == theirs
        used = [r.used for r in plan.resources if r.where == "abc"[i]]
        assert used == golden[f"{name}/{i}/words"].tolist()
        pooled = nn.functional.avg_pool2d(spikes["abc"[i]].flatten(0, 1), row[4], divisor_override=1)
        expected = torch.from_numpy(golden[f"{name}/{i}/pooled"]).float()
        assert expected.sum() > 0 and torch.equal(pooled.view_as(expected), expected)


def test_words_and_feasibility_equal_those_of_sinabs(golden):
    networks: dict[int, dict[str, object]] = {}
    for (network, c, f, side, kernel, stride, padding, bias), expected in zip(
        golden["sizes"].tolist(), golden["words"].tolist(), strict=True
    ):
        out = (side + 2 * padding - kernel) // stride + 1
        need = words(c, (f, out, out), kernel, bool(bias))
        assert list(need) == expected
        layers = networks.setdefault(network, {})
        layers[str(len(layers))] = need
    feasible = [not assign(needs, speck_cores)[1] for needs in networks.values()]
    assert feasible == golden["feasible"].tolist() and 0 < sum(feasible) < len(feasible)


speck_cores = speck().cores
