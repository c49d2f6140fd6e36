"""The kernel of a plastic pass gives what its layers give step by step in torch."""

from __future__ import annotations

from unittest import mock

import pytest
import torch

from snnctl.plasticity import PairSTDP
from snnctl.plasticity.passes import PlasticPass
from tests.networks.presets import data, preset

STEPS, IN, NEURONS = 60, 24, 10
KEPT = ["network.excitatory.per=neuron", "network.excitatory.learnable=[threshold]", "network.excitatory.beta=0.3"]


def competition(batch: int, backend: str, rule: PairSTDP, keep: bool) -> PlasticPass:
    torch.manual_seed(2)
    net = preset(data((IN,), NEURONS), "network=zoo/diehl_cook", f"network.neurons={NEURONS}", *KEPT)
    torch.nn.init.uniform_(net.layers["linear"].weight, 0.2, 0.9)
    return PlasticPass(net, {"input": rule}, keep=["loop.exc"] if keep else (), backend=backend)


def spikes(batch: int) -> torch.Tensor:
    return (torch.rand(STEPS, batch, IN, generator=torch.Generator().manual_seed(4)) < 0.3).float()


def run(plastic: PlasticPass, x: torch.Tensor, length: torch.Tensor) -> dict[str, torch.Tensor]:
    net = plastic.network
    # both draw the winner as the first of those that fire
    with mock.patch("torch.rand_like", torch.ones_like), mock.patch("torch.rand", torch.ones):
        outs = torch.stack([plastic.run(x, length) for _ in range(3)])
    return {
        "out": outs,
        "w": net.layers["linear"].weight,
        "threshold": net.layers["loop"].layers["exc"].neuron.threshold,
    }


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    ("options", "keep"),
    [
        ({}, True),
        *(
            pytest.param(*case, marks=pytest.mark.slow)  # a kernel each to compile
            for case in (
                ({"dependence": "multiplicative", "spikes": "all", "reduction": "mean"}, True),
                ({"spikes": "all", "reduction": "mean"}, False),
                ({"dependence": "power", "mu": 0.4}, False),
                ({"dependence": "proportional", "low": None, "high": None}, False),
                ({"dependence": "step"}, False),
            )
        ),
    ],
)
def test_the_kernel_learns_what_the_layers_learn(batch, options, keep):
    rule = PairSTDP(**{"synapses": "linear", "low": 0.0, "high": 1.0, "eta_plus": 0.05, "eta_minus": 0.01,
                       "spikes": "nearest", **options})  # fmt: skip
    x, length = spikes(batch), torch.tensor([STEPS, 40, 17])[:batch]
    found = []
    for backend in ("auto", "eager"):
        plastic = competition(batch, backend, rule, keep)
        assert (plastic._fast(x) is None) == (backend == "eager")
        found.append({**run(plastic, x, length), "outside": plastic.outside.double()})
    fast, slow = found
    assert slow["out"].sum() > 10
    assert torch.equal(fast["out"], slow["out"])
    for name in ("w", "threshold"):
        torch.testing.assert_close(fast[name], slow[name], rtol=1e-5, atol=1e-5)
    assert fast["outside"] == slow["outside"]
    if keep:
        assert (slow["threshold"] > -52 + 0.2).any()
