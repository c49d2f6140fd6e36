"""What is deployed: a run's network or a NIR file, as a graph and a circuit, with the data that it is measured on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nir
import numpy as np
import torch
from torch import Tensor

from snnctl import config, interchange
from snnctl.circuits import INPUT, OUTPUT, Circuit
from snnctl.datasets.batch import dense
from snnctl.errors import UserError, did_you_mean, number
from snnctl.rundir import locate
from snnctl.targets.target import SCALED_BY

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from snnctl.datasets.datamodule import DataModule

STEPS, BATCH = 50, 8  # of the input that is made where there are no data
CONVENTIONS = ("drive", "decay", "synapse", "fire", "reset", "max_spikes")  # that a NIR file leaves open


@dataclass
class Subject:
    """What is deployed.

    Args:
        name: the run's folder or the file, for messages.
        home: folder that `deploy/` goes into.
        cfg: the configuration, with target, dataset and loss.
        graph, circuit: of the network.
        data: the data set; None without one.
        scores: (out, length) -> (B, C), which class is predicted; None without labels.
    """

    name: str
    home: Path
    cfg: DictConfig
    graph: nir.NIRGraph
    circuit: Circuit
    data: DataModule | None = None
    scores: Callable[[Tensor, Tensor], Tensor] | None = None

    def batches(self, samples: int | None):
        """(x, length, target) of the test part: all, or as many spread evenly; spikes drawn at random without data."""
        if self.data is None:
            draw = torch.Generator().manual_seed(0)
            x = (torch.rand(STEPS, BATCH, *self.circuit.shapes[INPUT], generator=draw) < 0.2).float()
            yield x, torch.full((BATCH,), STEPS), None
            return
        for batch in spread(self.data.test_dataloader(), samples):
            yield dense(batch.x), batch.length, batch.target

    def tests_as(self, other: Subject) -> bool:
        """Whether both are measured on the same test samples."""
        if self.data is None or other.data is None:
            return False
        return np.array_equal(*(spread(s.data.test_dataloader(), None).index for s in (self, other)))

    def for_scales(self) -> Tensor | None:
        """Training samples (T, B, *input) that a target chooses its scales by; None without data."""
        return None if self.data is None else dense(self.data.some("train", SCALED_BY).x)


def spread(loader: Any, samples: int | None) -> Any:
    """A loader of `samples` samples, evenly over the part, which is often sorted by class; None for all.

    Raises:
        UserError: there are no test samples.
    """
    if isinstance(loader, list):
        raise UserError("the data set has no test samples", "set dataset.test_fraction=0.2, or another dataset.root")
    return loader if samples is None else loader.keep(samples)


def of_run(reference: str, overrides: Sequence[str]) -> Subject:
    """A run, by its folder, checkpoint or `last`.

    Raises:
        UserError: no run; a wrong key; no target; what NIR cannot say.
    """
    from snnctl.experiment import assemble, restore_weights, use_split

    run, weights = locate(reference)
    cfg = config.override(run.configuration(), list(overrides))
    needs_target(cfg)
    experiment = assemble(cfg)
    use_split(experiment, run, {o.partition("=")[0] for o in overrides})
    restore_weights(experiment.network, run.path, weights)
    graph, circuit = exported(experiment.network.eval())
    if experiment.regime.acts or experiment.data.facts.targets != "classes":  # no answer right or wrong
        return Subject(str(run.path), run.path, cfg, graph, circuit)
    judge = experiment.regime.decoder or experiment.regime.loss
    return Subject(str(run.path), run.path, cfg, graph, circuit, experiment.data, judge.scores)


def of_file(path: Path, overrides: Sequence[str]) -> Subject:
    """A NIR file; with `dataset=...` among the overrides it is measured on that set's test part. `nir.KEY=value` is a
    convention that the file leaves open, as `snnctl show network/nir` has them.

    Raises:
        UserError: the file is damaged; its graph cannot be run; its input is not the data set's.
    """
    graph = interchange.read(path)
    cfg = config.compose("train", in_place(path, overrides))
    needs_target(cfg)
    wanted = any(o.partition("=")[0].startswith("dataset") for o in overrides)
    data = config.build(cfg.dataset) if wanted else None
    said = interchange.conventions({name: cfg.network[name] for name in CONVENTIONS})
    step = cfg.network.dt
    if data is not None and step is not None:
        graph = interchange.stretched(graph, data.facts.dt / number("nir.dt is", step, "s", 0.0, above=True))
    circuit = interchange.circuit_of(graph, data.facts.dt if data else step, **said).requires_grad_(False)
    if said or step is not None:
        graph = interchange.graph_of(circuit, allow=interchange.sayable())
    if data is None:
        return Subject(str(path), path.parent, cfg, graph, circuit)
    if circuit.shapes[INPUT] != tuple(data.facts.shape):
        problem = f"{path} takes {circuit.shapes[INPUT]} a step, {data.source.name} gives {tuple(data.facts.shape)}"
        raise UserError(problem, "choose the set it was trained on, or   dataset.transform=...")
    if circuit.shapes[OUTPUT] != (len(data.facts.classes),):
        problem = (
            f"{path} gives {circuit.shapes[OUTPUT]} a step, {data.source.name} has {len(data.facts.classes)} classes"
        )
        raise UserError(problem, "choose the set it was trained on")
    return Subject(str(path), path.parent, cfg, graph, circuit, data, config.build(cfg.loss).scores)


def in_place(path: str | Path, overrides: Sequence[str]) -> list[str]:
    """Overrides with a NIR file in the network's place, of which `nir.KEY=value` speaks."""
    quoted = str(path).replace("\\", "\\\\").replace("'", "\\'")
    named = [f"network.{o[4:]}" if o.startswith("nir.") else o for o in overrides]
    return ["network=nir", f"network.nir='{quoted}'", *named]


def of_recipe(cfg: DictConfig) -> Subject:
    """The network of a configuration, untrained and without data: enough to see whether it fits a target.

    Raises:
        UserError: what NIR cannot say.
    """
    from snnctl.experiment import data_node

    facts = config.build(data_node(cfg)).facts
    graph, circuit = exported(config.build(cfg.network)(facts=facts).eval())
    return Subject("the network", Path(), cfg, graph, circuit)


def exported(network: Any) -> tuple[nir.NIRGraph, Circuit]:
    """A network's graph, and the circuit that is read back from it; what NIR cannot say is in its metadata."""
    graph = interchange.graph_of(network, allow=interchange.sayable())
    return graph, interchange.circuit_of(graph).requires_grad_(False)


def needs_target(cfg: DictConfig) -> None:
    """Raises a UserError unless a target is chosen."""
    if not cfg.get("target"):
        from snnctl.config.folders import options

        raise UserError("deploy needs a target", f"for example   target=nir\n{did_you_mean('', options('target'))}")
