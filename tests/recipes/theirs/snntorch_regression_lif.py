"""snnTorch's tutorial on regression, part I, on the function of recipes/regression_lif.yaml; prints the squared error.

    .venv-oracles/bin/python tests/recipes/theirs/snntorch_regression_lif.py --seed 1

The example: https://snntorch.readthedocs.io/en/latest/tutorials/tutorial_regression_1.html (Henkes, Eshraghian, Wessels
2022, arXiv 2210.03515). Kept: the square root of a ramp of 50 steps, one sample; 1-128-128-1 Leaky with random decays
(learned) and thresholds, the output without reset; MSELoss of the membrane, Adam at 1e-3, 100 iterations. As there, the
second layer passes through the output's neuron, and its own is left unused: threshold 1, no reset. Other: the error is
that of MSELoss after the last iteration, where the tutorial shows a relative one; the function is drawn by our set.
"""

from __future__ import annotations

import argparse

import snntorch as snn
import torch
from snntorch import surrogate
from torch import Tensor, nn

from snnctl.datasets.functions import Functions

HIDDEN, ITERATIONS = 128, 100


class Net(nn.Module):
    """Two hidden layers; the membrane of the last neuron is the answer: (T, B, 1) -> (T, B, 1)."""

    def __init__(self):
        super().__init__()
        learned = {"learn_beta": True, "spike_grad": surrogate.fast_sigmoid()}
        self.fc_in, self.fc_hidden, self.fc_out = nn.Linear(1, HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, 1)
        self.lif_in = snn.Leaky(beta=torch.rand(HIDDEN), threshold=torch.rand(HIDDEN), **learned)
        self.li_out = snn.Leaky(beta=torch.rand(1), threshold=1.0, reset_mechanism="none", **learned)

    def forward(self, x: Tensor) -> Tensor:
        first, second, third = (layer.init_leaky() for layer in (self.lif_in, self.li_out, self.li_out))
        membranes = []
        for step in x:
            spikes, first = self.lif_in(self.fc_in(step), first)
            spikes, second = self.li_out(self.fc_hidden(spikes), second)
            _, third = self.li_out(self.fc_out(spikes), third)
            membranes.append(third)
        return torch.stack(membranes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--root", help="unused: the function is generated")
    seed = parser.parse_args().seed
    torch.manual_seed(seed)
    source = Functions(curve="sqrt", rows=50, seed=seed)
    x = torch.from_numpy(source.read("train", 0).values)[:, None]
    y = torch.from_numpy(source.traces("train")).transpose(0, 1)
    net, squared = Net(), nn.MSELoss()
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(ITERATIONS):
        loss = squared(net(x), y)
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        print(squared(net.eval()(x), y).item())


if __name__ == "__main__":
    main()
