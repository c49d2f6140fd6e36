"""From tensors to the arguments of a compiled kernel, and its call on our threads."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from snnctl.kernels import threads
from snnctl.kernels.compiled import Kernel
from snnctl.kernels.cpu import arguments, source
from snnctl.kernels.layout import Layout, Strides
from snnctl.kernels.plan import Plan

# Neurons a block: long runs of memory suit the prefetcher, and a few states of a block still fit the second-level
# cache. Measured on LIF, 3.3 million neuron-steps: 4,096: 2.1 ms, 8,192: 1.8, 16,384: 1.65, 32,768: 1.4-1.5.
BLOCK = 32768
DTYPES = {"float32": torch.float32, "bfloat16": torch.uint16, "float16": torch.uint16, "truth": torch.uint8}


@lru_cache(maxsize=1024)
def geometry(layout: Layout, parts: int) -> dict[str, int]:
    """T, R, M, the size of a block where `parts` threads share the work, and the strides of the layout's own arrays."""
    parts = parts if layout.rows == 1 else 1
    block = min(BLOCK, (-(-layout.width // parts) + 15) // 16 * 16)
    own = layout.strides
    return {"T": layout.steps, "R": layout.rows, "M": layout.width, "block": block, "at": own.step, "ar": own.row}


def strides(prefix: str, of: Strides) -> dict[str, int]:
    """The arguments that say where an array's values lie."""
    return {f"{prefix}t": of.step, f"{prefix}r": of.row, f"{prefix}m": of.neuron}


def readable(layout: Layout, a: Tensor) -> tuple[Tensor, Strides]:
    """As `Layout.readable`; one value for all becomes a row of it."""
    a, of = layout.readable(a)
    if of.neuron == 0:
        a = a.detach()[(0,) * a.dim()].to(torch.float32).expand(min(BLOCK, layout.width)).contiguous()
    return a, of


def coefficients(plan: Plan, layout: Layout, values: list, alive: list) -> dict[str, object]:
    """The arguments that hold the coefficients: numbers, and arrays with how they repeat.

    Args:
        alive: takes the tensors whose addresses are given out; to be kept until the kernel has run.
    """
    given: dict[str, object] = {}
    for name, value in zip(plan.program.coefs, values, strict=True):
        if name in plan.vectors:
            vector, given[f"inner_{name}"] = layout.vector(value)
            alive.append(vector)
            given[f"C_{name}"], given[f"size_{name}"] = vector.data_ptr(), vector.numel()
        else:
            given[f"c_{name}"] = np.float32(value.item() if isinstance(value, Tensor) else value)
    return given


def call(plan: Plan, backward: bool, given: dict[str, object]) -> None:
    """Run a kernel of the plan over all its jobs.

    Args:
        given: its arguments by name, `geometry` among them.
    """
    function = kernels(plan)[backward]
    rest = [given[name] for name in argument_names(plan, backward)]
    jobs = given["R"] * -(-given["M"] // given["block"])
    threads.run(lambda first, stop: function(first, stop, *rest), jobs, given["T"] * given["R"] * given["M"])


@lru_cache(maxsize=512)
def kernels(plan: Plan) -> tuple[Kernel, Kernel]:
    """The forward and the backward kernel of a plan."""

    def text(keep: bool) -> str:
        return source(plan, keep)

    return Kernel(plan.program.neuron, "forward", text), Kernel(plan.program.neuron, "backward", text)


@lru_cache(maxsize=512)
def argument_names(plan: Plan, backward: bool) -> list[str]:
    """Names of a kernel's arguments after the range of jobs, in order."""
    return arguments(plan, backward)[2:]
