"""What runs a neuron over time: a compiled kernel, or its step in torch, one step after the other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from importlib.util import find_spec
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.kernels.program import Program
from snnctl.kernels.trace import Step, Untraceable, trace

Backend = Literal["auto", "eager", "cpu", "cuda"]


class Choice(NamedTuple):
    """What runs, and why."""

    name: Literal["eager", "cpu", "cuda"]
    why: str


def choose(wanted: Backend, x: Tensor, device: str | None = None) -> Choice:
    """What a sequence `x` is run by, as far as `x` decides it.

    Args:
        x: the sequence, or something like it. device: where it will be; None: where it is.
        wanted: "auto" takes the fastest there is. "eager" is the reference: plain torch, any dtype and device. "cpu"
            and "cuda" insist on a kernel.

    Raises:
        UserError: the kernel insisted on does not run where x is.
    """
    if wanted == "eager":
        return Choice("eager", "asked for")
    device = device or x.device.type
    why = _eager_for(x, device)
    if why is None:
        name = device
        if wanted in ("auto", name):
            return Choice(name, "its step is traced")
        why = f"the input is on {device}"
    if wanted != "auto" and x.numel() and device != "meta":
        raise UserError(f"backend {wanted} cannot run: {why}", "choose   backend=auto   or   backend=eager")
    return Choice("eager", why)


def multiplies(weight: Tensor) -> bool:
    """Whether a product of our own can take these weights: plain float32 on the CPU, and no transform looks on."""
    if type(weight) not in (Tensor, nn.Parameter) or weight.layout != torch.strided or weight.dtype != torch.float32:
        return False
    if torch._C._are_functorch_transforms_active() or torch.autograd.forward_ad._current_level >= 0:
        return False
    return weight.device.type == "cpu" and not torch.compiler.is_compiling()


def _eager_for(x: Tensor, device: str) -> str | None:
    if x.dtype == torch.float64:
        return "float64 is the reference's precision"
    if x.numel() == 0:
        return "there is nothing to compute"
    if torch.autograd.forward_ad._current_level >= 0:
        return "inside forward-mode differentiation"
    if torch._C._are_functorch_transforms_active():
        return "inside a torch.func transform"
    if device == "cuda":
        return None if find_spec("triton") else "triton is missing: pip install 'snnctl[cuda]'"
    return None if device == "cpu" else f"there is no kernel for the device {device}"


def scan_on(choice: Choice) -> Callable[..., tuple[Tensor, NamedTuple]]:
    """The scan of a kernel backend, as `snnctl.kernels.scan.scan`."""
    if choice.name == "cuda":
        from snnctl.kernels.cuda import scan
    else:
        from snnctl.kernels.scan import scan
    return scan


_programs: dict[Hashable, Program | Untraceable] = {}
_interned: dict[str, Program] = {}


def program(
    key: Hashable, step: Step, state: NamedTuple, coefs: NamedTuple, neuron: str, wanted: Backend = "auto"
) -> Program | None:
    """The program of a step, traced once for each key; None where none can be made of it, with one warning.

    Args:
        key: all that the step's operations depend on, other than the tensors given to it.
        step: as for `trace`, with state, coefs and the neuron's name.
        wanted: a backend other than auto insists.

    Raises:
        Untraceable: the step cannot be traced, and a kernel was insisted on.
    """
    kinds = tuple(type(c) if c is None or isinstance(c, float | Tensor) else repr(c) for c in coefs)
    key = (key, type(state), tuple(s is None for s in state), kinds)
    if key not in _programs:
        try:
            traced = trace(step, state, coefs, neuron)
            _programs[key] = _interned.setdefault(traced.content(), traced)
        except Untraceable as error:
            _programs[key] = error
            if wanted == "auto":
                warnings.warn(f"{error.problem}; it runs step by step. {error.hint}", stacklevel=2)
    found = _programs[key]
    if isinstance(found, Program):
        return found
    if wanted not in ("auto", "eager"):
        raise found
    return None
