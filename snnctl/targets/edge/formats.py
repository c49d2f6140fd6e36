"""A step in a file of ONNX or ExecuTorch, and the file as a function again."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from snnctl.errors import RunFailed
from snnctl.targets.edge.step import Step
from snnctl.targets.tools import Tool

Call = Callable[[Tensor, list[Tensor]], list[Tensor]]  # x (1, *input), states -> [out, *states]


def onnx(step: Step, x: Tensor, states: list[Tensor], path: Path) -> None:
    """Write step.onnx; inputs are x and the states, outputs out and the states, under the names of step.json."""
    after = [f"{name} next" for name in step.names]
    with _quiet():
        torch.onnx.export(step, (x, *states), path, dynamo=True, external_data=False, verbose=False,
                          input_names=["x", *step.names], output_names=["out", *after])  # fmt: skip


def onnx_runner(path: Path) -> Call:
    """step.onnx, run by ONNX Runtime on one thread.

    Raises:
        UserError: ONNX Runtime is missing.
    """
    Tool("onnxruntime", "pip install 'snnctl[edge]'", package=True, purpose="simulate").require("edge")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]

    def call(x: Tensor, states: list[Tensor]) -> list[Tensor]:
        given = {name: value.numpy() for name, value in zip(names, [x, *states], strict=True)}
        return [torch.from_numpy(value) for value in session.run(None, given)]

    return call


def executorch(step: Step, x: Tensor, states: list[Tensor], path: Path) -> None:
    """Write step.pte: the portable kernels, which every build of ExecuTorch has.

    Raises:
        RunFailed: ExecuTorch cannot export an operation of the step; quotes it.
    """
    with _quiet():
        from executorch.exir import to_edge

        try:
            program = to_edge(torch.export.export(step, (x, *states))).to_executorch()
        except Exception as error:
            raise RunFailed("edge: ExecuTorch cannot export the step", str(error).strip().splitlines()[0]) from error
    path.write_bytes(program.buffer)


def executorch_runner(path: Path) -> Call:
    """step.pte, run by ExecuTorch's runtime.

    Raises:
        UserError: ExecuTorch is missing.
    """
    Tool("executorch", "pip install 'snnctl[executorch]'", package=True, purpose="simulate").require("edge")
    with _quiet():
        from executorch.runtime import Runtime

        method = Runtime.get().load_program(path).load_method("forward")

    def call(x: Tensor, states: list[Tensor]) -> list[Tensor]:
        return [value.clone() for value in method.execute([x.contiguous(), *(s.contiguous() for s in states)])]

    return call


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' own progress, on Python's and on the process's output."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
        logging.disable(level)
