"""BindsNET's example eth_mnist on the digits of recipes/digits_diehl_cook.yaml; prints the test accuracy.

    .venv-oracles/bin/python tests/recipes/theirs/bindsnet_eth_mnist.py --seed 1 --root FOLDER

The example: https://github.com/BindsNET/bindsnet/blob/master/examples/mnist/eth_mnist.py (P. U. Diehl, M. Cook 2015,
doi:10.3389/fncom.2015.00099). Kept: its network DiehlAndCook2015 of 100 neurons with exc 22.5, inh 120, theta_plus
0.05, norm 78.4, STDP rates 1e-4 and 1e-2; its Poisson encoder, 128 Hz at full brightness, 250 steps of 1 ms a digit;
one digit at a time, states reset between; its assign_labels and all_activity. Other: one pass over 4,000 digits where
the example takes 60,000, tested on 1,000; labels from a pass over all 4,000 with the weights that were learned, as our
recipe does, where the example takes the last 250 presentations. What does not learn runs in batches: the same
computation, sooner.
"""

from __future__ import annotations

import argparse

import torch
from bindsnet_package import part
from torch import Tensor, nn

from snnctl.datasets.digit_images import DigitImages

NEURONS, STEPS, RATE, CLASSES, BATCH = 100, 250, 128.0, 10, 100


def digits(part: str) -> tuple[Tensor, Tensor]:
    """Rates (samples, 784), Hz, and labels (samples,)."""
    source = DigitImages()
    labels = torch.as_tensor(source.parts()[part])
    values = [torch.from_numpy(source.read(part, i).values).view(-1) for i in range(len(labels))]
    return torch.stack(values).float() / 255 * RATE, labels


def build(neurons: int = NEURONS) -> nn.Module:
    """Their network, its excitatory spikes monitored."""
    theirs = part("models.models").DiehlAndCook2015
    network = theirs(784, n_neurons=neurons, exc=22.5, inh=120.0, norm=78.4, theta_plus=0.05)
    network.add_monitor(part("network.monitors").Monitor(network.layers["Ae"], ["s"], time=STEPS), "spikes")
    return network


def present(network: nn.Module, rates: Tensor) -> Tensor:
    """Show digits (B, 784), Hz: spikes of each excitatory neuron, (B, N)."""
    network.run(inputs={"X": part("encoding.encodings").poisson(rates, time=STEPS)}, time=STEPS)
    spikes = network.monitors["spikes"].get("s").sum(0)
    network.reset_state_variables()
    return spikes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--root", help="unused: the digits come with a package")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    network, evaluation = build(), part("evaluation.evaluation")
    (rates, labels), (test, wanted) = digits("train"), digits("test")
    for i in torch.randperm(len(rates)).tolist():
        present(network, rates[i : i + 1])
    network.train(False)
    seen, told = (torch.cat([present(network, few) for few in some.split(BATCH)])[:, None] for some in (rates, test))
    assigned = evaluation.assign_labels(seen, labels, CLASSES)[0]
    print((evaluation.all_activity(told, assigned, CLASSES) == wanted).float().mean().item())


if __name__ == "__main__":
    main()
