"""Configure a Xylo development kit with the core in this folder, and run an input on it where one is given.

    python configure.py                                    configure the board
    python configure.py --input x.npy --output out.npy     also run x (T, inputs), whole numbers of spikes

Runs by itself in an environment with `pip install rockpool[xylo]` and SynSense's samna. The last line that it prints is
a JSON object: status ("configured", "no sdk", "no board", "invalid") and what was found.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
from pathlib import Path

import numpy as np

FINDERS = {  # module of Rockpool -> its module and function that look for boards
    "syns61201": ("xa2_devkit_utils", "find_xylo_a2_boards"),
    "syns65302": ("xa3_devkit_utils", "find_xylo_a3_boards"),
    "syns63300": ("xylo_imu_devkit_utils", "find_xylo_imu_boards"),
}


def configure(folder: Path, given: Path | None, written: Path | None) -> dict[str, str]:
    """Configure the first board that is found; returns the status."""
    layout = json.loads((folder / "layout.json").read_text())
    chip = json.loads((folder / "chip.json").read_text())["chip"].lower()
    missing = [name for name in ("rockpool", "samna") if importlib.util.find_spec(name) is None]
    if missing:
        return {"status": "no sdk", "found": f"without {' and '.join(missing)}"}
    package = f"rockpool.devices.xylo.{chip}"
    module, finder = FINDERS[chip]
    boards = getattr(importlib.import_module(f"{package}.{module}"), finder)()
    if not boards:
        return {"status": "no board", "found": f"{finder}() found none"}
    device = importlib.import_module(package)
    with np.load(folder / "specification.npz", allow_pickle=False) as file:
        spec = {name: int(file[name]) if file[name].ndim == 0 else file[name] for name in file.files}
    config, valid, message = device.config_from_specification(**spec)
    if not valid:
        return {"status": "invalid", "found": str(message)}
    mode = "Spike" if layout["spiking"] else "Vmem"
    core = device.XyloSamna(boards[0], config, dt=layout["dt"], output_mode=mode)
    if given is not None:
        np.save(written or folder / "output.npy", core(np.load(given))[0])
    return {"status": "configured", "found": str(boards[0])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", type=Path, help="npy, (T, inputs)")
    parser.add_argument("--output", type=Path, help="npy to write, (T, outputs)")
    options = parser.parse_args()
    print(json.dumps(configure(Path(__file__).resolve().parent, options.input, options.output)))


if __name__ == "__main__":
    main()
