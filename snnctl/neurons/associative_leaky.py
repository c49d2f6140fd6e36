"""AssociativeLeaky: a leaky matrix memory of keys and values whose entries fire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from snnctl.errors import number
from snnctl.neurons.linear_scan import linear_scan
from snnctl.neurons.quantity import one_of
from snnctl.neurons.spiking import DEFAULT_SURROGATE, Fire
from snnctl.neurons.temporal import Temporal
from snnctl.neurons.threshold import a_surrogate, counted, vector
from snnctl.surrogates import Surrogate


class AssociativeLeakyState(NamedTuple):
    """Between two steps."""

    v: Tensor  # memory (B, values, keys)


class AssociativeLeaky(Temporal):
    """Associative leaky memory: linear attention with a leak that the input sets, read out as spikes.

        V[t] = V[t-1] diag(sigmoid(W_a x[t] + b_a)) + (W_v x[t] + b_v) (W_k x[t] + b_k)^T
        S[t] = 1 where V[t] >= threshold                            (values, keys)
        out[t] = S[t] Q[t],   Q[t] = W_q x[t] + b_q, (keys, values)

    There is no reset, so all steps are computed at once (`linear_scan`).

    Args:
        values, keys: rows and columns of the memory.
        query: out is S[t] Q[t] with values * values numbers, else S[t] itself, values * keys spikes.
        threshold: unit of V, above 0.
        fire: "ge" fires at V >= threshold, "gt" at V > threshold.
        surrogate: the gradient of a spike.
        shape: one time step of the input, (N,); the network fills it in.

    Raises:
        UserError: a value out of range; the input is no vector.

    Source: S. Yang et al., "Gated linear attention transformers with hardware-efficient training", ICML 2024,
    arXiv:2312.06635, with a threshold; snnTorch 1.0's AssociativeLeaky.
    """

    State = AssociativeLeakyState
    why = "weights of its own, and a scan over all steps"

    def __init__(
        self,
        *,
        values: int = 8,
        keys: int = 8,
        query: bool = True,
        threshold: float = 1.0,
        fire: Fire = "ge",
        surrogate: Surrogate = DEFAULT_SURROGATE,
        shape: Sequence[int] | None = None,
    ):
        name = type(self).__name__
        n = vector(name, shape)
        rows, columns = counted(name, "values", values), counted(name, "keys", keys)
        query = one_of(name, "query", query, Literal[True, False])
        super().__init__((values * values,) if query else (values * keys,))
        number(f"{name}: threshold is", threshold, "unit of V", 0.0, above=True)
        self.values, self.keys = rows, columns
        self.threshold = float(threshold)
        self.fire = one_of(name, "fire", fire, Fire)
        self.surrogate = a_surrogate(name, surrogate)
        self.spiking = not query
        self.value, self.key, self.leak = nn.Linear(n, values), nn.Linear(n, keys), nn.Linear(n, keys)
        self.query = nn.Linear(n, keys * values) if query else None

    def run(
        self, x: Tensor, state: AssociativeLeakyState | None, dt: float
    ) -> tuple[Tensor, AssociativeLeakyState, dict[str, Tensor]]:
        x = x.to(self.value.weight.dtype)
        written = self.value(x).unsqueeze(-1) * self.key(x).unsqueeze(-2)
        v = written.new_zeros(written.shape[1:]) if state is None else state.v
        v = linear_scan(written, torch.sigmoid(self.leak(x)).unsqueeze(-2), v)
        out = self.surrogate(v - self.threshold, self.fire == "gt")
        if self.query is not None:
            out = out @ self.query(x).unflatten(-1, (self.keys, self.values))
        return out.flatten(2), AssociativeLeakyState(v[-1]), {"v": v}

    def extra_repr(self) -> str:
        return f"values={self.values}, keys={self.keys}, threshold={self.threshold:g}, surrogate={self.surrogate}"
