"""Compare our integers of Loihi 2 with Lava's fixed point, spike for spike, and freeze cases for the ordinary tests.

    python3.10 -m venv .venv-lava
    .venv-lava/bin/pip install lava-nc==0.10.0
    .venv/bin/python -m tests.targets.oracles.loihi2 --lava .venv-lava/bin/python --cases 300

Lava 0.10.0 wants Python 3.10. Every case is a random circuit that is planned, quantised and built here; the artefact's
own run_lava.py runs it in Lava; spikes of every layer, and membranes of readouts, have to be equal at every step.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from snnctl.targets.loihi2 import Loihi2, files
from snnctl.targets.loihi2.compartment import STATE
from tests.targets.loihi2_circuits import drawn

STRESS = 100  # every fifth case gets an input so many times too large: currents wrap and membranes saturate
FROZEN = Path(__file__).resolve().parents[1] / "vectors" / "loihi2.npz"
RUNNER = """
import json, sys
from pathlib import Path
import numpy as np
import importlib.util
for folder in map(Path, sys.argv[1:]):
    spec = importlib.util.spec_from_file_location("run_lava", folder / "run_lava.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    network = json.loads((folder / "network.json").read_text())
    with np.load(folder / "arrays.npz") as stored:
        seen = script.run(network, dict(stored), np.load(folder / "inputs.npy"))
    np.savez(folder / "lava.npz", **seen)
    print(folder.name, flush=True)
"""


def prepare(seed: int, folder: Path) -> dict[str, np.ndarray]:
    """Build a case's artefact with its input; returns what our integers give, name -> (T, N) int64."""
    circuit, x = drawn(seed)
    target = Loihi2()
    plan = target.plan(circuit)
    model = target.quantise(circuit, plan, x if seed % 3 else None if bool((x == x.round()).all()) else x)
    folder.mkdir()
    target.build(model, circuit, plan, folder)
    payloads = model.payloads(x) * (STRESS if seed % 5 == 4 else 1)
    np.save(folder / "inputs.npy", payloads[:, 0].numpy())
    return {name: gave[:, 0].long().numpy() for name, gave in model.computed(payloads).items()}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lava", required=True, help="the python that has lava-nc")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="seed of the first case")
    parser.add_argument("--freeze", type=int, default=0, help="write so many cases to tests/targets/vectors")
    given = parser.parse_args()
    wrong, rates, frozen, saturated = [], [], {}, 0
    with tempfile.TemporaryDirectory() as place:
        mine = {}
        for seed in range(given.first, given.first + given.cases):
            mine[seed] = prepare(seed, Path(place) / str(seed))
        folders = [str(Path(place) / str(seed)) for seed in mine]
        subprocess.run([given.lava, "-c", RUNNER, *folders], check=True, stdout=sys.stderr)
        for seed, found in mine.items():
            folder = Path(place) / str(seed)
            model = files.read(folder)
            with np.load(folder / "lava.npz") as stored:
                lava = dict(stored)
            rates += [lava[p.name].mean() for p in model.populations if p.spiking]
            saturated += any(np.abs(v).max() == STATE - 1 for v in lava.values())
            if any(not np.array_equal(found[name], lava[name]) for name in found):
                wrong.append(seed)
            if len(frozen) < given.freeze:
                with np.load(folder / "arrays.npz") as stored:
                    frozen[seed] = json.loads((folder / "network.json").read_text()), dict(stored), lava
                frozen[seed][1]["inputs"] = np.load(folder / "inputs.npy")
    active = sum(rate > 0 for rate in rates)
    print(
        f"{given.cases} circuits, {len(rates)} spiking layers, {active} of them fire, "
        f"mean rate {np.mean(rates):.3f} a step"
    )
    print(f"{saturated} reach the ends of the 24 bits of a readout's membrane")
    print(f"{len(wrong)} differ from Lava's fixed point: {wrong}")
    if given.freeze and not wrong:
        FROZEN.parent.mkdir(exist_ok=True)
        np.savez_compressed(FROZEN, **_flat(frozen))
    return int(bool(wrong))


def _flat(frozen) -> dict[str, np.ndarray]:
    arrays = {}
    for seed, (network, stored, lava) in frozen.items():
        network.pop("rounding")
        arrays[f"{seed}/network"] = np.array(json.dumps(network))
        arrays |= {f"{seed}/arrays/{name}": value for name, value in stored.items()}
        arrays |= {f"{seed}/lava/{name}": value for name, value in lava.items()}
    return arrays


if __name__ == "__main__":
    sys.exit(main())
