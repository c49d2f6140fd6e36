"""From tensors to the arguments of a kernel, and the call of a compiled one on our threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from snnctl.kernels import threads
from snnctl.kernels.compiled import Kernel
from snnctl.kernels.cpu import arguments, is_address, source
from snnctl.kernels.layout import Layout
from snnctl.kernels.plan import Plan

# Neurons a block: long runs of memory suit the prefetcher, and a few states of a block still fit the second-level
# cache. Measured on LIF, 3.3 million neuron-steps: 4,096: 2.1 ms, 8,192: 1.8, 16,384: 1.65, 32,768: 1.4-1.5.
BLOCK = 32768


class Launcher(NamedTuple):
    """What runs the kernels of plans.

    Args:
        run: called as `run(plan, layout, backward, given, values)`: `given` are the kernel's tensors and numbers by
            the name of the argument, `values` the coefficients; tensors are written in place.
        by_address: as of `plan_for`.
    """

    run: Callable[[Plan, Layout, bool, Mapping[str, object], Sequence[float | Tensor]], None]
    by_address: bool = False


def coefficients(
    plan: Plan,
    layout: Layout,
    values: Sequence[float | Tensor],
    number: Callable[[float], object],
    device: torch.device | None = None,
) -> dict[str, object]:
    """The arguments that hold the coefficients: numbers, and arrays with how they repeat.

    Args:
        number: makes a number what the kernel takes.
        device: where the arrays must be; None: they are there.
    """
    if all(type(value) is float and value for value in values):  # 0.0 and -0.0 would be taken for the same
        return _numbers(plan, tuple(values), number)
    given: dict[str, object] = {}
    for name, value in zip(plan.program.coefs, values, strict=True):
        if name in plan.vectors:
            vector, given[f"inner_{name}"] = layout.vector(value, device)
            given[f"C_{name}"], given[f"size_{name}"] = vector, vector.numel()
        else:
            given[f"c_{name}"] = number(value.item() if isinstance(value, Tensor) else value)
    return given


@lru_cache(maxsize=1024)
def _numbers(plan: Plan, values: tuple[float, ...], number: Callable[[float], object]) -> dict[str, object]:
    return {f"c_{name}": number(value) for name, value in zip(plan.program.coefs, values, strict=True)}


def on_cpu(plan: Plan, layout: Layout, backward: bool, given: Mapping[str, object], values: Sequence) -> None:
    """Run a compiled kernel over all its jobs; as `Launcher.run`."""
    given = {**geometry(layout, torch.get_num_threads()), **given, **coefficients(plan, layout, values, np.float32)}
    function = kernels(plan)[backward]
    rest = [given[name].data_ptr() if address else given[name] for name, address in _arguments(plan, backward)]
    jobs = given["R"] * -(-given["M"] // given["block"])
    threads.run(lambda first, stop: function(first, stop, *rest), jobs, given["T"] * given["R"] * given["M"])


CPU = Launcher(on_cpu)


@lru_cache(maxsize=1024)
def geometry(layout: Layout, parts: int) -> dict[str, int]:
    """T, R, M, the size of a block where `parts` threads share the work, and the strides of the layout's own arrays."""
    parts = parts if layout.rows == 1 else 1
    block = min(BLOCK, (-(-layout.width // parts) + 15) // 16 * 16)
    own = layout.strides
    return {"T": layout.steps, "R": layout.rows, "M": layout.width, "block": block, "at": own.step, "ar": own.row}


@lru_cache(maxsize=512)
def kernels(plan: Plan) -> tuple[Kernel, Kernel]:
    """The forward and the backward kernel of a plan."""

    def text(keep: bool) -> str:
        return source(plan, keep)

    return Kernel(plan.program.neuron, "forward", text), Kernel(plan.program.neuron, "backward", text)


@lru_cache(maxsize=512)
def _arguments(plan: Plan, backward: bool) -> list[tuple[str, bool]]:
    """A kernel's arguments after the range of jobs, in order: name, and whether it is the address of a tensor."""
    return [(name, is_address(name)) for name in arguments(plan, backward)[2:]]
