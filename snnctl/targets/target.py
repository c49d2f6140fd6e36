"""The base of all targets: map, check, quantise, build, simulate, flash."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from snnctl.circuits import Circuit
from snnctl.errors import NoDevice
from snnctl.targets.plan import Plan, Resource
from snnctl.targets.tools import Tool

SCALED_BY = 128  # training samples, of all classes, that a target chooses its scales by


class Traces(NamedTuple):
    """What a run gave."""

    out: Tensor  # (T, B, *output) float32, in the unit of the circuit's output where the target can give it
    spikes: dict[str, Tensor]  # population -> what it gave at each step (T, B, *shape); those that can be seen


class Model(Protocol):
    """A circuit in a target's own numbers."""

    def run(self, x: Tensor) -> Traces:
        """From rest over x (T, B, *input)."""

    def facts(self) -> dict[str, Any]:
        """Scales, bits and the largest error of what was rounded, plain values for the manifest and the report."""


class Target(ABC):
    """A chip, or a tool chain, that a circuit can be deployed to. The stages, in order:

        plan   = target.plan(circuit)                where everything goes; DoesNotFit says every reason why not
        model  = target.quantise(circuit, plan, x)   its integers, and what they compute
        target.build(model, circuit, plan, folder)   the files to flash, and all that simulate needs
        traces = target.simulate(folder, x)          run the files themselves: in an emulator or a simulator
        target.flash(folder)                         put them on the device

    A subclass is a dataclass-like object whose arguments are the keys of its YAML.

    Attributes:
        name: as in `snnctl ls targets`, such as "xylo/a3".
        tools: programs and packages that build, simulate or flash need.
        emulates: what `simulate` runs, in words, for the report: "QEMU mps2-an386", "an integer model of our own".
    """

    name: str
    tools: Sequence[Tool] = ()
    emulates: str

    @abstractmethod
    def plan(self, circuit: Circuit) -> Plan:
        """Map the circuit on the target's resources and hold it against the limits. Reads shapes and time constants; no
        weights, so that a network on the meta device, before training, can be checked.

        Raises:
            DoesNotFit: names every layer, number and limit, and what would fit.
        """

    @abstractmethod
    def quantise(self, circuit: Circuit, plan: Plan, x: Tensor | None = None) -> Model:
        """The circuit in the target's own numbers.

        Args:
            plan: of the same circuit.
            x: inputs (T, B, *input) to choose scales by; None: by the weights alone.

        Raises:
            UserError: the weights are all zero, or not finite.
        """

    @abstractmethod
    def build(self, model: Model, circuit: Circuit, plan: Plan, folder: Path) -> None:
        """Write the artefact's files into an empty folder.

        Raises:
            UserError: a tool is missing; says how to get it.
        """

    @abstractmethod
    def simulate(self, folder: Path, x: Tensor) -> Traces:
        """Run the artefact in `folder` from rest over x (T, B, *input), bit for bit what the target computes."""

    def other_runs(self, folder: Path) -> dict[str, Callable[[Tensor], Traces]]:
        """Name -> another run of the artefact to compare with, if there is one."""
        return {}

    def flash(self, folder: Path) -> str:
        """Put the artefact on the device; returns what was done, for the report.

        Raises:
            NoDevice: none is attached (exit 3); names what was looked for, and the command to run by hand.
            UserError: a tool is missing.
        """
        raise NoDevice(f"{self.name}: there is nothing to flash", f"the artefact is in   {folder}")

    def measured(self, folder: Path) -> Sequence[Resource]:
        """What building found to be used of what there is, as a linker or a placer counts it."""
        return ()

    def next_steps(self, folder: Path) -> list[str]:
        """What a user with the device does next, one line each."""
        return []

    def energy(self, operations: float) -> tuple[float, str] | None:
        """Energy of a sample's synaptic operations in J, and the source of the figure; None where none is known."""
        return None
