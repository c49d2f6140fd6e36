"""The integer model of a Xylo core: traces written out, and equal to the package xylosim on 200 networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from snnctl.targets.xylo.arithmetic import Spikes, run
from snnctl.targets.xylo.specification import Specification
from tests.targets.oracles.xylo_networks import NETWORKS, STEPS, network

FILE = Path(__file__).parents[1] / "oracles" / "xylo.npz"


def one(**given) -> Specification:
    """An input, a hidden neuron, an output neuron."""
    parts = {
        "weights_in": [[[100]]], "weights_rec": [[[0]]], "weights_out": [[10]], "dash_mem": [2], "dash_mem_out": [2],
        "dash_syn": [1], "dash_syn_2": [1], "dash_syn_out": [1], "threshold": [60], "threshold_out": [32767],
        "bias_hidden": [0], "bias_out": [0],
    }  # fmt: skip
    return Specification(**{k: np.array(v) for k, v in {**parts, **given}.items()})


def counts(*numbers: int) -> torch.Tensor:
    return torch.tensor(numbers).view(-1, 1, 1)


def test_a_trace_written_out():
    """i halves before it acts: 50, 25, 13 (12.5 rounds up: 25 >> 1 = 12 leaves 13); v = 50, then 50 - 12 + 25 = 63
    fires and leaves 3, then 3 - 1 + 13 = 15. The output takes the spike of step 1 in step 2: 10 halves to 5."""
    ran = run(one(), counts(1, 0, 0, 20, 0, 0, 0, 0, 0, 0))  # of 20 spikes, 15 are counted
    assert ran.spikes.flatten().tolist() == [0, 1, 0, 12, 6, 3, 2, 0, 1, 0]
    assert ran.v_out.flatten().tolist() == [0, 0, 5, 7, 68, 112, 130, 131, 116, 101]
    assert ran.out.sum() == 0 and ran.peak.tolist() == [757 + 12] and ran.peak_out.tolist() == [131]


def test_negative_values_round_down():
    """-25 >> 1 is -13: i = -50, -25, -12, -6, -3, -1, 0. With a bias of 60, v = 10, 10 - 2 - 25 + 60 = 43,
    43 - 10 - 12 + 60 = 81 fires and leaves 21, then 21 - 5 - 6 + 60 = 70 leaves 10, and so 65, 63, 62, 61."""
    spec = one(weights_in=[[[-100]]], weights_out=[[-100]], bias_hidden=[60])
    ran = run(spec, counts(1, 0, 0, 0, 0, 0, 0, 0))
    assert ran.spikes.flatten().tolist() == [0, 0, 1, 1, 1, 1, 1, 1] and ran.peak.tolist() == [81]
    quiet = run(one(weights_in=[[[-100]]]), counts(1, 0, 0, 0, 0, 0, 0, 0))
    assert quiet.spikes.sum() == 0 and quiet.peak.tolist() == [62]  # v = -50, -62, -58, ...


def test_sums_saturate():
    spec = one(weights_in=[[[127]]], dash_syn=[7], dash_mem=[7], threshold=[32767])
    ran = run(spec, counts(*[15] * 8))
    assert ran.spikes.flatten().tolist() == [0, 0, 0, 0, 0, 1, 0, 0]  # v = 1891, 5644, 11228, 18616, 27778, 32767
    assert ran.peak.tolist() == [32767]
    shifted = one(weights_in=[[[127]]], dash_syn=[3], dash_mem=[7], threshold=[32767], weight_shift_in=5)
    assert run(shifted, counts(*[15] * 4)).spikes.flatten().tolist() == [0, 1, 0, 1]  # i = 32767 - 4095 at once


def test_the_most_spikes_in_a_step():
    spec = one(weights_in=[[[127]]], weights_out=[[127]], threshold=[10], threshold_out=[10])
    ran = run(spec, counts(1, 0, 0, 0), Spikes(15, 5, 1))
    # i = 64, 32, 16, 8; v = 64 fires five of six times and leaves 14, then 14 - 3 + 32 = 43, 3 - 1 + 16, 8 - 2 + 8
    assert ran.spikes.flatten().tolist() == [5, 4, 1, 1] and ran.out.flatten().tolist() == [0, 1, 1, 1]
    free = run(one(threshold=[0]), counts(0, 0))
    assert free.spikes.flatten().tolist() == [31, 31]  # 0 is never left


def test_equal_to_xylosim():
    """Spikes of hidden and output neurons and the output's membrane in every step, of every network; about a third
    saturate on their way (tests/targets/oracles/xylo.py)."""
    with np.load(FILE) as file:
        theirs = {name: file[name] for name in file.files}
    start = dict.fromkeys(theirs, 0)
    for seed in range(NETWORKS):
        spec, x = network(seed)
        ran = run(Specification(**spec), torch.as_tensor(x)[:, None])
        for name, whole in theirs.items():
            ours = getattr(ran, name)[:, 0].numpy()
            expected = whole[start[name] : start[name] + ours.size].reshape(ours.shape)
            assert np.array_equal(ours, expected), (seed, name)
            start[name] += ours.size
    assert NETWORKS == 200 and start == {name: len(whole) for name, whole in theirs.items()}
    assert theirs["spikes"].sum() > 100 * NETWORKS * STEPS and theirs["out"].any()


def test_samples_of_a_batch_are_alone():
    spec, x = network(3)
    xs = torch.stack([torch.as_tensor(network(3)[1]), torch.as_tensor(x).flip(0), torch.as_tensor(x) * 0], 1)
    together = run(Specification(**spec), xs)
    for k in range(3):
        alone = run(Specification(**spec), xs[:, k : k + 1])
        assert torch.equal(alone.spikes[:, 0], together.spikes[:, k])
        assert torch.equal(alone.v_out[:, 0], together.v_out[:, k])


def test_a_specification_read_back(tmp_path):
    for seed in (0, 7):
        spec = Specification(**network(seed)[0])
        spec.save(tmp_path / "s.npz")
        again = Specification.load(tmp_path / "s.npz")
        assert all(np.array_equal(getattr(spec, k), getattr(again, k)) for k in vars(spec))
        assert ("bias_out" in spec.arguments()) == bool(spec.bias_hidden.any() or spec.bias_out.any())
