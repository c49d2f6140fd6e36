"""The target "edge"."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from snnctl.circuits import INPUT, Circuit
from snnctl.neurons.quantity import one_of
from snnctl.targets.edge import formats
from snnctl.targets.edge.step import Step
from snnctl.targets.plan import Plan
from snnctl.targets.target import Target, Traces
from snnctl.targets.tools import Tool

Format = Literal["onnx", "executorch"]
FILES = {"onnx": "step.onnx", "executorch": "step.pte"}
STATES = "step.json"


class InFloat:
    """The step in torch, float32.

    Args:
        step: of the circuit.
    """

    def __init__(self, step: Step):
        self.step = step

    def run(self, x: Tensor) -> Traces:
        """From rest over x (T, B, *input)."""
        with torch.no_grad():
            return self.step.over(x)

    def facts(self) -> dict[str, Any]:
        return {"numbers": "float32", "states": len(self.step.names)}


class Edge(Target):
    """One time step as a function of its input and its states, in a file that ONNX Runtime or ExecuTorch runs:

        out, *states = step(x, *states)

    The states are inputs and outputs, named in step.json with their shapes; they begin as the zeros, or resting
    potentials, that step.json names. The batch is 1.

    Args:
        format: "onnx" or "executorch".

    Source: https://onnxruntime.ai, https://docs.pytorch.org/executorch
    """

    name = "edge"
    tools = (
        Tool("onnx", "pip install 'snnctl[edge]'", package=True),
        Tool("onnxscript", "pip install 'snnctl[edge]'", package=True),
        Tool("onnxruntime", "pip install 'snnctl[edge]'", package=True, purpose="simulate"),
        Tool("executorch", "pip install 'snnctl[executorch]'", package=True),
    )

    def __init__(self, format: Format = "onnx"):
        self.format = one_of("edge", "format", format, Format)
        self.emulates = {"onnx": "ONNX Runtime", "executorch": "ExecuTorch's runtime"}[self.format]

    def plan(self, circuit: Circuit) -> Plan:
        return Plan({FILES[self.format]: circuit.names}, ())

    def quantise(self, circuit: Circuit, plan: Plan, x: Tensor | None = None) -> InFloat:
        return InFloat(Step(circuit))

    def build(self, model: InFloat, circuit: Circuit, plan: Plan, folder: Path) -> None:
        for tool in self.tools:
            if tool.purpose == "build" and tool.name.startswith(self.format):
                tool.require(self.name)
        step = model.step
        x, states = torch.zeros(1, *circuit.shapes[INPUT]), step.initial()
        getattr(formats, self.format)(step, x, states, folder / FILES[self.format])
        rows = [
            {"name": n, "shape": list(s.shape), "initial": s.flatten().tolist()}
            for n, s in zip(step.names, states, strict=True)
        ]
        (folder / STATES).write_text(json.dumps({"dt": circuit.dt, "input": list(x.shape), "states": rows}, indent=1))

    def simulate(self, folder: Path, x: Tensor) -> Traces:
        about = json.loads((folder / STATES).read_text())
        call = getattr(formats, f"{self.format}_runner")(folder / FILES[self.format])
        initial = [torch.tensor(s["initial"]).view(s["shape"]) for s in about["states"]]
        samples = []
        for sample in x.unbind(1):
            states, outs = initial, []
            for x_t in sample:
                out, *states = call(x_t[None], states)
                outs.append(out[0])
            samples.append(torch.stack(outs))
        return Traces(torch.stack(samples, 1), {})

    def next_steps(self, folder: Path) -> list[str]:
        return [
            f"copy {folder / FILES[self.format]} and {STATES} to the device; call it once a step, states in and out"
        ]
