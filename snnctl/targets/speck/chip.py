"""The target speck: plan, quantise, build, simulate, flash."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from snnctl.circuits import INPUT, OUTPUT, Circuit
from snnctl.errors import NoDevice, UserError
from snnctl.targets import tools
from snnctl.targets.plan import DoesNotFit, Misfit, Plan, Resource
from snnctl.targets.speck import configuration, conventions, device
from snnctl.targets.speck.convolution import IDLE, Convolution, Unfit, folded
from snnctl.targets.speck.cores import Words, assign, words
from snnctl.targets.speck.integers import Source, discretised, rounding
from snnctl.targets.speck.model import SpeckModel
from snnctl.targets.target import Target, Traces

SCRIPT = "device.py"
PASSING = (nn.Flatten, *IDLE)  # layers that may stand behind the last neurons
LIMITS = "https://sinabs.readthedocs.io/en/main/speck/overview.html"
GET = "samna comes from SynSense, https://synsense-sys-int.gitlab.io/samna/install.html"


class Speck(Target):
    """Speck of SynSense (DYNAP-CNN): nine cores, each a convolution, IF neurons and sum pooling, all asynchronous.

    Args:
        name: as in `snnctl ls targets`.
        device: board, as SynSense names it: speck2edevkit, speck2fmodule, speck2fdevkit.
        kernel_memory, neuron_memory: of each core, words.
        biases: of each core.
        weight_bits, state_bits: of weights and biases, and of membranes and thresholds, sign included.
        kernel: largest side of a kernel, pixels. strides: of a convolution. padding: the most, pixels.
        pools: windows that spikes are summed over on their way to the next core.
        fan_out: cores that a core can send to.
        input_side, output_side: largest map that a core takes, and that its neurons form before pooling, pixels.
        channels: most channels of a map.
        by_event: also run the artefact event by event, as the chip does, and compare.
        order_seed: of the order in which a step's events then come.
        sdk_python: Python interpreter that has samna; None: none.
        seconds: time limit of a call to the device.

    Raises:
        UserError: an argument out of range.

    Source: SynSense, "Speck: overview", https://sinabs.readthedocs.io/en/main/speck/overview.html; O. Richter et al.
    (2023), arXiv:2304.06793.
    """

    emulates = "an integer model of our own, in steps of dt (the chip has no steps)"

    def __init__(
        self,
        name: str,
        device: str,
        kernel_memory: Sequence[int],
        neuron_memory: Sequence[int],
        biases: int,
        weight_bits: int,
        state_bits: int,
        kernel: int,
        strides: Sequence[int],
        padding: int,
        pools: Sequence[int],
        fan_out: int,
        input_side: int,
        output_side: int,
        channels: int,
        by_event: bool = True,
        order_seed: int = 1,
        sdk_python: str | None = None,
        seconds: float = 120.0,
    ):
        self.name, self.device = name, device
        if len(kernel_memory) != len(neuron_memory):
            raise UserError(
                f"{name}: kernel_memory has {len(kernel_memory)} cores, neuron_memory {len(neuron_memory)}",
                "give one number a core in both",
            )
        if device not in devices():
            raise UserError(f"{name}: there is no device {device!r}", f"choose from    {', '.join(devices())}")
        self.cores = tuple(Words(*sizes, biases) for sizes in zip(kernel_memory, neuron_memory, strict=True))
        self.bits = (weight_bits, state_bits)
        self.kernel, self.strides, self.padding, self.pools = kernel, tuple(strides), padding, tuple(pools)
        self.fan_out, self.input_side, self.output_side, self.channels = fan_out, input_side, output_side, channels
        self.by_event, self.order_seed = by_event, order_seed
        self.sdk_python, self.seconds = sdk_python, seconds

    def plan(self, circuit: Circuit) -> Plan:
        bad, notes = [], []
        convolutions: dict[str, Convolution] = {}
        for name, neuron in circuit.populations.items():
            wrong = conventions.misfits(name, neuron)
            bad += wrong
            notes += [] if wrong else conventions.notes(name, neuron)
            bad += self._wiring(circuit, name)
            try:
                convolutions[name], sources = self._fold(circuit, name)
                notes += self._remarks(name, convolutions[name], sources, circuit.dt)
            except Unfit as unfit:
                bad.append(Misfit(name, unfit.problem, unfit.hint))
        bad += self._ends(circuit)
        needs = {}
        for name, conv in convolutions.items():
            bad += self._limits(name, conv)
            needs[name] = words(conv.inputs[0], conv.outputs, conv.kernel, conv.bias is not None)
        cores, without = assign(needs, self.cores)
        if bad or without:
            raise DoesNotFit(self.name, bad + without)
        where = {name: cores[name] for name in circuit.names}
        resources = [
            Resource(name, f"{kind} memory of core {core}", getattr(needs[name], kind), getattr(has, kind), "words")
            for name, core in where.items()
            for has in [self.cores[core]]
            for kind in Words._fields
        ]
        resources.append(Resource("chip", "cores", len(where), len(self.cores)))
        placed = {f"core {core}": (name,) for name, core in sorted(where.items(), key=lambda pair: pair[1])}
        return Plan(placed, tuple(resources), tuple(notes), (f"limits: SynSense, {LIMITS}",), {"cores": where})

    def quantise(self, circuit: Circuit, plan: Plan, x: Tensor | None = None) -> SpeckModel:
        layers, errors = [], {}
        with torch.no_grad():
            for name, neuron in circuit.populations.items():
                try:
                    conv, sources = self._fold(circuit, name)
                except Unfit as unfit:  # weights differ, which the plan of a circuit without values could not see
                    raise DoesNotFit(self.name, [Misfit(name, unfit.problem, unfit.hint)]) from None
                threshold = float(neuron.coefficients(circuit.dt).threshold)
                to_zero = conventions.to_zero(neuron)
                shape = circuit.shapes[name]
                layer = discretised(name, sources, shape, conv, threshold, neuron.v_min, to_zero, self.bits)
                layers.append(layer)
                errors[name] = rounding(layer, conv, threshold)
        output = circuit.into(OUTPUT)[0].source
        return SpeckModel(layers, output, (circuit.shapes[INPUT], circuit.shapes[OUTPUT]), errors)

    def build(self, model: SpeckModel, circuit: Circuit, plan: Plan, folder: Path) -> None:
        chip = {"chip": self.name, "device": self.device, "dt": circuit.dt}
        configuration.write(folder / configuration.FILE, model, plan.details["cores"], chip)
        shutil.copyfile(device.__file__, folder / SCRIPT)

    def simulate(self, folder: Path, x: Tensor) -> Traces:
        return configuration.read(folder / configuration.FILE).run(x)

    def other_runs(self, folder: Path) -> dict[str, Callable[[Tensor], Traces]]:
        if not self.by_event:
            return {}
        from snnctl.targets.speck import by_event  # imports Numba

        return {
            "event by event": lambda x: by_event.run(
                configuration.read(folder / configuration.FILE), x, self.order_seed
            )
        }

    def flash(self, folder: Path) -> str:
        script, file = folder / SCRIPT, folder / configuration.FILE
        by_hand = f"by hand   PYTHON {script} {file}"
        if not self.sdk_python:
            raise NoDevice(
                f"{self.name}: no Python with samna was named, which talks to the {self.device}",
                f"{GET}\nthen      target.sdk_python=PYTHON, the interpreter that has it\n{by_hand}",
            )
        if not shutil.which(self.sdk_python):
            raise UserError(f"target.sdk_python={self.sdk_python} is no program", "give the path of a Python")
        said = tools.run([self.sdk_python, script, file], self.seconds).decode(errors="replace").strip().splitlines()
        try:
            answer = json.loads(said[-1])
        except (IndexError, ValueError):
            raise UserError(f"{self.sdk_python} did not run {script} to its end", by_hand) from None
        if "missing" in answer:
            raise NoDevice(f"{self.name}: {answer['missing']}", f"{GET}\n{by_hand.replace('PYTHON', self.sdk_python)}")
        return answer["done"]

    def next_steps(self, folder: Path) -> list[str]:
        python = self.sdk_python or "PYTHON"
        return [
            f"with a {self.device} attached   {python} {folder / SCRIPT} {folder / configuration.FILE}",
            GET,
        ]

    def _fold(self, circuit: Circuit, name: str) -> tuple[Convolution, tuple[Source, ...]]:
        """The one convolution that a layer's projections are, and where its spikes come from.

        Raises:
            Unfit: there are none, one is no convolution, or they differ.
        """
        found: list[Convolution] = []
        into = circuit.into(name)
        for p in into:
            pools = (1,) if p.source == INPUT else self.pools  # events from outside reach a core as they are
            with torch.no_grad():
                found.append(folded(p, circuit.shapes[p.source], pools))
        if not found:
            raise Unfit("gets spikes from nothing", "leave it out")
        first, biases = found[0], [conv.bias for conv in found if conv.bias is not None]
        for p, conv in zip(into, found, strict=True):
            if not _alike(first, conv):
                raise Unfit(
                    f"{into[0].title} and {p.title} lead to it with different weights",
                    "a core has one kernel: one projection, or the same layer for all",
                )
        sources = tuple(Source(p.source, conv.source, conv.pool) for p, conv in zip(into, found, strict=True))
        return replace(first, bias=sum(biases[1:], biases[0]) if biases else None), sources

    def _wiring(self, circuit: Circuit, name: str) -> list[Misfit]:
        """Delays, cycles, and how many layers a layer sends to."""
        bad, into = [], circuit.into(name)
        bad += [
            Misfit(name, f"{p.title} has a delay of {p.delay} steps", "the chip has none: set it to 0")
            for p in into
            if p.delay and p.source != name
        ]
        bad += [
            Misfit(
                name, f"{p.title} feeds back", "the chip runs networks without recurrence: network=conv, network=mlp"
            )
            for p in into
            if p.source == name
        ]
        to = [p.target for p in circuit.out_of(name) if p.target != OUTPUT]
        if len(to) > self.fan_out:
            bad.append(Misfit(name, f"sends to {len(to)} layers", f"a core can send to {self.fan_out}"))
        if not circuit.out_of(name):
            bad.append(Misfit(name, "sends its spikes to nobody", "leave it out"))
        return bad

    def _ends(self, circuit: Circuit) -> list[Misfit]:
        """The input and the output."""
        bad = []
        out = circuit.into(OUTPUT)
        for p in out:
            if p.source == INPUT or p.delay or not all(isinstance(layer, PASSING) for layer in p.layers):
                bad.append(Misfit(OUTPUT, f"{p.title} lies behind the last neurons", "end the network in IF neurons"))
        if len(out) != 1:
            bad.append(Misfit(OUTPUT, f"{len(out)} layers give the output", "the spikes of one layer are read"))
        fed = [p.target for p in circuit.out_of(INPUT)]
        if len(fed) > self.fan_out:
            bad.append(Misfit(INPUT, f"goes to {len(fed)} layers", f"events can go to {self.fan_out} cores"))
        return bad

    def _limits(self, name: str, conv: Convolution) -> list[Misfit]:
        """What the chip's registers can hold."""
        c, *inputs = conv.inputs
        f, *outputs = conv.outputs
        strides = ", ".join(map(str, self.strides))
        rows = (
            (conv.kernel > self.kernel, f"a kernel of {conv.kernel}x{conv.kernel}",
             f"at most {self.kernel}x{self.kernel}: pool more before it"),
            (conv.stride not in self.strides, f"a stride of {conv.stride}", f"one of {strides}"),
            (conv.padding > self.padding, f"a padding of {conv.padding}", f"at most {self.padding}"),
            (max(inputs) > self.input_side, f"takes a map of {inputs[0]}x{inputs[1]}",
             f"at most {self.input_side}x{self.input_side}: pool the recordings, dataset.transform.pool"),
            (max(outputs) > self.output_side, f"{outputs[0]}x{outputs[1]} neurons a channel",
             f"at most {self.output_side}x{self.output_side}: a stride in the convolution"),
            (min(outputs) < 1, "a kernel larger than its map", "a smaller kernel"),
            (c > self.channels, f"takes {c:,} channels", f"at most {self.channels:,}"),
            (f > self.channels, f"gives {f:,} channels", f"at most {self.channels:,}"),
        )  # fmt: skip
        return [Misfit(name, problem, hint) for wrong, problem, hint in rows if wrong]

    def _remarks(self, name: str, conv: Convolution, sources: Sequence[Source], dt: float) -> list[str]:
        """What a user should know of a layer that fits."""
        said = []
        if conv.bias is not None:
            got = device.clock_rate(1 / dt)
            off = f" for {1 / dt:.4g} Hz, {100 * (got * dt - 1):+.1f} %" if abs(got * dt - 1) > 1e-6 else ""
            said.append(
                f"{name}: biases are added at the ticks of the slow clock, once a step at {got} Hz{off}, and to all "
                f"neurons: a network without biases and norms spares the chip the work"
            )
        for source in sources:
            _, height, width = source.map
            if height % source.pool or width % source.pool:
                said.append(
                    f"{name}: a map of {height}x{width} pooled by {source.pool} leaves a rest, which the model drops; "
                    f"not checked on a chip: a multiple of {source.pool} leaves none"
                )
        return said


def _alike(one: Convolution, other: Convolution) -> bool:
    """Whether two convolutions are the same but for their sources' pooling."""
    if (one.inputs, one.stride, one.padding) != (other.inputs, other.stride, other.padding):
        return False
    if one.weight.is_meta:  # no values to compare: weights of one layer that are neither scaled nor widened
        return one.weight.shape == other.weight.shape
    return one.weight.shape == other.weight.shape and torch.equal(one.weight, other.weight)


def devices() -> list[str]:
    """Boards that the script for the device knows."""
    return list(device.NAMES)
