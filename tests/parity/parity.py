"""One proof that snnctl computes what a framework computes: the same input, their trace, ours."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

HERE = Path(__file__).parent
Inputs = Mapping[str, Tensor]
Traces = Mapping[str, Tensor]


@dataclass(frozen=True)
class Parity:
    """A framework's call in one setting, and the same in snnctl.

    What is compared, by the first word of a trace's name: `spikes` exactly; `grad` to 1e-4 of the largest; all else to
    1e-5 (of the largest where that is above 1). Name gradients grad_x, grad_tau_mem ...

    Args:
        api: their name as imported, "snntorch.Leaky".
        ours: what a user of snnctl writes, "neuron=lif/snntorch".
        setting: what was changed from their defaults, "reset_mechanism=zero".
        inputs: () -> the tensors both are given; drawn from a seed, so that they are the same everywhere.
        theirs: inputs -> traces. Imports the framework inside, so that this file loads without it.
        mine: inputs -> the same traces by snnctl.
        fails: the type of error that the framework itself raises here; then nothing is compared.
    """

    api: str
    ours: str
    setting: str
    inputs: Callable[[], Inputs]
    theirs: Callable[[Inputs], Traces]
    mine: Callable[[Inputs], Traces] | None = None
    fails: str = ""

    @property
    def framework(self) -> str:
        return self.api.split(".")[0]

    @property
    def name(self) -> str:
        """Of the file of vectors, without its suffix."""
        setting = "".join(c if c.isalnum() or c in ".-=" else "_" for c in self.setting)
        return f"{self.api.split('.', 1)[1]}-{setting}"

    @property
    def vectors(self) -> Path:
        return HERE / "vectors" / self.framework / f"{self.name}.npz"

    def load(self) -> dict[str, Tensor]:
        """Their traces, as committed."""
        with np.load(self.vectors, allow_pickle=False) as file:
            return {name: torch.from_numpy(file[name]) for name in file.files}

    def run_theirs(self) -> dict[str, np.ndarray]:
        """Their traces from the framework itself, in this environment."""
        return {name: trace.detach().numpy() for name, trace in self.theirs(self.inputs()).items()}

    def differences(self) -> dict[str, float]:
        """Largest difference of each trace, as a share of what is allowed: 1 is the limit.

        Raises:
            AssertionError: a trace of theirs is missing, or has another shape.
        """
        mine = {name: trace.detach() for name, trace in self.mine(self.inputs()).items()}
        theirs = self.load()
        assert mine.keys() == theirs.keys(), f"traces {sorted(mine)}, theirs {sorted(theirs)}"
        found = {}
        for name, trace in theirs.items():
            assert mine[name].shape == trace.shape, f"{name}: shape {tuple(mine[name].shape)}, {tuple(trace.shape)}"
            found[name] = difference(name, mine[name], trace)
        return found


def difference(name: str, ours: Tensor, theirs: Tensor) -> float:
    """Largest difference in units of what is allowed; what is not finite must be the same."""
    ours, theirs = ours.double(), theirs.double()
    if not theirs.numel():
        return 0.0
    finite = theirs.isfinite()
    if not torch.equal(finite, ours.isfinite()) or not torch.equal(ours[~finite], theirs[~finite]):
        return float("inf")
    ours, theirs = ours[finite], theirs[finite]
    apart = (ours - theirs).abs().max().item() if len(ours) else 0.0
    largest = theirs.abs().max().item() if len(ours) else 0.0
    if name.startswith("spikes"):
        return 0.0 if apart == 0 else float("inf")
    if name.startswith("grad"):
        return apart / (1e-4 * largest) if largest else (0.0 if apart == 0 else float("inf"))
    return apart / (1e-5 * max(1.0, largest))


def cases() -> Iterator[Parity]:
    """All of them, by file."""
    for path in sorted((HERE / "cases").glob("*.py")):
        yield from importlib.import_module(f"tests.parity.cases.{path.stem}").CASES
