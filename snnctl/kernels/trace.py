"""From a neuron's step to a program: every torch operation of the step and of its gradient, written down as it runs."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from snnctl.errors import UserError
from snnctl.kernels.ops import TRUTHS, translate
from snnctl.kernels.program import Line, Program, Ref

SIZE = 7  # neurons traced at once: a size that no operation takes for something else
KNOWN = "snnctl/kernels/ops.py lists those that kernels know"
Step = Callable[[Tensor, NamedTuple, NamedTuple], tuple[Tensor, NamedTuple]]


class Untraceable(UserError):
    """A step that no kernel can be made of; it runs eagerly."""


def trace(step: Step, state: NamedTuple, coefs: NamedTuple, neuron: str) -> Program:
    """The program of a step.

    Runs `step` twice on a few neurons, forward and through torch's own autograd, and writes down what it computes. All
    values are taken elementwise: a parameter per neuron and a parameter per layer give the same program.

    Args:
        step: `step(x, state, coefs) -> (out, state)`, pure and elementwise.
        state: a state; which fields are None is kept, their values do not matter.
        coefs: coefficients; floats and tensors become inputs, anything else is part of the program.
        neuron: its name, for messages.

    Raises:
        Untraceable: the step branches on a tensor's value, writes in place, draws at random, reduces over neurons, uses
            a tensor that is no argument, or an operation that no kernel knows; names the neuron and the line.
    """
    first, second = (_traced(step, state, coefs, neuron) for _ in range(2))
    if first.content() != second.content():
        raise Untraceable(
            f"{neuron}.step computes something else the second time: it keeps a state outside of its state",
            "keep what changes in the state that step returns",
        )
    return first


def _traced(step: Step, state: NamedTuple, coefs: NamedTuple, neuron: str) -> Program:
    for what, value in (("initial_state", state), ("coefficients", coefs)):
        if not hasattr(value, "_fields"):
            raise Untraceable(f"{neuron}.{what} returns a {type(value).__name__}", "return a NamedTuple")
    states = [name for name in state._fields if getattr(state, name) is not None]
    inputs = [name for name in coefs._fields if _is_input(getattr(coefs, name))]
    generator = torch.Generator().manual_seed(0)

    def leaf() -> Tensor:
        return (torch.rand(SIZE, generator=generator) + 0.5).requires_grad_()

    x = leaf()
    before = {name: leaf() for name in states}
    values = {name: leaf() for name in inputs}
    recorder = Recorder(neuron, step)
    with torch.enable_grad(), torch.autocast("cpu", enabled=False):
        recorder.name(x, "x")
        recorder.name_all("s_", before)
        recorder.name_all("c_", values)
        with recorder:
            out, after = _checked(step(x, state._replace(**before), coefs._replace(**values)), state, states, neuron)
        grads = {"out": torch.rand(SIZE), **{name: torch.rand(SIZE) for name in states}}
        recorder.name_all("d_", grads)
        results = [(o, g) for o, g in zip((out, *after), grads.values(), strict=True) if o.requires_grad]
        leaves = [x, *before.values(), *values.values()]
        found: list[Tensor | None] = [None] * len(leaves)
        if results:
            outputs, gradients = zip(*results, strict=True)
            with recorder:
                found = list(torch.autograd.grad(outputs, leaves, gradients, allow_unused=True))
    ref = recorder.ref
    n = len(states)
    d = [None if g is None else ref(g) for g in found]
    return Program(
        neuron, tuple(states), tuple(inputs), tuple(recorder.lines), ref(out), tuple(ref(a) for a in after),
        d[0], tuple(d[1 : 1 + n]), tuple(d[1 + n :]),
    )  # fmt: skip


def _is_input(value: Any) -> bool:
    return isinstance(value, float | Tensor)


def _checked(result: Any, state: NamedTuple, states: list[str], neuron: str) -> tuple[Tensor, list[Tensor]]:
    if not (isinstance(result, tuple) and len(result) == 2 and type(result[1]) is type(state)):
        raise Untraceable(f"{neuron}.step returns no (out, {type(state).__name__})", "return both")
    out, after = result
    tensors = [out, *(getattr(after, name) for name in states)]
    for name, tensor in zip(("out", *states), tensors, strict=True):
        if not isinstance(tensor, Tensor) or tuple(tensor.shape) != (SIZE,):
            shape = tuple(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
            raise Untraceable(f"{neuron}.step: {name} of {SIZE} neurons has the shape {shape}", "one value a neuron")
    extra = [f for f in state._fields if f not in states and getattr(after, f) is not None]
    if extra:
        raise Untraceable(
            f"{neuron}.step fills the state field {extra[0]}, which initial_state leaves None", "fill both"
        )
    return out, tensors[1:]


class Recorder(TorchDispatchMode):
    """Writes down, as lines, the operations that run while it is active.

    Args:
        neuron: its name, for messages.
        step: whose source the messages point to.
    """

    def __init__(self, neuron: str, step: Step):
        super().__init__()
        self.neuron = neuron
        self.code = getattr(step, "__code__", None) or getattr(getattr(step, "__func__", None), "__code__", None)
        self.lines: list[Line] = []
        self._refs: dict[int, Ref] = {}  # by address: autograd hands out new objects for the tensors it saved
        self._kept: list[Tensor] = []  # alive while traced, so that no address is used twice
        self._known: dict[tuple, str] = {}  # common subexpressions
        self._truths: set[str] = set()

    def name(self, tensor: Tensor, ref: Ref) -> None:
        """Call a tensor by a name."""
        self._refs[tensor.data_ptr()] = ref
        self._kept.append(tensor)

    def name_all(self, prefix: str, tensors: Mapping[str, Tensor]) -> None:
        """Call every tensor by its own name."""
        for name, tensor in tensors.items():
            self.name(tensor, prefix + name)

    def ref(self, value: Any) -> Ref:
        """A tensor's name, or a number."""
        if not isinstance(value, Tensor):
            return float(value)
        if value.data_ptr() not in self._refs:
            raise self._no(
                "uses a tensor that is neither input, state nor coefficient", "return it from coefficients()"
            )
        return self._refs[value.data_ptr()]

    def number(self, a: Ref) -> Ref:
        """A value as a number."""
        if isinstance(a, str) and a in self._truths:
            return self("number", a)
        return a

    def __call__(self, op: str, *args: Ref) -> Ref:
        """Write `op(*args)` unless it is written already; its name."""
        args = tuple(float(a) if isinstance(a, int | float) else a for a in args)
        if (op, args) not in self._known:
            name = f"t{len(self.lines)}"
            self.lines.append(Line(name, op, args, op in TRUTHS))
            self._known[op, args] = name
            if op in TRUTHS:
                self._truths.add(name)
        return self._known[op, args]

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if name in ("_local_scalar_dense", "is_nonzero", "equal"):
            raise self._no("branches on a tensor's value", "use torch.where")
        if torch.Tag.nondeterministic_seeded in func.tags:
            raise self._no(f"draws at random (torch.{name})", "a neuron with noise runs with   backend: eager")
        if func._schema.is_mutable:
            raise self._no(f"writes in place (torch.{name})", "make a new tensor")
        result = func(*args, **kwargs)
        if not isinstance(result, Tensor):
            raise self._no(
                f"uses torch.{name}, which gives no single tensor", "see snnctl/kernels/ops.py for those known"
            )
        used = [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
        if tuple(result.shape) != (SIZE,) and any(tuple(a.shape) == (SIZE,) for a in used):
            raise self._no(f"mixes neurons (torch.{name})", "a step is elementwise")
        if result.dtype not in (torch.float32, torch.bool):
            raise self._no(f"computes in {result.dtype} (torch.{name})", "a step computes in its input's precision")
        own = tuple(self.ref(a) if isinstance(a, Tensor) else a for a in args)
        ref = translate(name, own, {k: self.ref(v) if isinstance(v, Tensor) else v for k, v in kwargs.items()}, self)
        if ref is None:
            raise self._no(f"uses torch.{name}, which no kernel knows", KNOWN)
        if result.dtype == torch.float32:
            ref = self.number(ref)
        self.name(result, ref)
        return result

    def _no(self, what: str, hint: str) -> Untraceable:
        where = ""
        for frame, line in traceback.walk_stack(None):
            file = frame.f_code.co_filename
            if frame.f_code is self.code or not ("/torch/" in file or file == __file__):
                where = f" ({file.rpartition('/')[2]}:{line})"
                break
        return Untraceable(f"{self.neuron}.step{where} {what}", hint)
