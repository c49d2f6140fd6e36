"""The stages of a deployment, each printed as it passes."""

from __future__ import annotations

import hashlib
import math
import time
from pathlib import Path
from typing import Any

from snnctl import config, interchange
from snnctl.circuits import INPUT, OUTPUT
from snnctl.deployment.comparison import Comparison
from snnctl.deployment.page import number
from snnctl.deployment.report import Report
from snnctl.deployment.subject import Subject
from snnctl.errors import NoDevice, UserError
from snnctl.report.ink import bold
from snnctl.targets import artefact
from snnctl.targets.plan import Resource
from snnctl.targets.target import Target

GRAPH = "model.nir"


class Deployment:
    """One subject on its way to one target.

    Args:
        subject: what is deployed.
        samples: test samples to compare on; None for all.
        other: a run to hold it against: quantised after training, it shows what training in the target's numbers gains.

    Raises:
        UserError: the other run was not tested on the same samples.
    """

    def __init__(self, subject: Subject, samples: int | None = None, other: Subject | None = None):
        self.subject, self.samples, self.other = subject, samples, other
        if other is not None and not subject.tests_as(other):
            problem = f"{other.name} was trained on samples that {subject.name} is tested on"
            raise UserError(problem, "beside=RUN needs a run of the same data set and seed")
        self.target: Target = config.build(subject.cfg.target)
        self.folder = subject.home / "deploy" / self.target.name.replace("/", "_")
        self.report = Report(subject.name, self.target.name)
        self.plan = self.model = None

    def place(self) -> None:
        """graph, map, check.

        Raises:
            DoesNotFit: with every reason.
        """
        circuit = self.subject.circuit
        neurons = sum(math.prod(circuit.shapes[name]) for name in circuit.names)
        ends = f"{_by(circuit.shapes[INPUT])} in, {_by(circuit.shapes[OUTPUT])} out"
        self._say("graph", f"{len(circuit.names)} layers of neurons, {neurons:,} neurons, {ends}, dt {circuit.dt:g} s")
        for line in circuit.assumed:
            self._say("", line)
        self.plan = self.target.plan(circuit)
        for core, layers in self.plan.cores.items():
            self._say("map" if core == next(iter(self.plan.cores)) else "", f"{core}: {', '.join(layers)}")
        used = [_line(r) for r in self.plan.resources]
        self._say("check", f"fits {self.target.name}")
        for line in (*used, *self.plan.notes):
            self._say("", line)
        self.report.placed(circuit, self.plan)

    def dry(self) -> None:
        """Say what would follow."""
        self._say("dry run", f"would build {self.folder / 'artefact'}, run it in {self.target.emulates}, and compare")

    def make(self, keep: bool = False) -> None:
        """quantise, build.

        Args:
            keep: use the artefact that is there, if it was built from the same graph and options.

        Raises:
            UserError: a tool is missing; the artefact that is there was edited.
        """
        self.model = self.target.quantise(self.subject.circuit, self.plan, self.subject.for_scales())
        facts = self.model.facts()
        self._say(
            "quantise", ", ".join(f"{k} {_short(v)}" for k, v in facts.items() if not isinstance(v, (dict, list)))
        )
        place = self.folder / "artefact"
        if keep and place.exists() and artefact.opened(place).get("key") == self._key():
            self._say("build", f"{place} is there, unchanged")
        else:
            self._build(place, facts)
        measured = list(self.target.measured(place))
        for resource in measured:
            self._say("", _line(resource))
        self.report.built(place, facts, measured)

    def _build(self, place: Path, facts: dict[str, Any]) -> None:
        started = time.monotonic()

        def fill(folder: Path) -> None:
            interchange.write(folder / GRAPH, self.subject.graph)
            self.target.build(self.model, self.subject.circuit, self.plan, folder)

        about = {"target": self.target.name, "key": self._key(), "dt": self.subject.circuit.dt, "quantisation": facts,
                 "limits": [r._asdict() for r in self.plan.resources]}  # fmt: skip
        artefact.build(place, fill, about)
        files = [p for p in sorted(place.rglob("*")) if p.is_file() and p.name != artefact.MANIFEST]
        self._say("build", f"{place}, {time.monotonic() - started:.1f} s: {', '.join(p.name for p in files[:8])}"
                  + (f" and {len(files) - 8} more" if len(files) > 8 else ""))  # fmt: skip

    def compare(self, emulated: bool = False) -> None:
        """simulate, compare, and write the report."""
        place = self.folder / "artefact"
        artefact.opened(place)
        label = "emulated" if emulated else "simulated"
        runs = {
            "quantised": self.model.run,
            label: lambda x: self.target.simulate(place, x),
            **self.target.other_runs(place),
        }
        comparison = Comparison(self.subject.circuit, runs, self.subject.scores)
        started = time.monotonic()
        for x, length, target in self.subject.batches(self.samples):
            comparison.add(x, length, target)
        found = comparison.result()
        self._say(
            "simulate", f"{self.target.emulates}: {found['samples']:,} samples, {time.monotonic() - started:.1f} s"
        )
        self.report.compared(found, self.target, self.target.next_steps(place))
        if self.other is not None:
            self.report.beside(self.other.name, self._other_accuracy())
        self.report.show()
        self.report.write(self.folder)

    def _other_accuracy(self) -> dict[str, float]:
        """Of the other run, on the same samples: float and in the target's numbers."""
        other = self.other
        plan = self.target.plan(other.circuit)
        model = self.target.quantise(other.circuit, plan, other.for_scales())
        comparison = Comparison(other.circuit, {"quantised": model.run}, other.scores)
        for x, length, target in other.batches(self.samples):
            comparison.add(x, length, target)
        return comparison.result()["accuracy"]

    def flash(self) -> None:
        """Put the artefact on the device.

        Raises:
            NoDevice: none is there; the artefact is kept.
        """
        place = self.folder / "artefact"
        artefact.opened(place)
        try:
            self._say("flash", self.target.flash(place))
        except NoDevice as error:
            raise NoDevice(error.problem, f"{error.hint}\nthe artefact is kept in   {place}") from None

    def _key(self) -> str:
        """What the artefact depends on: the numbers of the graph, and the options of the target."""
        hashed = hashlib.sha256(repr(self.subject.cfg.target).encode())
        for tensor in (*self.subject.circuit.parameters(), *self.subject.circuit.buffers()):
            hashed.update(tensor.detach().cpu().numpy().tobytes())
        hashed.update(repr(self.subject.circuit).encode())
        return hashed.hexdigest()

    @staticmethod
    def _say(stage: str, text: str) -> None:
        print(f"{bold(stage.ljust(9))} {text}", flush=True)


def _line(r: Resource) -> str:
    limit = "" if r.available is None else f" of {number(r.available)}"
    return f"{r.where} {r.name} {number(r.used)}{limit} {r.unit}".rstrip()


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "1"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
