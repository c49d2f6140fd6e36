"""Run this folder's network with sPyNNaker, with the numbers of network.json and arrays.npz.

    python run_spynnaker.py --map mapping.json           place, route, build tables on a virtual board
    python run_spynnaker.py inputs.npy outputs.npz --board HOST     run on a board; not tried on one

Options: --version 3 or 5 of the board (5). Needs sPyNNaker 7.4.1. inputs.npy holds x (T, B, ...), numbers of spikes;
outputs.npz holds for every population (T, B, N) in the circuit's own time: spikes, or v of a readout in its own unit.
A step of the circuit is 1 ms of the simulation, which lasts dt of real time.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

BIAS = "(bias)"
NEVER = 60000.0  # mV: the threshold of a readout


def sources(x, copies):
    """Times of the spikes of every source, ms: `copies` sources an input, of which as many fire as it counts."""
    times = []
    for n in range(x.shape[1]):
        for copy in range(copies):
            times.append([float(t) for t in np.flatnonzero(x[:, n] > copy)])
    return times


def build(sim, network, arrays, x):
    """Populations and projections of PyNN for one sample x (T, N): name -> population."""
    sim.set_number_of_neurons_per_core(sim.IF_curr_exp, network["neurons_per_core"])
    sim.set_number_of_neurons_per_core(sim.SpikeSourceArray, network["sources_per_core"])
    late = max(p["latency"] for p in network["populations"])
    steps, copies = len(x) + late + 1, network["copies"]
    made = {"input": sim.Population(x.shape[1] * copies, sim.SpikeSourceArray(sources(x, copies)), label="input")}
    if any(c["source"] == BIAS for c in network["connections"]):
        every = [[float(t) for t in range(steps)]]
        made[BIAS] = sim.Population(1, sim.SpikeSourceArray(every), label=BIAS)
    for i, p in enumerate(network["populations"]):
        values = {f: arrays[f"population {i} {f}"] for f in ("tau_m", "tau_syn", "v_rest", "v_reset", "threshold")}
        size = int(np.prod(p["shape"]))
        tau_m, tau_syn, rest, reset, threshold = (v.tolist() if v.size > 1 else v.item() for v in values.values())
        spiking = bool(np.isfinite(values["threshold"]).all())
        cell = sim.IF_curr_exp(
            tau_m=tau_m,
            cm=tau_m,
            tau_syn_E=tau_syn,
            tau_syn_I=tau_syn,
            v_rest=rest,
            v_reset=reset if spiking else rest,
            v_thresh=threshold if spiking else NEVER,
            tau_refrac=float(p["refractory"]),
            i_offset=0.0,
        )
        # sPyNNaker chooses the shifts of its 16-bit weights by the largest sum that it is told to expect
        expected = [2.0**shift * 0.999 if shift else 0.5 for shift in p["shifts"]]
        made[p["name"]] = population = sim.Population(
            size,
            cell,
            label=p["name"],
            initial_values={"v": rest},
            additional_parameters={"max_expected_summed_weight": expected},
        )
        population.record("spikes" if spiking else "v")
    for i, c in enumerate(network["connections"]):
        weight, repeats = arrays[f"connections {i} weight"], copies if c["source"] == "input" else 1
        for sign, receptor in ((1, "excitatory"), (-1, "inhibitory")):
            target, source = np.nonzero(sign * weight > 0)
            if len(target):
                rows = [
                    (int(s) * repeats + k, int(t), float(weight[t, s]), float(c["steps"]))
                    for t, s in zip(target, source, strict=True)
                    for k in range(repeats)
                ]
                connector = sim.FromListConnector(rows)
                sim.Projection(made[c["source"]], made[c["target"]], connector, receptor_type=receptor)
    return made, steps


def run(network, arrays, x):
    """Every population's spikes, or v of a readout, for one sample x (T, N): name -> (T, N), in the circuit's time."""
    import pyNN.spiNNaker as sim

    sim.setup(timestep=1.0, min_delay=1.0, time_scale_factor=max(1, round(1000 * network["dt"])))
    made, steps = build(sim, network, arrays, x)
    sim.run(float(steps))
    seen = {}
    for p in network["populations"]:
        size, first = int(np.prod(p["shape"])), p["latency"]
        if p["name"] in made:
            segment = made[p["name"]].get_data().segments[0]
            if segment.spiketrains:
                values = np.zeros((steps, size))
                for n, train in enumerate(segment.spiketrains):
                    values[np.rint(train.magnitude).astype(int), n] = 1
                seen[p["name"]] = values[first:][: len(x)]
            else:  # v is recorded before the step's update
                values = np.asarray(segment.filter(name="v")[0].magnitude) / p["unit"]
                seen[p["name"]] = values[first + 1 :][: len(x)]
    sim.end()
    return seen


def mapped(network, arrays):
    """Where sPyNNaker places, routes and stores the network on its virtual board."""
    import pyNN.spiNNaker as sim
    from spynnaker.pyNN.data import SpynnakerDataView as View

    sim.setup(timestep=1.0, min_delay=1.0, time_scale_factor=max(1, round(1000 * network["dt"])))
    x = np.zeros((2, int(np.prod(network["input_shape"]))))
    x[0] = 1
    made, steps = build(sim, network, arrays, x)
    sim.run(float(steps))
    cores, sdram, shifts = {}, {}, {}
    for placement in View.iterate_placemements():
        vertex, chip = placement.vertex, f"{placement.x},{placement.y}"
        used = int(vertex.sdram_required.get_total_sdram(steps))
        sdram[chip] = sdram.get(chip, 0) + used
        if vertex.app_vertex is not None and vertex.app_vertex.label in made:
            part = vertex.vertex_slice
            about = {"layer": vertex.app_vertex.label, "neurons": [part.lo_atom, part.hi_atom + 1], "sdram": used}
            cores[f"{chip},{placement.p}"] = about
            if hasattr(vertex.app_vertex, "get_ring_buffer_shifts"):
                shifts[about["layer"]] = [int(shift) for shift in vertex.app_vertex.get_ring_buffer_shifts()]
    tables = {f"{t.x},{t.y}": t.number_of_entries for t in View.get_uncompressed().routing_tables}
    sim.end()
    return {"cores": cores, "sdram": sdram, "routing entries": tables, "shifts": shifts}


def main(words):
    """The command line."""
    options = {words[k]: words[k + 1] for k in range(len(words) - 1) if words[k].startswith("--")}
    folder = Path(__file__).resolve().parent
    network = json.loads((folder / "network.json").read_text())
    with np.load(folder / "arrays.npz") as stored:
        arrays = dict(stored)
    place = Path(tempfile.mkdtemp(prefix="spynnaker-"))  # sPyNNaker reads its settings from HOME and writes reports
    board = options.get("--board")
    lines = ["[Machine]", f"version = {options.get('--version', '5')}"]
    lines += [f"machine_name = {board}"] if board else ["machine_name = None", "virtual_board = True"]
    (place / ".spynnaker.cfg").write_text("\n".join(lines) + "\n")
    os.environ["HOME"] = str(place)
    files = [str(Path(word).resolve()) for word in words if not word.startswith("--") and word not in options.values()]
    mapping = Path(options["--map"]).resolve() if "--map" in options else None
    os.chdir(place)
    if mapping:
        mapping.write_text(json.dumps(mapped(network, arrays), indent=1) + "\n")
        return
    x = np.load(files[0])
    x = x.reshape(*x.shape[:2], -1)
    samples = [run(network, arrays, x[:, b]) for b in range(x.shape[1])]
    np.savez_compressed(files[1], **{name: np.stack([s[name] for s in samples], 1) for name in samples[0]})


if __name__ == "__main__":
    main(sys.argv[1:])
