"""Synapses that learn at every step, compiled: sparse sums forward, changes only where a side has fired.

The steps of the neurons are printed from their own programs, as in every kernel. A step of a sample costs the weights
of the inputs that fire, and, where it learns, as much again, and the weights into each neuron that fires.
"""

from __future__ import annotations

from textwrap import indent
from typing import NamedTuple

import numpy as np

from snnctl.kernels.compiled import Kernel
from snnctl.kernels.cpu import HEAD, ref, statements
from snnctl.kernels.cpu_functions import FUNCTIONS, NEEDS
from snnctl.kernels.program import Program

GAINS = {
    "additive": ("ONE", "ONE"),
    "proportional": ("v", "v"),
    "step": ("ONE if v < high else ZERO", "ONE if v > low else ZERO"),
    "multiplicative": ("max(high - v, ZERO)", "max(v - low, ZERO)"),
    "power": ("max(high - v, ZERO) ** mu", "max(v - low, ZERO) ** mu"),
}


class Shape(NamedTuple):
    """What the code depends on.

    Args:
        neuron: program of the neurons behind the synapses. partner: of the inhibitory ones, or None.
        compete: whether at most one of a sample's neurons spikes at a step.
        dependence: of the change on the weight, a key of GAINS.
        nearest: whether a trace holds the nearest spike alone.
        theta: place of the state that all samples share, -1: none.
    """

    neuron: Program
    partner: Program | None
    compete: bool
    dependence: str
    nearest: bool
    theta: int = -1


LOOP = """
@njit(**FLAGS)
def run(X, VALID, W, KE, SE, KI, SI, DRAWS, XPRE, XPOST, OUT, CURRENT, INH, numbers, delay, learn, outside):
    T, B, M = X.shape
    N = W.shape[1]
    inhibit, scale, pre_decay, post_decay, pre_gain, post_gain = numbers[0:6]
    eta_plus, eta_minus, low, high, mu, theta_decay, share = numbers[6:13]
    active = np.empty((B, M), np.int32)
    row = np.empty(N, np.float32)
    fired = np.empty(N, np.uint8)
    column = np.empty(M, np.float32)
    old = np.empty(N, np.float32)
    count = 0
    for t in range(T):
        if {theta} >= 0 and share != 0:
            for i in range(N):
                old[i] = theta_decay * SE[{theta}, 0, i]
        for b in range(B):
            current = CURRENT[t, b]
            everyone = ZERO
            if {partner} and t > 0:
                for i in range(N):
                    everyone += INH[t - 1, b, i]
                for i in range(N):
                    current[i] = inhibit * (INH[t - 1, b, i] - everyone)
            else:
                current[:] = ZERO
            for j in range(M):
                x = X[t, b, j]
                if x != ZERO:
                    for i in range(N):
                        current[i] += W[j, i] * x
            for i in range(N):
                {call_neuron}
                OUT[t, b, i] = out
            if {compete}:
                best = -1
                most = np.float32(-1)
                for i in range(N):
                    if OUT[t, b, i] > ZERO:
                        if DRAWS[t, b, i] > most:
                            best, most = i, DRAWS[t, b, i]
                if best >= 0:
                    for i in range(N):
                        if i != best:
                            OUT[t, b, i] = ZERO
            if {partner}:
                for i in range(N):
                    x = scale * OUT[t - delay, b, i] if t >= delay else ZERO
                    {call_partner}
                    INH[t, b, i] = out
        if {theta} >= 0 and share != 0 and B > 1:
            for i in range(N):
                total = old[i]
                for b in range(B):
                    total += SE[{theta}, b, i] - old[i]
                for b in range(B):
                    SE[{theta}, b, i] = total
        if not learn:
            continue
        fired[:] = 0
        anyone = False
        for b in range(B):
            valid = VALID[t, b]
            for j in range(M):
                s = X[t, b, j] * valid
                XPRE[b, j] = {trace_pre}
            for i in range(N):
                s = OUT[t, b, i] * valid
                if s != ZERO:
                    fired[i] = 1
                    anyone = True
                XPOST[b, i] = {trace_post}
        # all changes are of the weights as they are before the step: columns are added last
        first = 0
        for i in range(N if anyone else 0):
            if fired[i]:
                first += 1
        changes = np.zeros((first, M), np.float32)
        at = 0
        for i in range(N if anyone else 0):
            if fired[i]:
                column[:] = ZERO
                for b in range(B):
                    s = OUT[t, b, i] * VALID[t, b]
                    if s != ZERO:
                        for j in range(M):
                            column[j] += s * XPRE[b, j]
                for j in range(M):
                    v = W[j, i]
                    changes[at, j] = eta_plus * ({rise}) * column[j]
                at += 1
        if eta_minus != ZERO:
            for j in range(M):
                busy = False
                for b in range(B):
                    x = X[t, b, j] * VALID[t, b]
                    if x != ZERO:
                        if not busy:
                            row[:] = ZERO
                            busy = True
                        for i in range(N):
                            row[i] += x * XPOST[b, i]
                if busy:
                    for i in range(N):
                        v = W[j, i]
                        W[j, i] = v - eta_minus * ({fall}) * row[i]
                    if anyone:
                        at = 0
                        for i in range(N):
                            if fired[i]:
                                W[j, i] += changes[at, j]
                                changes[at, j] = ZERO
                                at += 1
                    for i in range(N):
                        v = W[j, i]
                        if v < low or v > high:
                            count += 1
                            W[j, i] = min(max(v, low), high)
        if anyone:
            at = 0
            for i in range(N):
                if fired[i]:
                    for j in range(M):
                        v = W[j, i] + changes[at, j]
                        if v < low or v > high:
                            count += 1
                            v = min(max(v, low), high)
                        W[j, i] = v
                    at += 1
    outside[0] = count
"""


def source(shape: Shape, cache: bool = True) -> str:
    """The module of a kernel, with `run`, which works in place on

    X (T, B, M) inputs; VALID (T, B) 1 before a sample's end; W (M, N); KE (coefs, N), SE (states, B, N) of the
    neurons, KI, SI of their partners; DRAWS (T, B, N); XPRE (B, M), XPOST (B, N) traces; OUT, CURRENT, INH (T, B, N).
    """
    programs = [shape.neuron] + ([shape.partner] if shape.partner else [])
    functions = {line.op for p in programs for line in p.lines if line.op in FUNCTIONS}
    functions |= {need for name in functions for need in NEEDS.get(name, ())}
    text = HEAD.format(neuron=shape.neuron.neuron, cache=cache)
    text += "".join(body for name, body in FUNCTIONS.items() if name in functions)
    text += _step("neuron", shape.neuron) + (_step("partner", shape.partner) if shape.partner else "")
    rise, fall = GAINS[shape.dependence]
    trace = "{g} if s > ZERO else {d} * {x}" if shape.nearest else "{d} * {x} + {g} * s"
    return text + LOOP.format(
        theta=shape.theta,
        partner=shape.partner is not None,
        compete=shape.compete,
        call_neuron=_call("neuron", shape.neuron, "current[i]", "KE", "SE", 16),
        call_partner=_call("partner", shape.partner, "x", "KI", "SI", 20) if shape.partner else "out = ZERO",
        trace_pre=trace.format(g="pre_gain", d="pre_decay", x="XPRE[b, j]"),
        trace_post=trace.format(g="post_gain", d="post_decay", x="XPOST[b, i]"),
        rise=rise,
        fall=fall,
    )


def kernel(shape: Shape) -> Kernel:
    """The compiled `run` of a shape."""
    return Kernel(f"plastic_{shape.neuron.neuron}", "run", lambda cache: source(shape, cache))


def vectors(program: Program, values: list, n: int) -> np.ndarray:
    """Coefficients as (coefs, N) float32: numbers, or tensors with one value a neuron."""
    found = np.empty((max(len(values), 1), n), np.float32)
    for k, value in enumerate(values):
        found[k] = value if isinstance(value, float) else value.detach().reshape(-1).numpy()
    return found


def _step(name: str, p: Program) -> str:
    given = ", ".join(["x", *(f"s_{s}" for s in p.states), *(f"c_{c}" for c in p.coefs)])
    body = [*statements(p, p.forward_lines()), f"return ({', '.join(ref(v) for v in (p.out, *p.after))},)"]
    return f"\n@njit(inline='always', **FLAGS)\ndef {name}({given}):\n" + indent("\n".join(body) + "\n", "    ")


def _call(name: str, p: Program, x: str, k: str, s: str, depth: int) -> str:
    states = [f"{s}[{n}, b, i]" for n in range(len(p.states))]
    given = ", ".join([x, *states, *(f"{k}[{n}, i]" for n in range(len(p.coefs)))])
    if not states:
        return f"(out,) = {name}({given})"
    after = ", ".join(f"n{n}" for n in range(len(states)))
    lines = [f"out, {after} = {name}({given})", *(f"{place} = n{n}" for n, place in enumerate(states))]
    return ("\n" + " " * depth).join(lines)
