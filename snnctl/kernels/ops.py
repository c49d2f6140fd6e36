"""The elementwise operations that kernels know: what each torch operation becomes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from snnctl.kernels.program import Ref


class Writer(Protocol):
    """Writes lines: `w(op, *args)` is the new value, `w.number(a)` is `a` as a number where it is true or false."""

    def __call__(self, op: str, *args: Ref) -> Ref: ...

    def number(self, a: Ref) -> Ref: ...

    def truth(self, a: Ref) -> Ref: ...

    def is_truth(self, a: Ref) -> bool: ...


# Every op a printer must know; those of the second line give true or false.
ARITHMETIC = ("add", "sub", "mul", "div", "neg", "abs", "floor", "sqrt", "exp", "log", "log1p", "sigmoid", "tanh",
              "sin", "cos", "atan", "where", "number")  # fmt: skip
TRUTHS = ("ge", "gt", "le", "lt", "eq", "ne", "and", "or", "not")

SAME = {"detach", "clone", "alias", "view", "_unsafe_view", "expand", "reshape", "lift_fresh_copy", "lift_fresh",
        "positive", "contiguous"}  # fmt: skip
BINARY = {"add": "add", "sub": "sub", "mul": "mul", "div": "div", "true_divide": "div"}
COMPARE = {name: name for name in ("ge", "gt", "le", "lt", "eq", "ne")}
UNARY = {
    name: name
    for name in ("neg", "abs", "floor", "sqrt", "exp", "log", "log1p", "sigmoid", "tanh", "sin", "cos", "atan")
}
LOGIC = {"logical_and": "and", "bitwise_and": "and", "logical_or": "or", "bitwise_or": "or"}
CONSTANT = {"zeros_like": 0.0, "ones_like": 1.0, "zeros": 0.0, "ones": 1.0, "new_zeros": 0.0, "new_ones": 1.0,
            "empty_like": 0.0}  # fmt: skip


def translate(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], w: Writer) -> Ref | None:
    """The value of a torch operation; None if kernels do not know it.

    Args:
        name: of the operation, without name space and overload: "mul".
        args: values by name for tensors, numbers as they are.
        kwargs: as called.
        w: writes the lines.
    """
    if name in CONSTANT:
        return CONSTANT[name]
    if name in SAME:
        return args[0]
    if name in ("add", "mul") and w.is_truth(args[0]) and w.is_truth(args[1]):
        return w("or" if name == "add" else "and", args[0], args[1])
    if name in BINARY:
        a, b = w.number(args[0]), w.number(args[1])
        alpha = kwargs.get("alpha", args[2] if len(args) > 2 and name in ("add", "sub") else 1)
        if kwargs.get("rounding_mode") is not None:
            quotient = w("div", a, b)
            return w("floor", quotient) if kwargs["rounding_mode"] == "floor" else None
        return w(BINARY[name], a, b if alpha == 1 else w("mul", b, float(alpha)))
    if name in COMPARE:
        return w(COMPARE[name], w.number(args[0]), w.number(args[1]))
    if name in UNARY:
        return w(UNARY[name], w.number(args[0]))
    if name in LOGIC:
        return w(LOGIC[name], w.truth(args[0]), w.truth(args[1]))
    rule = RULES.get(name)
    return None if rule is None else rule(w, *args, **kwargs)


def _bounded(w: Writer, a: Ref, low: Ref | None, high: Ref | None) -> Ref:
    # Written so that NaN stays NaN, as in torch.
    if low is not None:
        a = w("where", w("lt", a, low), low, a)
    return a if high is None else w("where", w("gt", a, high), high, a)


def _power(w: Writer, a: Ref, exponent: Ref) -> Ref | None:
    if not isinstance(exponent, int | float) or not float(2 * exponent).is_integer() or abs(exponent) > 8:
        return None
    if exponent < 0:
        return w("div", 1.0, _power(w, a, -exponent))
    factors: list[Ref] = [a] * int(exponent) + ([w("sqrt", a)] if exponent % 1 else [])
    result: Ref = factors.pop() if factors else 1.0
    while factors:
        result = w("mul", result, factors.pop())
    return result


def _softplus(w: Writer, a: Ref, beta: float = 1.0, threshold: float = 20.0) -> Ref:
    scaled = w("mul", a, float(beta))
    smooth = w("div", w("log1p", w("exp", scaled)), float(beta))
    return w("where", w("gt", scaled, float(threshold)), a, smooth)


def _softplus_gradient(w: Writer, g: Ref, a: Ref, beta: float = 1.0, threshold: float = 20.0) -> Ref:
    scaled = w("mul", a, float(beta))
    return w("where", w("gt", scaled, float(threshold)), g, w("mul", g, w("sigmoid", scaled)))


def _sign(w: Writer, a: Ref) -> Ref:
    return w("sub", w("number", w("gt", a, 0.0)), w("number", w("lt", a, 0.0)))


def _cast(w: Writer, a: Ref, *_: Any, **__: Any) -> Ref:
    return w.number(a)


RULES: dict[str, Callable[..., Ref | None]] = {
    "_to_copy": _cast,
    "where": lambda w, c, a, b: w("where", c, w.number(a), w.number(b)),
    "masked_fill": lambda w, a, mask, value: w("where", mask, value, a),
    "logical_not": lambda w, a: w("not", w.truth(a)),
    "bitwise_not": lambda w, a: w("not", a),
    "reciprocal": lambda w, a: w("div", 1.0, a),
    "rsqrt": lambda w, a: w("div", 1.0, w("sqrt", a)),
    "square": lambda w, a: w("mul", a, a),
    "rsub": lambda w, a, b, alpha=1: w("sub", w.number(b), a if alpha == 1 else w("mul", a, float(alpha))),
    "pow": _power,
    "sign": _sign,
    "sgn": _sign,
    "isnan": lambda w, a: w("ne", a, a),
    "relu": lambda w, a: w("where", w("le", a, 0.0), 0.0, a),
    "clamp": lambda w, a, min=None, max=None: _bounded(w, a, min, max),
    "clamp_min": lambda w, a, low: _bounded(w, a, low, None),
    "clamp_max": lambda w, a, high: _bounded(w, a, None, high),
    "maximum": lambda w, a, b: w("where", w("lt", a, b), b, a),
    "minimum": lambda w, a, b: w("where", w("gt", a, b), b, a),
    "lerp": lambda w, a, b, weight: w("add", a, w("mul", weight, w("sub", b, a))),
    "addcmul": lambda w, a, b, c, value=1: w("add", a, w("mul", float(value), w("mul", b, c))),
    "addcdiv": lambda w, a, b, c, value=1: w("add", a, w("mul", float(value), w("div", b, c))),
    "softplus": _softplus,
    "softplus_backward": _softplus_gradient,
    "sigmoid_backward": lambda w, g, y: w("mul", g, w("mul", w("sub", 1.0, y), y)),
    "tanh_backward": lambda w, g, y: w("mul", g, w("sub", 1.0, w("mul", y, y))),
    "threshold_backward": lambda w, g, a, threshold: w("where", w("le", a, float(threshold)), 0.0, g),
    "hardtanh_backward": lambda w, g, a, low, high: w(
        "where", w("or", w("le", a, float(low)), w("ge", a, float(high))), 0.0, g
    ),
    "hardtanh": lambda w, a, low=-1.0, high=1.0: _bounded(w, a, float(low), float(high)),
    "exp2": lambda w, a: w("exp", w("mul", a, math.log(2))),
    "fill": lambda w, a, value: value if isinstance(value, str) else float(value),
    "full_like": lambda w, a, value, **_: float(value),
    "full": lambda w, size, value, **_: float(value),
    "scalar_tensor": lambda w, value, **_: float(value),
}
