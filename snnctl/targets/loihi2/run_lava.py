"""Run this folder's network in Lava, with the numbers of network.json and arrays.npz.

    python run_lava.py inputs.npy outputs.npz           Lava's fixed point on the CPU: needs lava-nc 0.10.0, Python 3.10
    python run_lava.py inputs.npy outputs.npz --chip    on a Loihi 2: needs Intel's lava-loihi; not tried on a chip
    python run_lava.py --probe                          says whether lava-loihi is there

inputs.npy holds x (T, B, ...) in whole numbers, as sent: x 2^fraction. outputs.npz holds for every population (T, B, N)
in the circuit's own time: spikes, or of a readout v in bits (the circuit's v = bits / unit + rest).
"""

import json
import sys
from pathlib import Path

import numpy as np

BIAS = "(bias)"
LARGEST = (1 << 17) - 1


def connected(source, target, weight, exponent, steps, bits):
    """Connect two layers of neurons: `steps` of which the first is what every connection takes."""
    from lava.proc.dense.process import DelayDense, Dense
    from lava.proc.sparse.process import Sparse

    options = {"weight_exp": exponent, "num_message_bits": bits}
    if steps > 1:
        synapses = DelayDense(weights=weight, delays=np.full(weight.shape, steps - 1), max_delay=steps - 1, **options)
    elif 2 * np.count_nonzero(weight) < weight.size and exponent == 0 and not bits:
        synapses = Sparse(weights=weight, **options)
    else:
        synapses = Dense(weights=weight, **options)
    source.connect(synapses.s_in)
    synapses.a_out.connect(target.a_in)
    return synapses


def build(network, arrays, x):
    """The processes of Lava for one sample x (T, N): the layers of neurons by name."""
    from lava.proc.io.source import RingBuffer
    from lava.proc.lif.process import LIF

    layers, late = {}, max(p["latency"] for p in network["populations"])
    silence = np.zeros((late, x.shape[1]), dtype=np.int32)
    outputs = {"input": RingBuffer(data=np.concatenate([x, silence]).T.astype(np.int32)).s_out}
    if any(s["source"] == BIAS for s in network["synapses"]):
        outputs[BIAS] = LIF(shape=(1,), du=4095, dv=4095, bias_mant=1, bias_exp=0, vth=0).s_out
    for i, p in enumerate(network["populations"]):
        mantissa, exponent, start = (arrays[f"population {i} {f}"] for f in ("mantissa", "exponent", "start"))
        layers[p["name"]] = lif = LIF(
            shape=start.shape, v=start, du=p["du"], dv=p["dv"], vth=p["vth"], bias_mant=mantissa, bias_exp=exponent
        )
        outputs[p["name"]] = lif.s_out
    for i, s in enumerate(network["synapses"]):
        bits = 24 if s["source"] == "input" and (x < 0).any() | (x > 1).any() else 0
        weight = arrays[f"synapses {i} weight"].astype(np.int32)
        connected(outputs[s["source"]], layers[s["target"]], weight, s["exponent"], s["steps"], bits)
    return layers


def run(network, arrays, x, chip=False):
    """Every population's spikes or membranes for one sample x (T, N): name -> (T, N) int64, in the circuit's time."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2HwCfg, Loihi2SimCfg
    from lava.proc.monitor.process import Monitor

    layers = build(network, arrays, x)
    steps = len(x) + max(p["latency"] for p in network["populations"])
    monitors = {}
    for p in network["populations"]:
        monitors[p["name"]] = monitor = Monitor()
        lif = layers[p["name"]]
        monitor.probe(target=lif.s_out if p["spiking"] else lif.v, num_steps=steps)
    first, cfg = next(iter(layers.values())), Loihi2HwCfg if chip else Loihi2SimCfg
    first.run(condition=RunSteps(num_steps=steps), run_cfg=cfg(select_tag="fixed_pt"))
    seen = {}
    for p in network["populations"]:
        (values,) = monitors[p["name"]].get_data().values()
        (values,) = values.values()
        seen[p["name"]] = values[p["latency"] :][: len(x)].astype(np.int64)
    first.stop()
    return seen


def main(words):
    """The command line."""
    chip = "--chip" in words
    if "--probe" in words:
        from lava.utils.loihi import is_installed

        print("lava-loihi" if is_installed() else "none")
        return
    inputs, outputs = (word for word in words if not word.startswith("--"))
    folder = Path(__file__).resolve().parent
    network = json.loads((folder / "network.json").read_text())
    with np.load(folder / "arrays.npz") as stored:
        arrays = dict(stored)
    x = np.load(inputs)
    x = x.reshape(*x.shape[:2], -1)
    samples = [run(network, arrays, x[:, b], chip) for b in range(x.shape[1])]
    np.savez_compressed(outputs, **{name: np.stack([s[name] for s in samples], 1) for name in samples[0]})


if __name__ == "__main__":
    main(sys.argv[1:])
