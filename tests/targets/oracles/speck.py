"""What sinabs 3.1.3 makes of networks for Speck, frozen in tests/targets/golden/speck.npz.

    .venv-oracles/bin/python -m tests.targets.oracles.speck [--write]        in the environment of `make frameworks`

--write commits what it saw; without it, a difference is an error. Packages whose `__init__` files import samna are
replaced by empty ones, and its config builder's base by a plain class: nothing here talks to a device.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from tests.parity.frameworks import guard

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "speck.npz"
STEPS, BATCH, NETWORKS = 10, 2, 300
# Channels, height and width of the input; then a layer each: features, kernel, stride, padding, pool behind it, bias.
CHAINS = {
    "conv": ((2, 12, 12), [(4, 3, 1, 1, 2, False), (6, 3, 2, 1, 1, False), (5, 3, 1, 0, 1, False)]),
    "bias": ((1, 9, 9), [(3, 5, 2, 0, 1, True), (4, 3, 1, 0, 1, True)]),
    "large": ((3, 16, 16), [(4, 4, 4, 2, 4, False), (3, 1, 1, 0, 1, True)]),
}
RESETS = {"conv": "subtract", "bias": "subtract", "large": "zero"}
FLOORS = {"conv": -1.0, "bias": -0.4, "large": -2.0}


def without_samna() -> Any:
    """The modules dynapcnn_layer, mapping and chips.dynapcnn of sinabs."""
    guard()
    import sinabs

    for name in ("backend", "backend.dynapcnn", "backend.dynapcnn.chips"):
        package = ModuleType(f"sinabs.{name}")
        package.__path__ = [f"{sinabs.__path__[0]}/{name.replace('.', '/')}"]
        sys.modules[package.__name__] = package
    base = ModuleType("sinabs.backend.dynapcnn.config_builder")
    base.ConfigBuilder = object
    sys.modules[base.__name__] = base
    from sinabs.backend.dynapcnn import dynapcnn_layer, mapping
    from sinabs.backend.dynapcnn.chips import dynapcnn

    return dynapcnn_layer, mapping, dynapcnn


def chains(layers: Any, chip: Any) -> dict[str, np.ndarray]:
    """Weights drawn at random; in integers, in words, as configuration, and the spikes of events through them."""
    import sinabs.activation as act
    import sinabs.layers as sl

    saw: dict[str, np.ndarray] = {}
    for number, (name, (shape, rows)) in enumerate(CHAINS.items()):
        torch.manual_seed(number)
        x = torch.poisson(torch.full((STEPS, BATCH, *shape), 0.4))
        saw[f"{name}/x"] = x.numpy().astype(np.uint8)
        s = x.transpose(0, 1).flatten(0, 1)
        for i, (features, kernel, stride, padding, pool, bias) in enumerate(rows):
            conv = nn.Conv2d(shape[0], features, kernel, stride, padding, bias=bias)
            conv.weight.data = torch.randn_like(conv.weight) * 2 / (shape[0] * kernel**2) ** 0.5
            if bias:
                conv.bias.data *= 0.3
            reset = act.MembraneSubtract() if RESETS[name] == "subtract" else act.MembraneReset()
            neuron = sl.IAFSqueeze(batch_size=BATCH, spike_threshold=0.9, min_v_mem=FLOORS[name], reset_fn=reset)
            core = layers.DynapcnnLayer(conv, neuron, shape, [(pool, pool)], discretize=True)
            key = f"{name}/{i}"
            saw[f"{key}/weight"] = conv.weight.detach().numpy()
            if bias:
                saw[f"{key}/bias"] = conv.bias.detach().numpy()
            said = chip.DynapcnnConfigBuilder.get_dynapcnn_layer_config_dict(core, {}, [])
            said["leak_enable"] = bool(said["leak_enable"])
            del said["destinations"], said["monitor_enable"], said["neurons_initial_value"]
            saw[f"{key}/config"] = np.array(json.dumps(said))
            memory = core.memory_summary()
            saw[f"{key}/words"] = np.array([int(memory[kind]) for kind in ("kernel", "neuron", "bias")])
            with torch.no_grad():
                s = core(s)
            shape = tuple(s.shape[1:])
            saw[f"{key}/pooled"] = s.unflatten(0, (BATCH, STEPS)).transpose(0, 1).numpy().astype(np.uint8)
    return saw


def networks(layers: Any, mapping: Any, chip: Any) -> dict[str, np.ndarray]:
    """Sizes drawn at random, the words that each layer takes, and whether there is a core for every layer."""
    import sinabs.layers as sl

    draw = np.random.default_rng(1)
    constraints = chip.DynapcnnConfigBuilder.get_constraints()
    sizes, words, feasible = [], [], []
    for _ in range(NETWORKS):
        large = draw.choice([0.5, 1.0, 1.5, 2.0])
        network = {}
        for i in range(draw.integers(1, 11)):
            c, f = (int(2 ** (draw.uniform(1, 5) * large)) for _ in range(2))
            side, kernel = int(draw.integers(4, 40)), int(draw.integers(1, 5))
            stride, padding, bias = int(draw.choice([1, 1, 2])), int(draw.integers(0, 2)), bool(draw.integers(0, 2))
            conv = nn.Conv2d(c, f, kernel, stride, padding, bias=bias, device="meta")
            network[i] = layers.DynapcnnLayer(conv, sl.IAFSqueeze(batch_size=1), (c, side, side), [(1, 1)], False)
            memory = network[i].memory_summary()
            sizes.append((len(feasible), c, f, side, kernel, stride, padding, bias))
            words.append([int(memory[kind]) for kind in ("kernel", "neuron", "bias")])
        try:
            mapping.get_valid_mapping(network, constraints)
            feasible.append(True)
        except ValueError:
            feasible.append(False)
    return {"sizes": np.array(sizes), "words": np.array(words), "feasible": np.array(feasible)}


def main(arguments: list[str]) -> int:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    layers, mapping, chip = without_samna()
    saw = {**chains(layers, chip), **networks(layers, mapping, chip)}
    if "--write" in arguments:
        GOLDEN.parent.mkdir(exist_ok=True)
        np.savez_compressed(GOLDEN, **saw)
    with np.load(GOLDEN) as golden:
        wrong = sorted(set(saw) ^ set(golden)) or [key for key in saw if not np.array_equal(saw[key], golden[key])]
    print(f"speck: {len(saw)} arrays, {len(wrong)} differ {' '.join(wrong)}")
    spikes = sum(int(values.sum()) for key, values in saw.items() if key.endswith("pooled"))
    print(f"{saw['feasible'].sum()} of {NETWORKS} networks fit; {spikes} spikes")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
