"""BindsNET's example dot_tracing in the world of recipes/dot_tracing_mstdpet.yaml; prints the mean return of the test.

    .venv-oracles/bin/python tests/recipes/theirs/bindsnet_dot_tracing.py --seed 1 --root FOLDER

The example: https://github.com/BindsNET/bindsnet/blob/master/examples/dotTracing/dot_tracing.py (H. Hazan et al. 2018,
doi:10.3389/fninf.2018.00089). Kept: its network, 100 hidden LIF neurons, input to hidden fixed, hidden to hidden by
PostPre, hidden to output by MSTDPET, with the example's rates, bounds and norms; 500 Hz at full brightness, 100 steps
of 1 ms a move; actions drawn from a softmax of the outputs' spikes; the reward given at every step of the move that
follows it; no learning in the test. Other: the world, its picture, moves and reward are those of our recipe (10x10
cells, seen from the agent, four moves), and so are the 100 test episodes; 128 training episodes of 100 moves, as many
moves as our recipe makes, where the example has 1,000. In its favour an action is drawn from the spikes that answer the
latest picture; the example draws from those of the picture before.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from bindsnet_package import part
from torch import Tensor, nn

from tests.parity.frameworks import without

without("lightning", "snnctl.environments", "LightningDataModule")  # not installed beside the frameworks
from snnctl.environments import DotTracing  # noqa: E402
from snnctl.environments.players import Players  # noqa: E402

HIDDEN, STEPS, RATE, EPISODES, TESTS = 100, 100, 500.0, 128, 100


def build(world: DotTracing) -> nn.Module:
    """Their network for the pictures and moves of a world."""
    nodes, topology, learning = part("network.nodes"), part("network.topology"), part("learning.learning")
    network = part("network.network").Network(dt=1.0)
    side = world.shape[1]
    seen = nodes.Input(n=side * side, shape=[1, side, side], traces=True)
    hidden = nodes.LIFNodes(n=HIDDEN, traces=True)
    out = nodes.LIFNodes(n=len(world.actions), refrac=0, traces=True)
    for layer, name in ((seen, "Input"), (hidden, "Hidden"), (out, "Output")):
        network.add_layer(layer, name=name)
    for source, target, names, options in (
        (seen, hidden, ("Input", "Hidden"), {}),
        (hidden, out, ("Hidden", "Output"), {"update_rule": learning.MSTDPET, "nu": 1e-1, "norm": 0.5 * HIDDEN}),
        (hidden, hidden, ("Hidden", "Hidden"), {"update_rule": learning.PostPre, "nu": 1e-1, "norm": 5e-3 * HIDDEN}),
    ):
        network.add_connection(topology.Connection(source, target, wmin=0, wmax=1, **options), *names)
    network.add_monitor(part("network.monitors").Monitor(out, ["s"], time=STEPS), "spikes")
    return network


def act(network: nn.Module, seen: np.ndarray, reward: float = 0.0) -> Tensor:
    """Show pictures (B, 1, H, W): actions (B,)."""
    poisson = part("encoding.encodings").poisson
    network.run(inputs={"Input": poisson(torch.from_numpy(seen) * RATE, time=STEPS)}, time=STEPS, reward=reward)
    spikes = network.monitors["spikes"].get("s").float().sum(0)
    return torch.multinomial(spikes.softmax(1), 1)[:, 0]


def play(network: nn.Module, players: Players, episodes: int) -> list[float]:
    """Play episodes of every player, states reset between: their returns."""
    for _ in range(episodes):
        network.reset_state_variables()
        reward = 0.0
        for _ in range(players.world.longest):
            taken = act(network, players.seen, reward)
            reward = float(players.step(taken.tolist()).reward.mean())
    return [episode.total for episode in players.finished]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--root", help="unused: the world needs no data")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    world = DotTracing()
    network = build(world)
    trained = play(network, Players(world, 1, options.seed, "train"), EPISODES)
    print(f"training, mean return of the last 20 episodes: {np.mean(trained[-20:])}")
    network.learning = False
    print(float(np.mean(play(network, Players(world, TESTS, options.seed, "test"), 1))))


if __name__ == "__main__":
    main()
