"""A program's lines run in numpy: what printed kernels and saved values are held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from snnctl.kernels.program import Line, Program, Ref

FUNCTIONS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "abs": np.abs,
    "floor": np.floor, "sqrt": np.sqrt, "exp": np.exp, "log": np.log, "log1p": np.log1p, "tanh": np.tanh, "sin": np.sin,
    "cos": np.cos, "atan": np.arctan, "sigmoid": lambda a: 1 / (1 + np.exp(-a)), "where": np.where,
    "number": lambda a: np.asarray(a, np.float32), "ge": np.greater_equal, "gt": np.greater, "le": np.less_equal,
    "lt": np.less, "eq": np.equal, "ne": np.not_equal, "and": np.logical_and, "or": np.logical_or,
    "not": np.logical_not,
}  # fmt: skip


def run(lines: Iterable[Line], given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The given values and those of the lines, by name; KeyError where a line needs a value that is not there."""
    values = dict(given)
    with np.errstate(all="ignore"):
        for line in lines:
            values[line.name] = FUNCTIONS[line.op](*(value(values, a) for a in line.args))
    return values


def value(values: Mapping[str, np.ndarray], ref: Ref | None) -> np.ndarray:
    """Of a name, a constant, or a gradient that does not flow."""
    return values[ref] if isinstance(ref, str) else np.float32(0 if ref is None else ref)


def random_inputs(program: Program, seed: int = 0, count: int = 64) -> dict[str, np.ndarray]:
    """Values of everything a program is given: input, states, coefficients, and the gradients after the step."""
    random = np.random.default_rng(seed)
    names = ["x", *program.before, *(f"c_{c}" for c in program.coefs), "d_out", *(f"d_s_{s}" for s in program.states)]
    return {name: random.uniform(-0.3, 1.3, count).astype(np.float32) for name in names}


def tensors(program: Program, given: Mapping[str, np.ndarray]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """x, the states and the coefficients of `random_inputs` as leaves of torch."""
    leaf = {name: torch.from_numpy(a.copy()).requires_grad_() for name, a in given.items()}
    return leaf["x"], [leaf[name] for name in program.before], [leaf[f"c_{c}"] for c in program.coefs]
