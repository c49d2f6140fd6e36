"""The artefact's own Verilog, run in Icarus Verilog."""

from __future__ import annotations

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
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
    iverilog = IVERILOG.require("fpga")
    VVP.require("fpga")
    said = json.loads((folder / NETWORK).read_text())
    counts = events(x).cpu().transpose(0, 1).to(torch.uint8).contiguous().numpy()
    samples, steps = counts.shape[:2]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        sources = [(folder / source).resolve() for source in (*SOURCES, TESTBENCH) if source != "top.v"]
        command = [iverilog, "-g2005", "-o", place / "core.vvp", "-s", "testbench", *sources]
        tools.run(command, seconds, cwd=folder)  # where it finds what they include
        parts = np.array_split(counts, min(samples, len(os.sched_getaffinity(0))))
        with ThreadPoolExecutor(len(parts)) as pool:
            found = list(pool.map(lambda part: _part(folder, place, part, seconds), parts))
    outputs, spikes, clocks = (np.concatenate(each) for each in zip(*found, strict=True))
    traces = _traces(said, outputs, spikes, samples, steps)
    return traces, torch.from_numpy(clocks.reshape(samples, steps).T.copy())


def _part(folder: Path, compiled: Path, counts: np.ndarray, seconds: float) -> tuple[np.ndarray, ...]:
    """Outputs, spikes and clocks of some of the samples (B, T, channels), flat, as the testbench writes them."""
    with tempfile.TemporaryDirectory(dir=compiled) as name:
        place = Path(name)
        (place / "weights.hex").symlink_to((folder / "weights.hex").resolve())  # read from where it runs
        (place / "inputs.bin").write_bytes(counts.tobytes())
        command = [VVP.require("fpga"), "-N", compiled / "core.vvp"]
        tools.run([*command, f"+samples={counts.shape[0]}", f"+steps={counts.shape[1]}"], seconds, cwd=place)
        return (
            np.fromfile(place / "outputs.txt", dtype=np.int64, sep="\n"),
            np.frombuffer((place / "spikes.txt").read_bytes(), dtype=np.uint8) - ord("0"),
            np.fromfile(place / "clocks.txt", dtype=np.int64, sep="\n"),
        )


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
