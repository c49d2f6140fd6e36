"""A neuron over a whole sequence on a GPU: Triton kernels in place of compiled ones."""

from __future__ import annotations

import hashlib
import linecache
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from snnctl.atomic import write_text
from snnctl.errors import UserError
from snnctl.kernels import scan as scans
from snnctl.kernels.compiled import kernel_folder
from snnctl.kernels.cuda_source import arguments, source
from snnctl.kernels.launch import Launcher, coefficients
from snnctl.kernels.layout import Layout
from snnctl.kernels.plan import Plan, Storage
from snnctl.kernels.program import Program

THREADS = 128  # of a program, one neuron each; few: neurons alone run side by side, not steps
MANY = 1 << 20  # neurons of a step from which each thread takes four, in one load
INTERPRETED = 1 << 16  # most neurons of a program in Triton's interpreter
STAGES = 4  # steps whose loads are under way at once


def scan(
    program: Program,
    x: Tensor,
    state: NamedTuple,
    coefs: NamedTuple,
    *,
    overwrite: bool = False,
    storage: Storage = "float32",
    pool: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, NamedTuple]:
    """As `snnctl.kernels.scan.scan` on a GPU; nothing waits for the GPU.

    Args:
        program, state, coefs, overwrite, storage: as there.
        x: (T, B, ...) float32, any strides, on a CUDA device; on the CPU if TRITON_INTERPRET=1.
        pool: what the output goes through, in torch.

    Raises:
        UserError: Triton is not installed, or x is where it does not run.
        Untraceable: the program has an op that Triton has no expression for.
    """
    if not (x.is_cuda or interpreted()):
        problem = f"{program.neuron}: the cuda kernel got an input on {x.device}"
        raise UserError(problem, "move the network and its input to the GPU, or   backend=auto")
    out, after = scans.scan(program, x, state, coefs, overwrite=overwrite, storage=storage, launcher=GPU)
    return (out if pool is None else pool(out)), after


def on_gpu(plan: Plan, layout: Layout, backward: bool, given: Mapping[str, Any], values: Sequence) -> None:
    """Launch a Triton kernel; as `Launcher.run`."""
    if not layout.steps * layout.batch * layout.neurons:
        return
    device = given["X"].device
    given = {**given, **coefficients(plan, layout, values, float, device)}
    given |= {"T": layout.steps, "M": layout.width, "at": layout.strides.step, "ar": layout.strides.row}
    block = THREADS * (4 if layout.rows * layout.width >= MANY else 1)
    if interpreted():  # which takes some ms for each program and step, however large it is
        block = min(INTERPRETED, 1 << (layout.width - 1).bit_length())
    function, names = _functions(plan, interpreted())[backward]
    grid = (layout.rows * -(-layout.width // block),)
    with torch.cuda.device(device if device.type == "cuda" else -1):
        # A fused multiply-add rounds once where torch rounds twice: neurons near threshold would fire differently.
        options = {"num_warps": THREADS // 32, "enable_fp_fusion": False}
        function[grid](*(given[name] for name in names), BLOCK=block, STAGES=STAGES, **options)


GPU = Launcher(on_gpu, by_address=True)


@lru_cache(maxsize=512)
def _functions(plan: Plan, interpret: bool) -> list[tuple[Any, list[str]]]:
    """(function, names of its arguments), forward and backward, of the module in the folder of kernels."""
    text, folder = source(plan), kernel_folder()
    path = folder or Path("kernels of snnctl")
    path /= f"{plan.program.neuron}_{hashlib.sha256(text.encode()).hexdigest()[:24]}_cuda.py"
    if folder is None:  # Triton reads the source of a function back, from here if there is no file
        linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))
    elif not path.exists() or path.read_bytes() != text.encode():
        write_text(path, text)
    module = ModuleType(f"snnctl_kernel_{path.stem}")
    exec(compile(text, str(path), "exec"), vars(module))
    functions = [(module.forward, arguments(plan, False))]
    return functions + ([(module.backward, arguments(plan, True))] if plan.training else [])


def interpreted() -> bool:
    """Whether Triton's interpreter runs kernels, on the CPU (TRITON_INTERPRET=1).

    Raises:
        UserError: Triton is not installed.
    """
    try:
        import triton
    except ImportError as error:
        raise UserError("backend cuda needs Triton, which is not installed", "pip install 'snnctl[cuda]'") from error
    return triton.knobs.runtime.interpret
