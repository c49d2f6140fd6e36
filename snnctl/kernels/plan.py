"""What one kernel is to do: a program, and which of its inputs and results it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import torch
from torch import Tensor

from snnctl.kernels.cut import saved_values
from snnctl.kernels.program import Program, Ref

Storage = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, eq=False)
class Plan:
    """One variant of a neuron's kernel; each is compiled once.

    Args:
        program: the neuron's.
        vectors: coefficients with a value for each neuron or channel; the others are one number for the layer.
        training: save what the backward pass needs; else there is none.
        wanted: coefficients whose gradients the backward pass gives.
        overwrite: x may be written over, with what is saved, or with the output where nothing is.
        storage: how saved numbers are kept.
        pool: side k of the windows that the output is summed over, k x k pixels of channels-last maps; 0: not at all.
        feedback: x is what is given plus a product of the outputs of the step before; on the CPU, time first.
    """

    program: Program
    vectors: frozenset[str] = frozenset()
    training: bool = True
    wanted: tuple[str, ...] = ()
    overwrite: bool = False
    storage: Storage = "float32"
    pool: int = 0
    feedback: bool = False

    @cached_property
    def saved(self) -> tuple[str, ...]:
        """Every value that the backward part starts from, `x` among them where it needs x."""
        return saved_values(self.program, self.wanted, self.storage == "float32") if self.training else ()

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """The saved values that are written to memory: all but x, where that is there."""
        return self.saved if self.feedback else tuple(name for name in self.saved if name != "x")

    @cached_property
    def own(self) -> tuple[str, ...]:
        """The kept values that have memory of their own: all but the one that takes x's place."""
        return tuple(name for name in self.kept if name != self.over_x)

    def place(self, name: str) -> str:
        """The array that holds a saved value."""
        return "X" if name == self.over_x or (name == "x" and not self.feedback) else f"K_{name}"

    def storage_of(self, name: str) -> str:
        """How a saved value is stored: as `storage` says, "truth", or in full for x."""
        if name == "x":
            return "float32"
        return "truth" if name in self.program.truths else self.storage

    def dtype_of(self, name: str) -> torch.dtype:
        """In which a saved value is stored."""
        kind = self.storage_of(name)
        return torch.uint8 if kind == "truth" else getattr(torch, kind)

    @cached_property
    def out_over_x(self) -> bool:
        """Whether the output takes x's place in memory."""
        return self.overwrite and not self.training and not self.pool

    @cached_property
    def over_x(self) -> str | None:
        """The saved number that takes x's place in memory; None if x stays."""
        if not self.overwrite or "x" in self.saved or self.storage != "float32":
            return None
        return self._number

    @cached_property
    def gradient_over(self) -> str | None:
        """The saved value whose memory takes the gradient of x, when it is needed no longer; "x" itself; or None."""
        if self.over_x or ("x" in self.saved and self.overwrite):
            return self.over_x or "x"
        return self._number if self.storage == "float32" else None

    @cached_property
    def _number(self) -> str | None:
        truths = self.program.truths
        return next((name for name in self.kept if name not in truths), None)

    @cached_property
    def gradients(self) -> list[tuple[str, Ref]]:
        """(coefficient, its gradient in one step) of those wanted that have any."""
        pairs = zip(self.program.coefs, self.program.d_coefs, strict=True)
        return [(name, d) for name, d in pairs if name in self.wanted and d is not None]


def plan_for(
    program: Program,
    x: Tensor,
    states: Sequence[Tensor],
    values: Sequence[float | Tensor],
    *,
    overwrite: bool = False,
    storage: Storage = "float32",
    pool: int = 0,
    feedback: bool = False,
    by_address: bool = False,
) -> Plan:
    """The plan for these inputs: which are tensors of many values, and which need gradients.

    Args:
        x: input. states: before the first step. values: the coefficients.
        overwrite, storage, pool, feedback: as of Plan.
        by_address: tensors of one value are vectors too: to read one on the CPU would wait for a GPU.
    """
    names, wanted, training = program.coefs, [], False
    if torch.is_grad_enabled() and program.differentiable:
        wanted = [n for n, v in zip(names, values, strict=True) if isinstance(v, Tensor) and v.requires_grad]
        training = bool(wanted) or x.requires_grad or any(s.requires_grad for s in states)
    vectors = [
        n for n, v in zip(names, values, strict=True) if isinstance(v, Tensor) and (by_address or v.numel() != 1)
    ]
    return _plan(program, tuple(vectors), training, tuple(wanted), overwrite, storage, pool, feedback)


@lru_cache(maxsize=1024)
def _plan(program, vectors, *rest) -> Plan:
    return Plan(program, frozenset(vectors), *rest)
