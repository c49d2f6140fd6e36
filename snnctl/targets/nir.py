"""The target "nir": a file that other frameworks read; read back, run, and compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from snnctl import interchange
from snnctl.circuits import Circuit
from snnctl.targets.plan import Plan
from snnctl.targets.target import Target, Traces


class InFloat:
    """The circuit as it is: nothing is quantised.

    Args:
        circuit: of the network.
    """

    def __init__(self, circuit: Circuit):
        self.circuit = circuit

    def run(self, x: Tensor) -> Traces:
        """As `Circuit.trace`."""
        out, _, spikes = self.circuit.trace(x)
        return Traces(out, spikes)

    def facts(self) -> dict[str, Any]:
        return {"numbers": "float32"}


class NIR(Target):
    """A NIR file, model.nir in the artefact: any framework that reads NIR takes it.

    Source: J. E. Pedersen et al., "Neuromorphic intermediate representation", Nature Communications 15 (2024),
    doi:10.1038/s41467-024-52259-9.
    """

    name = "nir"
    emulates = "the file, read back and run"

    def plan(self, circuit: Circuit) -> Plan:
        notes = []
        for name, neuron in circuit.populations.items():
            unsaid = [f"{option}: {str(getattr(neuron, option)).lower()}" for option in interchange.unsaid(neuron)]
            if unsaid:
                said = f"{name}: NIR cannot express {', '.join(unsaid)}"
                notes.append(f"{said}: in the file's metadata alone, which only snnctl reads")
        return Plan({"model.nir": circuit.names}, (), tuple(notes))

    def quantise(self, circuit: Circuit, plan: Plan, x: Tensor | None = None) -> InFloat:
        return InFloat(circuit)

    def build(self, model: InFloat, circuit: Circuit, plan: Plan, folder: Path) -> None:
        """Nothing beside model.nir, which every artefact has."""

    def simulate(self, folder: Path, x: Tensor) -> Traces:
        circuit = interchange.circuit_of(interchange.read(folder / "model.nir")).requires_grad_(False)
        return InFloat(circuit).run(x)

    def other_runs(self, folder: Path) -> dict[str, Callable[[Tensor], Traces]]:
        """ "others": the file as one reads it who knows the equations and not our metadata."""
        graph = interchange.read(folder / "model.nir")
        own = interchange.circuit_of(graph)
        plain = interchange.circuit_of(interchange.without_notes(graph), dt=own.dt).requires_grad_(False)
        return {"others": InFloat(plain).run}

    def next_steps(self, folder: Path) -> list[str]:
        file = folder / "model.nir"
        readers = f"read it   nir.read({str(file)!r}) in snnTorch, Norse, Sinabs, Rockpool, SpikingJelly, ..."
        return [readers, *interchange.refused(interchange.read(file))]
