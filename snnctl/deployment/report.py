"""What a deployment found: on the terminal, as report.json, and as report.html."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snnctl.atomic import write_json, write_text
from snnctl.circuits import Circuit
from snnctl.deployment.page import equality, gained, page, percent
from snnctl.report import tables
from snnctl.targets.plan import Plan, Resource
from snnctl.targets.target import Target


class Report:
    """Filled stage by stage.

    Args:
        subject: the run or file.
        target: name of the target.

    Attributes:
        values: what report.json holds.
    """

    def __init__(self, subject: str, target: str):
        self.values: dict[str, Any] = {"subject": subject, "target": target}

    def placed(self, circuit: Circuit, plan: Plan) -> None:
        """Keep the circuit in words, and the plan."""
        self.values |= {
            "dt": circuit.dt,
            "assumed": list(circuit.assumed),
            "layers": {n: {"neuron": str(m), "shape": list(circuit.shapes[n])} for n, m in circuit.populations.items()},
            "cores": {core: list(layers) for core, layers in plan.cores.items()},
            "resources": [r._asdict() for r in plan.resources],
            "notes": list(plan.notes),
            "sources": list(plan.sources),
        }

    def built(self, folder: Path, facts: dict[str, Any], measured: Sequence[Resource] = ()) -> None:
        """Keep where the artefact is, how it was quantised, and what building measured."""
        self.values |= {"artefact": str(folder), "quantisation": facts, "measured": [r._asdict() for r in measured]}

    def compared(self, found: dict[str, Any], target: Target, next_steps: list[str]) -> None:
        """Keep what the comparison found, and the energy that follows from it."""
        operations = sum(found["synaptic_operations"].values())
        energy = target.energy(operations)
        self.values |= {**found, "operations_a_sample": operations, "simulator": target.emulates, "next": next_steps}
        self.values["energy"] = None if energy is None else {"joule_a_sample": energy[0], "source": energy[1]}

    def beside(self, name: str, accuracy: dict[str, float]) -> None:
        """Keep what another run scores that was quantised after training, and what this one gains over it.

        Args:
            name: of the other run. accuracy: float and quantised.
        """
        gain = self.values["accuracy"]["quantised"] - accuracy["quantised"]
        self.values["beside"] = {"run": name, **accuracy, "gain": gain}

    def show(self) -> None:
        """Print accuracy, agreement, operations and what to do next."""
        v = self.values
        names = ["float", *v["same_answers"]] if v["same_answers"] else ["float", *v["spike_agreement"]]
        rows = [
            (name, percent(v["accuracy"].get(name)), percent(v["same_answers"].get(name)),
             ", ".join(f"{layer} {percent(a)}" for layer, a in v["spike_agreement"].get(name, {}).items()),
             equality(v, name))
            for name in names
        ]  # fmt: skip
        heads = ("run", "accuracy", "same answers", "spikes shared with float", "equal to quantised")
        tables.show(heads, rows, right=(1, 2))
        print(f"{v['operations_a_sample']:,.0f} synaptic operations a sample" + self._energy())
        if other := v.get("beside"):
            print(gained(other))
        for line in v["next"]:
            print(f"next      {line}")

    def _energy(self) -> str:
        energy = self.values["energy"]
        return "" if energy is None else f", {1e6 * energy['joule_a_sample']:.3g} uJ ({energy['source']})"

    def write(self, folder: Path) -> None:
        """report.json and report.html in a folder."""
        write_json(folder / "report.json", self.values)
        write_text(folder / "report.html", page(self.values))
        print(f"report    {folder / 'report.html'}")
