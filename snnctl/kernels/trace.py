"""From a neuron's step to a program: every torch operation of the step and of its gradient, written down as it runs."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from snnctl.errors import UserError
from snnctl.kernels.ops import TRUTHS, translate
from snnctl.kernels.program import Line, Program, Ref, Untraceable

SHAPES = (7,), (3, 5)  # of the neurons traced at once: sizes that no operation takes for something else
KNOWN = "snnctl/kernels/ops.py lists those that kernels know"
Step = Callable[[Tensor, NamedTuple, NamedTuple], tuple[Tensor, NamedTuple]]


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
    first, second = (_traced(step, state, coefs, neuron, shape) for shape in SHAPES)
    if first.content() != second.content():
        raise Untraceable(
            f"{neuron}.step computes something else the second time: it keeps a state outside of its state, or looks "
            "at the shape of its input",
            "keep what changes in the state that step returns; a step knows one neuron",
        )
    return first


def _traced(step: Step, state: NamedTuple, coefs: NamedTuple, neuron: str, shape: tuple[int, ...]) -> Program:
    for what, value in (("initial_state", state), ("coefficients", coefs)):
        if not hasattr(value, "_fields"):
            raise Untraceable(f"{neuron}.{what} returns a {type(value).__name__}", "return a NamedTuple")
    states = [name for name in state._fields if getattr(state, name) is not None]
    inputs = [name for name in coefs._fields if isinstance(getattr(coefs, name), float | Tensor)]
    generator = torch.Generator().manual_seed(0)

    def draw() -> Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float32) + 0.5

    # Under inference_mode torch takes operations apart differently, and knows no gradient; under a checkpoint or with
    # anomaly detection autograd does more than the step's gradient.
    with (
        torch.inference_mode(False), torch.enable_grad(), torch.autocast("cpu", enabled=False),
        torch.autograd.graph.saved_tensors_hooks(_same, _same), torch.autograd.set_detect_anomaly(False),
    ):  # fmt: skip
        # No leaves, so that a step that writes into its inputs gets as far as to be told so.
        x, *others = (draw().requires_grad_().clone() for _ in range(1 + len(states) + len(inputs)))
        before, values = dict(zip(states, others, strict=False)), dict(zip(inputs, others[len(states) :], strict=True))
        recorder = Recorder(neuron, step, shape)
        recorder.name(x, "x")
        recorder.name_all("s_", before)
        recorder.name_all("c_", values)
        with recorder:
            result = recorder.run(lambda: step(x, state._replace(**before), coefs._replace(**values)))
        out, after = _checked(result, state, states, neuron, shape)
        d_out, d_after = draw(), {name: draw() for name in states}
        recorder.name(d_out, "d_out")
        recorder.name_all("d_s_", d_after)
        ends = (out, *after)
        results = [(o, g) for o, g in zip(ends, (d_out, *d_after.values()), strict=True) if o.requires_grad]
        leaves = [x, *others]
        found: list[Tensor | None] = [None] * len(leaves)
        if results:
            outputs, gradients = zip(*results, strict=True)
            recorder.backward = True
            with recorder:
                found = list(torch.autograd.grad(outputs, leaves, gradients, allow_unused=True))
    ref = recorder.ref
    n = len(states)
    d = [None if g is None else ref(g) for g in found]
    return Program(
        neuron, tuple(states), tuple(inputs), tuple(recorder.lines), ref(out), tuple(ref(a) for a in after),
        d[0], tuple(d[1 : 1 + n]), tuple(d[1 + n :]), tuple(o.requires_grad for o in ends),
    )  # fmt: skip


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _checked(
    result: Any, state: NamedTuple, states: list[str], neuron: str, shape: tuple[int, ...]
) -> tuple[Tensor, list[Tensor]]:
    if not (isinstance(result, tuple) and len(result) == 2 and type(result[1]) is type(state)):
        raise Untraceable(f"{neuron}.step returns no (out, {type(state).__name__})", "return both")
    out, after = result
    tensors = [out, *(getattr(after, name) for name in states)]
    for name, tensor in zip(("out", *states), tensors, strict=True):
        if not isinstance(tensor, Tensor) or tuple(tensor.shape) != shape:
            got = tuple(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
            raise Untraceable(
                f"{neuron}.step: {name} of {math.prod(shape)} neurons has the shape {got}", "one value a neuron"
            )
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
        shape: of every tensor with a value a neuron.

    Attributes:
        backward: whether torch's autograd is at work, which may write into its own tensors.
    """

    def __init__(self, neuron: str, step: Step, shape: tuple[int, ...]):
        super().__init__()
        self.neuron, self.shape, self.backward = neuron, shape, False
        self.code = getattr(step, "__code__", None) or getattr(getattr(step, "__func__", None), "__code__", None)
        self.lines: list[Line] = []
        self._refs: dict[int, Ref] = {}  # by address: autograd hands out new objects for the tensors it saved
        self._kept: list[Tensor] = []  # alive while traced, so that no address is used twice
        self._known: dict[tuple, str] = {}  # common subexpressions
        self._truths: set[str] = set()

    def run(self, step: Callable[[], Any]) -> Any:
        """What the step returns.

        Raises:
            Untraceable: the step, or torch in it, raised an error.
        """
        try:
            return step()
        except UserError:
            raise
        except Exception as error:
            frames = [(f, n) for f, n in traceback.walk_tb(error.__traceback__) if not _inside(f.f_code.co_filename)]
            where = f" ({frames[-1][0].f_code.co_filename.rpartition('/')[2]}:{frames[-1][1]})" if frames else ""
            branches = "ambiguous" in str(error) or "one element" in str(error)
            what = "branches on a tensor's value" if branches else f"cannot be traced: {error}"
            raise Untraceable(f"{self.neuron}.step{where} {what}", "use torch.where" if branches else KNOWN) from None

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

    def is_truth(self, a: Ref) -> bool:
        """Whether a value is true or false."""
        return a in self._truths

    def truth(self, a: Ref) -> Ref:
        """A value as true or false."""
        return a if self.is_truth(a) else self("ne", a, 0.0)

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
        if func._schema.is_mutable and not self.backward:
            raise self._no(f"writes in place (torch.{name})", "make a new tensor")
        result = func(*args, **kwargs)
        if not isinstance(result, Tensor):
            raise self._no(f"uses torch.{name}, which gives no single tensor", KNOWN)
        if name in ("lift_fresh", "lift_fresh_copy") and result.numel() == 1:  # a number written as a tensor
            self.name(result, float(result))
            return result
        used = [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
        if tuple(result.shape) != self.shape and any(tuple(a.shape) == self.shape for a in used):
            raise self._no(f"mixes neurons (torch.{name})", "a step is elementwise")
        if result.dtype not in (torch.float32, torch.bool):
            raise self._no(f"computes in {result.dtype} (torch.{name})", "a step computes in its input's precision")
        own = tuple(self.ref(a) if isinstance(a, Tensor) else a for a in args)
        named = {k: self.ref(v) if isinstance(v, Tensor) else v for k, v in kwargs.items()}
        ref = translate(name.rstrip("_") if func._schema.is_mutable else name, own, named, self)
        if ref is None:
            raise self._no(f"uses torch.{name}, which no kernel knows", KNOWN)
        self.name(result, self.number(ref) if result.dtype == torch.float32 else ref)
        return result

    def _no(self, what: str, hint: str) -> Untraceable:
        where, frames = "", list(traceback.walk_stack(None))
        if any(frame.f_code is self.code for frame, _ in frames):  # not so in torch's own backward formulas
            frame, line = next((f, n) for f, n in frames if not _inside(f.f_code.co_filename))
            where = f" ({frame.f_code.co_filename.rpartition('/')[2]}:{line})"
        return Untraceable(f"{self.neuron}.step{where} {what}", hint)


def _inside(file: str) -> bool:
    return "/torch/" in file or file == __file__
