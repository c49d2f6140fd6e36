"""A compartment of Loihi in integers, as Lava's fixed point has it.

Source: Lava 0.10.0 (lava-nc), models LIF and Dense tagged "fixed_pt"; M. Davies et al., "Loihi", IEEE Micro 38 (2018),
doi:10.1109/MM.2018.112130359.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

DECAY_BITS = 12  # du and dv
UNITY = 1 << DECAY_BITS
ALIGN = 6  # synaptic input and threshold are shifted left by it against u, v and bias
STATE = 1 << 23  # u and v have 24 bits with their sign
LARGEST_DECAY = UNITY - 1
LARGEST_THRESHOLD = (1 << 17) - 1
LARGEST_INPUT = (1 << 15) - 1  # of a step's synapses; Lava declares 16 bits
LARGEST_MANTISSA = (1 << 12) - 1  # of the bias: 13 bits with its sign
LARGEST_BIAS_EXPONENT = 7  # 3 bits
LARGEST_DELAY = 64  # steps from spike to input: 6 bits of delay, and the step of every connection
MIXED, ONE_SIGN = 254, 255  # largest weight of both signs, which has to be even, and of one sign
WEIGHT_EXPONENTS = (-8, 7)  # 4 bits with their sign; Lava does not hold it to them


class Registers(NamedTuple):
    """What the compartments of a layer share."""

    du: int  # of 4096: (du + 1) / 4096 of the current is lost in a step
    dv: int  # dv / 4096 of the membrane is lost in a step


def trunc_shift(x: Tensor, bits: int) -> Tensor:
    """x / 2^bits, rounded towards zero; x int64."""
    return (x + ((x >> 63) & ((1 << bits) - 1))) >> bits


def shift(x: Tensor, exponent: int) -> Tensor:
    """x 2^exponent, rounded down where the exponent is negative."""
    return x << exponent if exponent >= 0 else x >> -exponent


def current(u: Tensor, a: Tensor, du: int) -> Tensor:
    """The synaptic current after a step,

        u <- wrap( trunc(u (4096 - (du + 1)) / 4096) + 64 a )

    Args:
        u, a: current before it and sum of the step's synapses, int64 of one shape.
    """
    u = (a << ALIGN) if du == LARGEST_DECAY else trunc_shift(u * (UNITY - 1 - du), DECAY_BITS) + (a << ALIGN)
    wrapped = torch.where(u > STATE, u - 2 * STATE, u)
    return torch.where(wrapped <= -STATE, u + 2 * STATE, wrapped)


def membrane(v: Tensor, u: Tensor, bias: Tensor, dv: int) -> Tensor:
    """The membrane potential after a step, before a reset: v <- clip( trunc(v (4096 - dv) / 4096) + u + bias )."""
    leaked = v if dv == 0 else trunc_shift(v * (UNITY - dv), DECAY_BITS)
    return (leaked + u + bias).clamp(1 - STATE, STATE - 1)


def fired(v: Tensor, vth: int) -> Tensor:
    """Whether v is above the threshold, bool."""
    return v > (vth << ALIGN)
