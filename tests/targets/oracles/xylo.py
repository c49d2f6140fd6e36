"""What the package xylosim computes of random cores, frozen for the ordinary tests in xylo.npz beside this file.

    python3.11 -m venv .venv-xylosim
    .venv-xylosim/bin/pip install --no-deps numpy==2.4.6 xylosim==0.1.3      builds from source, needs g++
    .venv-xylosim/bin/python tests/targets/oracles/xylo.py

xylosim states no licence: it is run here and is no part of snnctl. It keeps pointers to the lists that it is given, so
they must outlive it, and an ill-formed core ends the interpreter: hence an environment and a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from xylo_networks import NETWORKS, network

FILE = Path(__file__).with_suffix(".npz")
kept: list[object] = []  # what xylosim points to


def evolve(spec: dict, x: np.ndarray) -> dict[str, np.ndarray]:
    """Spikes and states of a core over x (T, inputs), each (T, neurons)."""
    from xylosim.v2 import XyloLayer, XyloSynapse

    def synapses(weights: np.ndarray) -> list:
        rows = [[(post, k) for post, k in np.argwhere(row)] for row in weights]
        return [
            [XyloSynapse(int(post), int(k), int(row[post, k])) for post, k in found]
            for row, found in zip(weights, rows, strict=True)
        ]

    hidden = len(spec["weights_rec"])
    leading = [[] for _ in range(hidden - len(spec["weights_out"]))]
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in spec.items()}
    arguments = {
        "synapses_in": synapses(spec["weights_in"]),
        "synapses_rec": synapses(spec["weights_rec"]),
        "synapses_out": leading + synapses(spec["weights_out"][:, :, None]),
        "aliases": [[] for _ in range(hidden)],
        "threshold": plain["threshold"],
        "threshold_out": plain["threshold_out"],
        "has_bias": bool(spec["bias_hidden"].any() or spec["bias_out"].any()),
        "bias": plain["bias_hidden"],
        "bias_out": plain["bias_out"],
        "weight_shift_inp": plain["weight_shift_in"],
        "weight_shift_rec": plain["weight_shift_rec"],
        "weight_shift_out": plain["weight_shift_out"],
        "dash_mem": plain["dash_mem"],
        "dash_mem_out": plain["dash_mem_out"],
        "dash_syns": [list(pair) for pair in zip(plain["dash_syn"], plain["dash_syn_2"], strict=True)],
        "dash_syns_out": [[dash] for dash in plain["dash_syn_out"]],
    }
    kept.append(arguments)
    layer = XyloLayer(**arguments, name="core")
    kept.append(layer)
    out = layer.evolve(x.tolist())
    return {
        "spikes": np.array(layer.rec_recurrent_spikes, np.uint8),
        "out": np.array(out, np.uint8),
        "v_out": np.array(layer.rec_v_mem_out, np.int16).T,
    }


def main() -> None:
    """Evolve every network, one after another in one array each."""
    found = [evolve(*network(seed)) for seed in range(NETWORKS)]
    arrays = {name: np.concatenate([case[name].ravel() for case in found]) for name in found[0]}
    np.savez_compressed(FILE, **arrays)
    print(
        f"{NETWORKS} networks, {arrays['spikes'].sum():,} hidden spikes, {FILE.stat().st_size:,} bytes in {FILE.name}"
    )


if __name__ == "__main__":
    main()
