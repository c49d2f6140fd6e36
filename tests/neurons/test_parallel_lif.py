"""ParallelLIF: a LIF without a reset, stepped or scanned."""

from __future__ import annotations

import pytest
import torch

from snnctl.neurons import LIF, ParallelLIF
from snnctl.neurons import parallel_lif as module

DT = 1e-3


def test_it_is_a_lif_without_a_reset():
    x = torch.randn(50, 2, 3)
    ours, lif = ParallelLIF(), LIF(reset="none")
    assert torch.equal(ours(x, dt=DT)[0], lif(x, dt=DT)[0])
    assert torch.equal(ours.trace(x, dt=DT)[2]["v"], lif.trace(x, dt=DT)[2]["v"])


@pytest.mark.parametrize("options", [
    {}, {"v_rest": 0.1, "input_gain": "1-decay", "threshold": 0.3}, {"fire": "gt", "decay": "euler"},
    {"learnable": ["tau_mem", "threshold"], "per": "neuron", "shape": (3,)},
], ids=str)  # fmt: skip
def test_scanned_it_is_what_it_is_stepped(options, monkeypatch):
    x = torch.randn(module.LONG + 20, 2, 3, dtype=torch.float64, requires_grad=True)  # where no kernel runs
    found = []
    for backend in ("auto", "eager"):
        neuron = ParallelLIF(**{"tau_mem": 5e-3, **options}, backend=backend).double()
        assert neuron._scans(x) == (backend == "auto")
        first, state = neuron(x[:70], dt=DT)
        out = torch.cat([first, neuron(x[70:], state, dt=DT)[0]])
        grads = torch.autograd.grad(
            (out * torch.linspace(0, 1, len(x)).view(-1, 1, 1)).sum(), [x, *neuron.parameters()]
        )
        found.append((out, state.v, *grads))
    for scanned, stepped in zip(*found, strict=True):
        torch.testing.assert_close(scanned, stepped)


def test_a_kernel_is_preferred_on_a_cpu_and_transforms_step():
    assert not ParallelLIF()._scans(torch.rand(1000, 2, 3))
    assert not ParallelLIF()._scans(torch.rand(100, 2, 3000, dtype=torch.float64))  # wide
    assert ParallelLIF().runs_on(torch.rand(2, 3), DT).name == "cpu"
    x = torch.rand(4, module.LONG, 2, 3, dtype=torch.float64)
    out = torch.func.vmap(lambda x: ParallelLIF()(x, dt=DT)[0])(x)
    assert torch.equal(out[1], ParallelLIF(backend="eager")(x[1], dt=DT)[0])
