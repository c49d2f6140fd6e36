"""The artefact's own Verilog, run in Icarus Verilog."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snnctl.targets import tools
from snnctl.targets.fpga.arithmetic import Core, events
from snnctl.targets.fpga.verilog import SOURCES, TESTBENCH
from snnctl.targets.target import Traces
from snnctl.targets.tools import Tool

NETWORK = "network.json"
IVERILOG = Tool("iverilog", "apt-get install iverilog", purpose="simulate")
VVP = Tool("vvp", "apt-get install iverilog", purpose="simulate")


def write(core: Core, folder: Path) -> None:
    """network.json: what the numbers that the core gives mean."""
    populations = [
        {"name": n, "shape": list(core.shapes[n]), "fires": p.threshold is not None, "unit": p.unit, "rest": p.rest}
        for n, p in core.populations.items()
    ]
    said = {"output": core.layout.output, "populations": populations}
    (folder / NETWORK).write_text(json.dumps(said, indent=1) + "\n")


def run(folder: Path, x: Tensor, seconds: float) -> tuple[Traces, Tensor]:
    """From rest over x (T, B, *input); and the clocks of each step (T, B).

    Args:
        folder: of the artefact.
        seconds: time limit of the compiler and of the simulation, each.

    Raises:
        UserError: Icarus Verilog is missing, or x is not of whole numbers from 0 to 127.
        RunFailed: it failed or ran out of time.
    """
    iverilog, vvp = IVERILOG.require("fpga"), VVP.require("fpga")
    said = json.loads((folder / NETWORK).read_text())
    counts = events(x).transpose(0, 1)
    samples, steps = counts.shape[:2]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for source in ("sizes.vh", "tables.vh", "weights.hex"):  # read from where it runs
            (place / source).symlink_to((folder / source).resolve())
        (place / "inputs.bin").write_bytes(counts.to(torch.uint8).contiguous().numpy().tobytes())
        sources = [(folder / source).resolve() for source in (*SOURCES, TESTBENCH) if source != "top.v"]
        tools.run([iverilog, "-g2005", "-o", "core.vvp", "-s", "testbench", *sources], seconds, cwd=place)
        tools.run([vvp, "-N", "core.vvp", f"+samples={samples}", f"+steps={steps}"], seconds, cwd=place)
        outputs = np.fromfile(place / "outputs.txt", dtype=np.int64, sep="\n")
        spikes = np.frombuffer((place / "spikes.txt").read_bytes(), dtype=np.uint8) - ord("0")
        clocks = np.fromfile(place / "clocks.txt", dtype=np.int64, sep="\n")
    return _traces(said, outputs, spikes, samples, steps), torch.from_numpy(clocks.reshape(samples, steps).T.copy())


def _traces(said: dict, outputs: np.ndarray, spikes: np.ndarray, samples: int, steps: int) -> Traces:
    firing = [p for p in said["populations"] if p["fires"]]
    sizes = [int(np.prod(p["shape"])) for p in firing]
    rows = spikes.reshape(samples, steps, -1).transpose(1, 0, 2)
    given = {
        p["name"]: torch.from_numpy(part.astype(np.float32)).reshape(steps, samples, *p["shape"])
        for p, part in zip(firing, np.split(rows, np.cumsum(sizes)[:-1], axis=-1), strict=True)
    } if firing else {}  # fmt: skip
    last = next(p for p in said["populations"] if p["name"] == said["output"])
    values = torch.from_numpy(outputs.reshape(samples, steps, -1).transpose(1, 0, 2).copy())
    real = values.float() if last["fires"] else (values.double() * last["unit"] + last["rest"]).float()
    given[last["name"]] = real.reshape(steps, samples, *last["shape"])
    return Traces(given[last["name"]], given)
