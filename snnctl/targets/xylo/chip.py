"""Xylo: SynSense's digital spiking cores, of which A2, A3 and IMU differ in size."""

from __future__ import annotations

import copy
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from snnctl.atomic import write_json
from snnctl.circuits import INPUT, OUTPUT, Circuit, Projection
from snnctl.neurons import LI
from snnctl.neurons.quantity import one_of
from snnctl.targets.plan import DoesNotFit, Misfit, Plan, Resource
from snnctl.targets.target import Target, Traces
from snnctl.targets.xylo import board, conventions, scaling
from snnctl.targets.xylo.arithmetic import HIGHEST
from snnctl.targets.xylo.core import Core, core_of
from snnctl.targets.xylo.model import Layout, XyloModel
from snnctl.targets.xylo.placement import Placement, place
from snnctl.targets.xylo.specification import Specification

Method = Literal["global", "channel"]
MANY = 2**24  # weights, above which they are not counted one by one


class Xylo(Target):
    """A Xylo core: inputs, a row of recurrently connected neurons, output neurons; 8-bit weights, 16-bit states.

    Args:
        name: as in `snnctl ls targets`.
        chip: part number.
        limits: how much there is of what, name -> number; None where no figure is published.
        most: spikes that are counted in a step, for input, hidden and output neurons.
        bits: of weight, state, decay and weight_shift.
        quantisation: "global", one scale for all hidden and one for all output neurons; or "channel", one a neuron.
        sources: where the limits are from.
        sdk_python: interpreter that has Rockpool and samna, for flashing.
        seconds: time limit of a call to the board.

    Source: H. Bos, D. R. Muir, "Sub-mW neuromorphic SNN audio processing applications with Rockpool and Xylo" (2022),
    arXiv:2208.12991.
    """

    emulates = "an integer model of our own, equal to xylosim 0.1.3"

    def __init__(
        self,
        name: str,
        chip: str,
        limits: Mapping[str, int | None],
        most: Mapping[str, int],
        bits: Mapping[str, int],
        quantisation: Method = "channel",
        sources: Sequence[str] = (),
        sdk_python: str | None = None,
        seconds: float = 60.0,
    ):
        self.name, self.chip = name, chip
        self.limits, self.most, self.bits = dict(limits), dict(most), dict(bits)
        self.quantisation = one_of("Xylo", "quantisation", quantisation, Method)
        self.sources, self.sdk_python, self.seconds = tuple(sources), sdk_python, float(seconds)

    @property
    def rounding(self) -> scaling.Rounding:
        """The ranges of the core's integers."""
        return scaling.Rounding(
            weights=2 ** (self.bits["weight"] - 1) - 1,
            states=2 ** (self.bits["state"] - 1) - 1,
            dash=2 ** self.bits["decay"] - 1,
            shift=2 ** self.bits["weight_shift"] - 1,
            channel=self.quantisation == "channel",
        )

    def plan(self, circuit: Circuit) -> Plan:
        placement, found = place(circuit)
        output = placement.output if placement is not None else None
        unfit, notes = self._neurons(circuit, output)
        found += unfit
        resources = self._resources(circuit, placement)
        found += [misfit for resource in resources if (misfit := self._exceeded(resource)) is not None]
        if found:
            raise DoesNotFit(self.name, found)
        late = placement.latency[OUTPUT]
        if late:
            steps = f"{late} step{'s' if late > 1 else ''}"
            notes.append(f"output: comes {steps} later than in the network: give {placement.longest} more, of silence")
        return Plan({"chip": circuit.names}, tuple(resources), tuple(notes), self.sources, {"placement": placement})

    def quantise(self, circuit: Circuit, plan: Plan, x: Tensor | None = None) -> XyloModel:
        placement: Placement = plan.details["placement"]
        rounding = self.rounding
        core = core_of(circuit, placement, rounding.dash)
        chosen = scaling.scales(core, rounding)
        if x is not None:
            chosen = self._fitted(circuit, placement, core, chosen, x)
        spec = scaling.rounded(core, chosen, rounding)
        return self._model(circuit, placement, core, chosen, spec, x)

    def build(self, model: XyloModel, circuit: Circuit, plan: Plan, folder: Path) -> None:
        model.save(folder)
        write_json(folder / "chip.json", {"chip": self.chip, "target": self.name, "limits": self.limits})
        shutil.copyfile(Path(__file__).with_name(board.SCRIPT), folder / board.SCRIPT)

    def simulate(self, folder: Path, x: Tensor) -> Traces:
        return XyloModel.load(folder).run(x)

    def flash(self, folder: Path) -> str:
        return board.configure(self.name, self.sdk_python, folder, self.seconds)

    def next_steps(self, folder: Path) -> list[str]:
        return [
            f"configure the board   {board.command(self.sdk_python, folder)}",
            f"run an input on it    {board.command(self.sdk_python, folder)} --input x.npy --output out.npy",
        ]

    def _neurons(self, circuit: Circuit, output: str | None) -> tuple[list[Misfit], list[str]]:
        """What the neurons do that the core does not, and what it approximates."""
        found: list[Misfit] = []
        notes: list[str] = []
        for name, neuron in circuit.populations.items():
            most = self.most["output" if name == output else "hidden"]
            unfit = list(conventions.misfits(name, neuron, name == output, most))
            if not unfit:
                numbers = conventions.dynamics(neuron, circuit.shapes[name], circuit.dt)
                if numbers is not None:
                    unfit = list(conventions.too_fast(name, neuron, numbers, name == output, circuit.dt))
                    notes += conventions.notes(name, neuron, numbers, self.rounding.dash, most, circuit.dt)
            found += unfit
        for p in circuit.projections:
            if p.target != OUTPUT and any(getattr(layer, "bias", None) is not None for layer in p.layers):
                notes.append(f"{p.title}: its bias acts on the membrane at once, in the network through the current")
        return found, notes

    def _resources(self, circuit: Circuit, placement: Placement | None) -> list[Resource]:
        inputs = Resource("input", "inputs", math.prod(circuit.shapes[INPUT]), self.limits["inputs"])
        if placement is None:
            return [inputs]
        names = ", ".join(placement.first)
        takes = ", ".join(p.target for p in circuit.out_of(INPUT))
        gives = ", ".join(dict.fromkeys(p.source for p in circuit.into(placement.output)))
        within = [p for p in circuit.projections if p.source in placement.first and p.target in placement.first]
        joined = sum(_connections(p, circuit.shapes[p.source], placement.sizes[p.target]) for p in within)
        outputs = placement.sizes[placement.output]
        return [
            inputs,
            Resource(names, "hidden", placement.hidden, self.limits["hidden"]),
            Resource(placement.output, "outputs", outputs, self.limits["outputs"]),
            Resource(takes, "input expansion", placement.entered, self.limits["input_expansion"]),
            Resource(gives, "output expansion", placement.left, self.limits["output_expansion"]),
            Resource(names, "connections", joined, self.limits["connections"]),
            Resource(names, "synapses", 1, self.limits["synapses"]),
        ]

    def _exceeded(self, resource: Resource) -> Misfit | None:
        if not resource.exceeded:
            return None
        said, hint = {
            "inputs": ("inputs", "channels: keep fewer (dataset.source.channels) or pool"),
            "hidden": ("hidden neurons", "in all: make network.hidden smaller"),
            "outputs": ("output neurons", "classes"),
            "input expansion": ("neurons that take input", "in the first layer; later ones may be larger"),
            "output expansion": ("neurons that reach the output", "in the last layer before it"),
            "connections": ("connections between hidden neurons", "in all: smaller or sparser recurrent layers"),
            "synapses": ("synapses", "a neuron"),
        }[resource.name]
        problem = f"{resource.used:,.0f} {said}, {self.name} has {resource.available:,.0f}"
        hint = f"at most {resource.available:,.0f} {hint}"
        return Misfit(resource.where, problem, hint)

    def _fitted(
        self, circuit: Circuit, placement: Placement, core: Core, chosen: scaling.Scales, x: Tensor
    ) -> scaling.Scales:
        """Scales at which an input's states use the range: found without a shift, so that little saturates."""
        chosen = replace(chosen, shift=0, shift_out=0)
        for estimated in (False, True):
            for _ in range(8):
                spec = scaling.rounded(core, chosen, self.rounding)
                ran = self._model(circuit, placement, core, chosen, spec).recording(x)
                peak, peak_out = ran.peak.numpy(), ran.peak_out.numpy()
                if max(peak.max(initial=0), peak_out.max(initial=0)) < HIGHEST:
                    break
                chosen = scaling.lowered(chosen, peak >= HIGHEST, peak_out >= HIGHEST, self.rounding)
            if not estimated:
                chosen = scaling.fitted(chosen, peak, peak_out, core, self.rounding)
        return chosen

    def _model(
        self,
        circuit: Circuit,
        placement: Placement,
        core: Core,
        chosen: scaling.Scales,
        spec: Specification,
        x: Tensor | None = None,
    ) -> XyloModel:
        output = placement.output
        layout = Layout(
            dt=circuit.dt,
            input=circuit.shapes[INPUT],
            populations={
                name: (first, placement.latency[name], circuit.shapes[name]) for name, first in placement.first.items()
            },
            output=output,
            shape=circuit.shapes[output],
            late=placement.latency[output],
            late_out=placement.latency[OUTPUT],
            spiking=not isinstance(circuit.populations[output], LI),
            scale=tuple(chosen.potential_out.tolist()),
            rest=tuple(core.rest.tolist()),
            most=(self.most["input"], self.most["hidden"], self.most["output"]),
        )
        return XyloModel(spec, layout, scaling.facts(core, chosen, spec, self.quantisation, x, self.most["input"]))


def _connections(p: Projection, shape: tuple[int, ...], targets: int) -> int:
    """Weights of a projection that are not 0 by its structure; all that there could be, where they are far too many."""
    most = math.prod(shape) * targets
    if most > MANY:
        return most
    if any(t.is_meta for t in (*p.parameters(), *p.buffers())):
        p = copy.deepcopy(p).to_empty(device="cpu")
        with torch.no_grad():
            for tensor in (*p.parameters(), *p.buffers()):
                tensor.fill_(1)
    return int((p.matrix(shape)[0] != 0).sum())
