"""Random Xylo cores, drawn from a seed with numpy alone: the oracle and the tests draw the same ones."""

from __future__ import annotations

import numpy as np

NETWORKS, STEPS = 200, 24


def network(seed: int) -> tuple[dict[str, np.ndarray | int], np.ndarray]:
    """A core's integers, named as the arguments of config_from_specification, and input spikes (STEPS, inputs).

    Some saturate int16 on their way, some have a second synapse, biases, shifted weights, thresholds of 0.
    """
    draw = np.random.default_rng(seed)
    inputs, hidden, outputs = draw.integers(1, 17), draw.integers(1, 49), draw.integers(1, 17)
    entered, left = draw.integers(1, hidden + 1), draw.integers(1, hidden + 1)
    synapses = int(draw.integers(1, 3))
    wild = draw.random() < 0.3  # whether sums saturate

    def weights(*shape: int) -> np.ndarray:
        largest = 127 if wild else draw.integers(4, 127)
        w = draw.integers(-largest - 1, largest + 1, shape)
        return (w * (draw.random(shape) < draw.choice([0.1, 0.5, 1.0]))).astype(np.int8)

    def dashes(size: int, lowest: int) -> np.ndarray:
        return draw.integers(lowest, 16 if wild else 6, size).astype(np.int8)

    def thresholds(size: int) -> np.ndarray:
        lowest = 0 if draw.random() < 0.1 else 1
        return draw.integers(lowest, draw.choice([30, 300, 3000, 32768]), size).astype(np.int16)

    def biases(size: int) -> np.ndarray:
        largest = draw.choice([0, 5, 100, 32767], p=[0.5, 0.2, 0.2, 0.1])
        return draw.integers(-largest, largest + 1, size).astype(np.int16)

    shifts = draw.integers(0, 8, 3) if wild else draw.integers(0, 2, 3)
    spec = {
        "weights_in": weights(inputs, entered, synapses),
        "weights_rec": weights(hidden, hidden, synapses),
        "weights_out": weights(left, outputs),
        "dash_mem": dashes(hidden, 0),
        "dash_mem_out": dashes(outputs, 0),
        "dash_syn": dashes(hidden, 0),
        "dash_syn_2": dashes(hidden, 0),
        "dash_syn_out": dashes(outputs, 0),
        "threshold": thresholds(hidden),
        "threshold_out": thresholds(outputs),
        "bias_hidden": biases(hidden),
        "bias_out": biases(outputs),
        **{f"weight_shift_{name}": int(n) for name, n in zip(("in", "rec", "out"), shifts, strict=True)},
    }
    x = draw.poisson(draw.choice([0.05, 0.5, 3.0]), (STEPS, inputs))
    return spec, np.minimum(x, 20).astype(np.int8)  # more than the 15 that are counted
