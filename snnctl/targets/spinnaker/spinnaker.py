"""The target "spinnaker"."""

from __future__ import annotations

import json
import shutil
import tempfile
from math import ceil
from pathlib import Path

import numpy as np
from torch import Tensor

from snnctl.circuits import INPUT, Circuit
from snnctl.errors import NoDevice, RunFailed, UserError
from snnctl.targets import tools
from snnctl.targets.latency import latencies
from snnctl.targets.plan import DoesNotFit, Misfit, Plan, Resource
from snnctl.targets.spinnaker import files, run_spynnaker
from snnctl.targets.spinnaker.model import Fixed
from snnctl.targets.spinnaker.neurons import late, misfits
from snnctl.targets.spinnaker.scales import quantise
from snnctl.targets.synapses import fan_in, has_bias, unknown_layers
from snnctl.targets.target import Target, Traces

SCRIPT, MAPPING = "run_spynnaker.py", "mapping.json"
CHIPS = {3: 4, 5: 48}  # version of the board -> chips
GET = "get it         python3.11 -m venv VENV && VENV/bin/pip install sPyNNaker==1!7.4.1"
WORD = 4  # bytes of a synapse
ROW = 12  # bytes before the synapses of a source


class SpiNNaker(Target):
    """SpiNNaker, through a PyNN script of sPyNNaker's IF_curr_exp, in the s1615 fixed point of its cores:

        i <- floor(i exp(-1 / tau_syn)) + init w s          excitatory and inhibitory apart
        v <- alpha - round(exp(-1 / tau_m) (alpha - v)),    alpha = i_exc - i_inh + v_rest
        spike where v >= threshold, v <- v_reset

    Weights have 16 bits. A connection takes a step, so each layer runs some steps behind the circuit, by which delays
    are set so that it computes the same. With sPyNNaker (`sdk_python`) the artefact is mapped on its virtual board:
    placements, routing tables, SDRAM.

    Args:
        version: of the board: 3 has 4 chips, 5 has 48. cores: of a chip, for neurons. neurons: most on a core.
        sources: most inputs on a core. delay: longest, steps. sdram: of a chip, bytes.
        spikes: most of an input in a step; it gets as many sources.
        headroom: sums of weights may become so many times larger than over the samples that scales are chosen by.
        sdk_python: interpreter with sPyNNaker; None: none.
        board: host name or address of a board; None: none.
        seconds: time limit of a call of sPyNNaker.

    Raises:
        UserError: a value is out of range.

    Source: S. Furber et al., "The SpiNNaker project", Proceedings of the IEEE 102 (2014),
    doi:10.1109/JPROC.2014.2304638; O. Rhodes et al., "sPyNNaker", Frontiers in Neuroscience 12 (2018),
    doi:10.3389/fnins.2018.00816.
    """

    name = "spinnaker"
    emulates = "an integer model of our own; sPyNNaker's virtual board maps and does not simulate"

    def __init__(
        self,
        version: int = 5,
        cores: int = 15,
        neurons: int = 256,
        sources: int = 500,
        delay: int = 16,
        sdram: int = 117440512,
        spikes: int = 16,
        headroom: float = 2.0,
        sdk_python: str | None = None,
        board: str | None = None,
        seconds: float = 900.0,
    ):
        if version not in CHIPS:
            raise UserError(f"target.version is {version!r}", "choose from    3 (4 chips), 5 (48 chips)")
        limits = {"cores": cores, "neurons": neurons, "sources": sources, "delay": delay, "sdram": sdram}
        for key, value in {**limits, "spikes": spikes, "headroom": headroom, "seconds": seconds}.items():
            if not value > 0:
                raise UserError(f"target.{key} is {value!r}", "range          above 0")
        self.version, self.cores, self.neurons, self.sources = version, cores, neurons, sources
        self.delay, self.sdram, self.spikes, self.headroom = delay, sdram, spikes, headroom
        self.sdk_python, self.board, self.seconds = sdk_python, board, seconds

    def plan(self, circuit: Circuit) -> Plan:
        wrong = unknown_layers(circuit)
        known = not wrong
        for name, neuron in circuit.populations.items():
            wrong += misfits(name, neuron, circuit.dt)
        edges = [(p.source, p.target, p.delay + late(circuit.populations[p.target]))
                 for p in circuit.projections if p.target in circuit.populations]  # fmt: skip
        behind, cycles = latencies(circuit.names, edges, circuit.dt)
        wrong += cycles
        wrong += [
            Misfit(p.source, f"its membrane goes to {p.target}, and a connection carries spikes", "let it spike")
            for p in circuit.projections
            if p.target in circuit.populations and p.source != INPUT and not circuit.populations[p.source].spiking
        ]
        resources = []
        for name in circuit.names:
            most = max(d + behind[t] - behind.get(s, 0) for s, t, d in edges if t == name)
            resources.append(Resource(name, "delay", most, self.delay, "steps"))
            if most > self.delay and not cycles:
                limit = f"there are {self.delay}, {self.delay * circuit.dt:g} s"
                wrong.append(Misfit(name, f"a delay of {most} steps on the machine", limit))
        cores: dict[str, tuple[str, ...]] = {}
        if known:
            placed, large = self._place(circuit, cores)
            resources += placed
            wrong += large
        if wrong:
            raise DoesNotFit(self.name, wrong)
        notes = [
            f"{name}: fires at v > threshold; the chip at >= too, a difference of 1 bit (fire: ge has none)"
            for name, neuron in circuit.populations.items()
            if getattr(neuron, "fire", "ge") == "gt"
        ]
        notes.append(f"the last layer runs {max(behind.values())} steps behind the input")
        notes.append(f"a step of {circuit.dt:g} s is 1 ms of the simulation")
        notes.append(f"an input that counts spikes takes {self.spikes} sources, beyond what is placed here")
        sources = (
            "arithmetic: sPyNNaker's IF_curr_exp, from its source; not checked on a board",
            "chips of a board, cores and SDRAM of a chip: Furber et al. 2014; neurons on a core: sPyNNaker's default",
        )
        return Plan(cores, tuple(resources), tuple(notes), sources, {"latencies": behind})

    def _place(self, circuit: Circuit, cores: dict[str, tuple[str, ...]]) -> tuple[list[Resource], list[Misfit]]:
        """Cut populations to cores, in order; sPyNNaker's own placement is in the artefact's mapping.json."""
        sizes = {INPUT: _size(circuit, INPUT), **{name: _size(circuit, name) for name in circuit.names}}
        taken = {name: ceil(n / (self.sources if name == INPUT else self.neurons)) for name, n in sizes.items()}
        if any(has_bias(p) for p in circuit.projections if p.target in circuit.populations):
            taken["(bias)"] = 1
        for name, count in taken.items():
            step = self.sources if name == INPUT else self.neurons
            for k in range(count):
                part = name if count == 1 else f"{name} [{k * step}:{min((k + 1) * step, sizes[name])}]"
                cores[f"core {len(cores)}"] = (part,)
        room = CHIPS[self.version] * self.cores
        resources = [Resource("board", "cores", len(cores), room)]
        wrong = []
        if len(cores) > room:
            largest = max(taken, key=lambda name: taken[name])
            hint = f"there are {room}: make {largest} smaller" + (", or target.version=5" if self.version == 3 else "")
            wrong.append(
                Misfit("board", f"{len(cores)} cores are needed, of which {largest} takes {taken[largest]}", hint)
            )
        used = 0
        for name in circuit.names:
            rows = sum(sizes[p.source] for p in circuit.into(name)) * taken[name] * ROW
            used += rows + sum(int(fan_in(p, circuit.shapes[p.source]).sum()) for p in circuit.into(name)) * WORD
        resources.append(Resource("board", "SDRAM of synapses", used, CHIPS[self.version] * self.sdram, "bytes"))
        if resources[-1].exceeded:
            limit = f"there are {resources[-1].available:,.0f}"
            wrong.append(Misfit("board", f"{used:,} bytes of synapses", limit))
        return resources, wrong

    def quantise(self, circuit: Circuit, plan: Plan, x: Tensor | None = None) -> Fixed:
        return quantise(circuit, plan, x, self.headroom, self.spikes)

    def build(self, model: Fixed, circuit: Circuit, plan: Plan, folder: Path) -> None:
        files.write(model, folder, {"neurons_per_core": self.neurons, "sources_per_core": self.sources})
        shutil.copyfile(run_spynnaker.__file__, folder / SCRIPT)
        if self.sdk_python is not None:
            command = [self._python(), folder / SCRIPT, "--version", self.version, "--map", folder / MAPPING]
            tools.run(command, self.seconds)
            found = json.loads((folder / MAPPING).read_text())
            for p in model.populations:
                if found["shifts"][p.name] != list(p.shifts):
                    got = f"{p.name}: sPyNNaker shifts its weights by {found['shifts'][p.name]}, not {list(p.shifts)}"
                    raise RunFailed(got, "another version of sPyNNaker? this was written for 7.4.1")
            model.rounding["sPyNNaker's virtual board"] = {
                "cores": len(found["cores"]),
                "SDRAM of the fullest chip, bytes": max(found["sdram"].values()),
                "routing entries of the fullest chip": max(found["routing entries"].values(), default=0),
            }

    def simulate(self, folder: Path, x: Tensor) -> Traces:
        return files.read(folder).run(x)

    def flash(self, folder: Path) -> str:
        by_hand = (
            f"by hand        PYTHON {folder / SCRIPT} inputs.npy outputs.npz --board HOST --version {self.version}"
        )
        if self.sdk_python is None or self.board is None:
            missing = "no interpreter with sPyNNaker" if self.sdk_python is None else "no board"
            raise NoDevice(
                f"spinnaker: {missing} is named, so no board was looked for",
                f"{GET}\nname them      target.sdk_python=PYTHON target.board=HOST\n{by_hand}",
            )
        model = files.read(folder)
        with tempfile.TemporaryDirectory() as place:
            silence, said = Path(place) / "silence.npy", Path(place) / "silence.npz"
            np.save(silence, np.zeros((2, 1, *model.input_shape), dtype=np.int32))
            options = ["--board", self.board, "--version", self.version]
            tools.run([self._python(), folder / SCRIPT, silence, said, *options], self.seconds)
        return f"loaded, and ran 2 steps without input on {self.board}\n{by_hand}"

    def next_steps(self, folder: Path) -> list[str]:
        steps = [f"on a board           PYTHON {folder / SCRIPT} inputs.npy outputs.npz --board HOST"]
        if self.sdk_python is None:
            steps.insert(0, f"on the virtual board target.sdk_python=PYTHON; {' '.join(GET.split())}")
        return steps

    def _python(self) -> str:
        if not shutil.which(self.sdk_python):
            raise UserError(f"target.sdk_python={self.sdk_python} is no program", f"give the path of a python\n{GET}")
        return self.sdk_python


def _size(circuit: Circuit, name: str) -> int:
    return int(np.prod(circuit.shapes[name]))
