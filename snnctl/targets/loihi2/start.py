"""Where membranes start on a chip that adds the bias before the first input arrives."""

from __future__ import annotations

import torch
from torch import Tensor

from snnctl.targets.loihi2.compartment import ALIGN, STATE, UNITY, Registers


def start(bias: Tensor, registers: Registers, vth: int, steps: int) -> Tensor | None:
    """v before the chip's first step such that the bias alone brings it to 0 in so many steps, when input arrives:

        trunc(v[t-1] (4096 - dv) / 4096) + bias = v[t],    v[steps] = 0

    Args:
        bias: (N,) int64, as it is added to v. vth: threshold. steps: at which the circuit begins.

    Returns:
        (N,) int64; None where v would leave its 24 bits or fire on the way.
    """
    kept = UNITY - registers.dv
    v = torch.zeros_like(bias)
    for step in range(steps):
        wanted = v - bias
        # floor(m kept / 4096) rises by 0 or 1 with m, so it meets every whole number; the least m that does:
        size = -((-wanted.abs() * UNITY) // kept)
        v = wanted.sign() * size
        last = step == steps - 1
        if bool((size >= STATE).any()) or (not last and bool((v > vth << ALIGN).any())):
            return None
    return v
