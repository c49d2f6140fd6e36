"""Neurons of every kind and convention, and the loop over `step` that kernels are held against."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from snnctl.kernels.ops import ARITHMETIC, TRUTHS
from snnctl.kernels.program import Line, Program
from snnctl.kernels.trace import trace
from snnctl.neurons import ALIF, IF, LI, LIF, CubaLIF, Neuron, ReLU
from snnctl.surrogates import ATan, FastSigmoid, Sigmoid, SingleExponential, Triangle

DT = 1e-3
SHAPE = (2, 3)  # channels, and neurons in each
SURROGATES = [ATan(), FastSigmoid(5.0), Sigmoid(), SingleExponential(), Triangle()]
LEARNABLE = {IF: ["threshold"], LIF: ["tau_mem", "threshold", "v_rest"], LI: ["tau_mem", "v_rest"],
             CubaLIF: ["tau_mem", "tau_syn", "threshold"],
             ALIF: ["tau_mem", "tau_adapt", "beta", "threshold"]}  # fmt: skip


def cases() -> list[Neuron]:
    """One neuron for each convention, and some with many."""
    everything = {"reset_delay": True, "refractory": 2e-3, "max_spikes": None, "fire": "gt"}
    fast = {"tau_mem": 5e-3, "threshold": 0.7}
    return [
        IF(), IF(reset="value", v_reset=0.1, refractory=1e-3), IF(reset="none"), LIF(**fast), LIF(**fast, fire="gt"),
        LIF(**fast, reset="zero"), LIF(**fast, reset="value", v_reset=-0.2), LIF(**fast, reset="none"),
        LIF(**fast, reset_delay=True), LIF(**fast, reset_delay=True, reset="zero"), LIF(**fast, detach_reset=True),
        LIF(**fast, max_spikes=None), LIF(**fast, max_spikes=3, reset="zero"), LIF(**fast, refractory=2e-3),
        LIF(**fast, v_rest=0.1, input_gain="1-decay"), LIF(**fast, v_rest=-0.1, **everything),
        LIF(decay="euler", input_gain="dt/tau", tau_mem=3e-3, threshold=0.6),
        CubaLIF(**fast), CubaLIF(synapse="add_then_decay", **everything),
        ALIF(**fast), ALIF(adapt_gain=1.0, beta=0.3, **everything), LI(), LI(v_rest=0.2, input_gain=0.5), ReLU(),
        *(LIF(**fast, surrogate=surrogate) for surrogate in SURROGATES[1:]),
        *(
            kind(learnable=names, per=per, shape=SHAPE)
            for kind, names in LEARNABLE.items()
            for per in ("layer", "channel", "neuron")
        ),
    ]  # fmt: skip


@st.composite
def neurons(draw) -> Neuron:
    """Any neuron with any conventions, its parameters fixed or learnable."""
    kind = draw(st.sampled_from(list(LEARNABLE)))
    learnable = draw(st.lists(st.sampled_from(LEARNABLE[kind]), unique=True))
    options = {"learnable": learnable, "per": draw(st.sampled_from(["layer", "channel", "neuron"])), "shape": SHAPE}
    if kind is not IF:
        options["tau_mem"] = draw(st.floats(2e-3, 50e-3))
        options["v_rest"] = draw(st.sampled_from([0.0, 0.1, -0.3]))
        options["decay"] = draw(st.sampled_from(["exact", "euler"]))
        options["input_gain"] = draw(st.sampled_from([1.0, 0.6, "1-decay", "dt/tau"]))
    if kind is CubaLIF:
        options["synapse"] = draw(st.sampled_from(["decay_then_add", "add_then_decay"]))
    if kind is ALIF:
        options["adapt_gain"] = draw(st.sampled_from(["1-decay", 1.0, "dt/tau"]))
    if kind is not LI:
        options["threshold"] = draw(st.floats(0.2, 2.0))
        options["fire"] = draw(st.sampled_from(["ge", "gt"]))
        options["reset"] = draw(st.sampled_from(["subtract", "zero", "value", "none"]))
        options["v_reset"] = draw(st.sampled_from([0.1, -0.2])) if options["reset"] == "value" else 0.0
        options["reset_delay"] = draw(st.booleans())
        options["detach_reset"] = draw(st.booleans())
        options["max_spikes"] = draw(st.sampled_from([1, 3, None]))
        options["refractory"] = draw(st.sampled_from([0.0, 1e-3, 3e-3]))
        options["surrogate"] = draw(st.sampled_from(SURROGATES))
    return kind(**options)


def program_of(neuron: Neuron) -> Program:
    """Its traced step."""
    return trace(neuron.step, neuron.initial_state(torch.zeros(2, 3)), neuron.coefficients(DT), type(neuron).__name__)


def drive(*shape: int, seed: int = 0) -> Tensor:
    """An input under which neurons fire, and fall silent, in a good part of their steps."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator) * 1.6 - 0.2


def eager(neuron: Neuron, x: Tensor, state, coefs):
    """The step, one time after the other: out (T, B, ...) and the last state."""
    outs = []
    for x_t in x.unbind(0):
        out, state = neuron.step(x_t, state, coefs)
        outs.append(out)
    return torch.stack(outs), state


# op -> (torch's function, its second argument and third argument, where it has them)
OPS = {
    "add": (torch.add, 0.3), "sub": (torch.sub, 0.3), "mul": (torch.mul, 0.3), "div": (torch.div, 0.3),
    "neg": (torch.neg,), "abs": (torch.abs,), "floor": (torch.floor,), "sqrt": (torch.sqrt,), "exp": (torch.exp,),
    "log": (torch.log,), "log1p": (torch.log1p,), "sigmoid": (torch.sigmoid,), "tanh": (torch.tanh,),
    "sin": (torch.sin,), "cos": (torch.cos,), "atan": (torch.atan,), "ge": (torch.ge, 0.5), "gt": (torch.gt, 0.5),
    "le": (torch.le, 0.5), "lt": (torch.lt, 0.5), "eq": (torch.eq, 0.5), "ne": (torch.ne, 0.5),
}  # fmt: skip
LOGIC = {"and": torch.logical_and, "or": torch.logical_or, "not": torch.logical_not, "number": lambda a: a,
         "where": lambda a: torch.where(a, 2.0, -1.0)}  # fmt: skip
POINTS = torch.tensor([0.5, 0.0, 1e-6, -1e-6, 3e-3, -3e-3, 0.25, -0.3, 0.7, 1.0, -1.0, 2.5, -7.25, 30.0, -40.0, 1e5])


def ops() -> list[str]:
    """All that a printer must know."""
    return [*ARITHMETIC, *TRUTHS]


def program_of_op(op: str) -> tuple[Program, Tensor]:
    """A step without state that is one op, and what torch gives for it at `POINTS`."""
    if op in OPS:
        function, *rest = OPS[op]
        lines, expected = [Line("t0", op, ("x", *rest), op in TRUTHS)], function(POINTS, *rest)
    else:
        lines = [Line("a", "gt", ("x", 0.0), True), Line("b", "lt", ("x", 1.0), True)]
        args, truths = {"and": ("ab", 2), "or": ("ab", 2)}.get(op, ("a", 1))
        rest = (2.0, -1.0) if op == "where" else ()
        lines.append(Line("t0", op, (*args, *rest), op in TRUTHS))
        expected = LOGIC[op](*(POINTS > 0, POINTS < 1)[:truths])
    out = "t0"
    if lines[-1].truth:
        lines.append(Line("t1", "number", ("t0",)))
        out = "t1"
    return Program("Single", (), (), tuple(lines), out, (), None, (), ()), expected.float()
