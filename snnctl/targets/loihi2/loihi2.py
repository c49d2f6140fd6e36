"""The target "loihi2"."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from torch import Tensor

from snnctl.circuits import INPUT, Circuit
from snnctl.errors import NoDevice, UserError
from snnctl.targets import tools
from snnctl.targets.latency import latencies
from snnctl.targets.loihi2 import files, run_lava
from snnctl.targets.loihi2.compartment import LARGEST_DELAY
from snnctl.targets.loihi2.conventions import delayed, fit
from snnctl.targets.loihi2.cores import Limits, cut
from snnctl.targets.loihi2.integers import Integers
from snnctl.targets.loihi2.scales import quantise
from snnctl.targets.plan import DoesNotFit, Misfit, Plan, Resource
from snnctl.targets.synapses import fan_in, unknown_layers
from snnctl.targets.target import Target, Traces

SCRIPT = "run_lava.py"
SOURCES = (
    "arithmetic: Lava 0.10.0, LIF, Dense and DelayDense tagged fixed_pt",
    "cores, neurons, memory, synapses: Intel's technology brief of Loihi 2 (2021); published, not checked on a chip",
)


class Loihi2(Target):
    """Intel's Loihi 2, in the fixed point of Lava's LIF:

        u <- trunc(u (4096 - (du + 1)) / 4096) + 64 a          24 bits, wraps
        v <- trunc(v (4096 - dv) / 4096) + u + bias            24 bits, saturates
        spike where v > 64 vth, v <- 0

    a is the sum of the step's synapses, weights of 8 bits times 2^exponent. Every connection takes a step, so each
    layer runs some steps behind the circuit, by which delays are set so that it computes the same.

    Args:
        cores: of the chip. neurons: most on a core. memory: of a core, bytes. synapses: most on the chip.
        synapse_bytes, neuron_bytes: what one takes of the memory.
        headroom: currents may become so many times larger than over the samples that scales are chosen by.
        tolerance: largest error of a leak, a share of it.
        sdk_python: interpreter with Intel's lava-loihi; None: none.
        seconds: time limit of a call of it.

    Raises:
        UserError: a value is out of range.

    Source: see `SOURCES`; M. Davies et al., "Loihi", IEEE Micro 38 (2018), doi:10.1109/MM.2018.112130359.
    """

    name = "loihi2"
    emulates = "an integer model of our own, the same as Lava's fixed point"

    def __init__(
        self,
        cores: int = 128,
        neurons: int = 8192,
        memory: int = 196608,
        synapses: int = 120_000_000,
        synapse_bytes: float = 1.0,
        neuron_bytes: float = 8.0,
        headroom: float = 4.0,
        tolerance: float = 0.1,
        sdk_python: str | None = None,
        seconds: float = 600.0,
    ):
        for key, value in {"cores": cores, "neurons": neurons, "memory": memory, "synapses": synapses,
                           "synapse_bytes": synapse_bytes, "headroom": headroom, "tolerance": tolerance,
                           "seconds": seconds}.items():  # fmt: skip
            if not value > 0:
                raise UserError(f"target.{key} is {value!r}", "range          above 0")
        self.limits = Limits(cores, neurons, memory, synapses, synapse_bytes, neuron_bytes)
        self.headroom, self.tolerance = headroom, tolerance
        self.sdk_python, self.seconds = sdk_python, seconds

    def plan(self, circuit: Circuit) -> Plan:
        misfits = unknown_layers(circuit)
        notes, registers = [], {}
        for name, neuron in circuit.populations.items():
            found = fit(name, neuron, circuit.dt, self.tolerance)
            misfits += found.misfits
            notes += found.notes
            registers[name] = found.registers
        edges = [(p.source, p.target, p.delay + delayed(circuit.populations[p.target]))
                 for p in circuit.projections if p.target in circuit.populations]  # fmt: skip
        behind, late = latencies(circuit.names, edges, circuit.dt)
        misfits += late
        misfits += [
            Misfit(p.source, f"its membrane goes to {p.target}, and a connection carries spikes", "let it spike")
            for p in circuit.projections
            if p.target in circuit.populations and p.source != INPUT and not circuit.populations[p.source].spiking
        ]
        resources, steps = [], {}
        for source, target, delay in edges:
            steps[target] = max(steps.get(target, 0), delay + behind[target] - behind.get(source, 0))
        for name, most in steps.items():
            resources.append(Resource(name, "delay", most, LARGEST_DELAY, "steps"))
            if most > LARGEST_DELAY and not late:
                limit = f"there are {LARGEST_DELAY}, {LARGEST_DELAY * circuit.dt:g} s"
                misfits.append(Misfit(name, f"a delay of {most} steps on the chip", limit))
        cores = {}
        if not unknown_layers(circuit):
            arriving = {name: sum(fan_in(p, circuit.shapes[p.source]) for p in circuit.into(name))
                        for name in circuit.names}  # fmt: skip
            cores, used, large = cut(circuit, arriving, self.limits)
            resources += used
            misfits += large
        if misfits:
            raise DoesNotFit(self.name, misfits)
        last = max(behind.values())
        notes.append(f"the last layer runs {last} {'step' if last == 1 else 'steps'} behind the input")
        details = {"registers": registers, "latencies": behind}
        return Plan(cores, tuple(resources), tuple(notes), SOURCES, details)

    def quantise(self, circuit: Circuit, plan: Plan, x: Tensor | None = None) -> Integers:
        return quantise(circuit, plan, x, self.headroom)

    def build(self, model: Integers, circuit: Circuit, plan: Plan, folder: Path) -> None:
        files.write(model, folder)
        shutil.copyfile(run_lava.__file__, folder / SCRIPT)

    def simulate(self, folder: Path, x: Tensor) -> Traces:
        return files.read(folder).run(x)

    def flash(self, folder: Path) -> str:
        by_hand = f"by hand        PYTHON {folder / SCRIPT} inputs.npy outputs.npz --chip"
        get = "get it         lava-loihi, from Intel to members of its Neuromorphic Research Community (intel-nrc.org)"
        if self.sdk_python is None:
            raise NoDevice(
                "loihi2: no interpreter with lava-loihi is named, so no chip was looked for",
                f"{get}\nname it        target.sdk_python=PYTHON\n{by_hand}",
            )
        if not shutil.which(self.sdk_python):
            raise UserError(f"target.sdk_python={self.sdk_python} is no program", "give the path of its python")
        found = tools.run([self.sdk_python, folder / SCRIPT, "--probe"], self.seconds).decode().split()
        if found[-1:] != ["lava-loihi"]:
            raise NoDevice(f"loihi2: {self.sdk_python} has lava without lava-loihi", f"{get}\n{by_hand}")
        model = files.read(folder)
        with tempfile.TemporaryDirectory() as place:
            silence, said = Path(place) / "silence.npy", Path(place) / "silence.npz"
            np.save(silence, np.zeros((1, 1, *model.input_shape), dtype=np.int32))
            tools.run([self.sdk_python, folder / SCRIPT, silence, said, "--chip"], self.seconds)
        return f"compiled, and ran a step without input on the chip\n{by_hand}"

    def next_steps(self, folder: Path) -> list[str]:
        return [
            f"in Lava on the CPU   PYTHON {folder / SCRIPT} inputs.npy outputs.npz     (Python 3.10, lava-nc==0.10.0)",
            f"on a Loihi 2         the same with --chip, where Intel's lava-loihi is installed: {folder / SCRIPT}",
        ]

    def energy(self, operations: float) -> tuple[float, str] | None:
        source = "23.6 pJ a synaptic operation, of Loihi 1 (Davies et al. 2018); for Loihi 2 none is published"
        return operations * 23.6e-12, source
