"""Batch norms that know of time or of the threshold behind them."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.neurons.temporal import Temporal


class Steps(NamedTuple):
    """State of a norm with parameters of each step's own."""

    seen: int  # steps before the next one


class ThresholdBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Threshold-dependent batch norm (tdBN): currents with a standard deviation in proportion to the threshold,

        y = g (x - mean) / sqrt(var + eps) + b,    g = alpha threshold at first

    Mean and variance are over batch, time and space of each channel; padding of short samples counts.

    Args:
        num_features: channels, or features of a vector; the network fills it in.
        threshold: of the neurons behind it, unit of v, above 0.
        alpha: 1; sqrt(1 / n) where n branches are added before the neurons, as in a residual block.
        eps: added to the variance.
        momentum: weight of a batch in the running averages, 0 to 1.

    Raises:
        UserError: threshold or alpha is not above 0.

    Source: H. Zheng et al., "Going deeper with directly-trained larger spiking neural networks", AAAI 2021,
    arXiv:2011.05280.
    """

    def __init__(
        self, num_features: int, threshold: float = 1.0, alpha: float = 1.0, eps: float = 1e-5, momentum: float = 0.1
    ):
        super().__init__(num_features, eps, momentum)
        for name, value in (("threshold", threshold), ("alpha", alpha)):
            if not value > 0:
                raise UserError(f"ThresholdBatchNorm: {name} is {value!r}", "range          above 0")
        nn.init.constant_(self.weight, alpha * threshold)

    def _check_input_dim(self, x: Tensor) -> None:
        """Vectors and maps of any dimension are welcome."""


class _Norm(Temporal):
    """What norms over time share: running averages and the count of steps."""

    spiking = False
    why = "batch statistics: one operation of torch for all steps"
    State = Steps

    def __init__(self, steps: int | None, shape: tuple[int, ...], eps: float, momentum: float):
        super().__init__()
        if type(steps) is not int or steps < 1:
            raise self.wrong(
                f"steps is {steps!r}: it has parameters of each step's own",
                "set            dataset.duration, so that all samples are of one length, or choose "
                "torch.nn.BatchNorm2d or snnctl.networks.ThresholdBatchNorm",
            )
        self.steps, self.eps, self.momentum = steps, eps, momentum
        self.weight = nn.Parameter(torch.ones(shape))
        self.register_buffer("running_mean", torch.zeros(shape))
        self.register_buffer("running_var", torch.ones(shape))

    def _window(self, x: Tensor, state: Steps | None) -> tuple[int, int]:
        """First and last of the steps that x (T, B, C, ...) is."""
        first = 0 if state is None else state.seen
        if first + len(x) > self.steps:
            raise self.wrong(f"{first + len(x)} steps", f"range          1 to {self.steps}, as built (steps)")
        if x.dim() < 3 or x.shape[2] != self.weight.shape[-1]:
            raise self.wrong(f"input of shape {tuple(x.shape)}", f"wanted         (T, B, {self.weight.shape[-1]}, ...)")
        return first, first + len(x)

    def _normed(self, x: Tensor, mean: Tensor, var: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.training and x.numel() == x.shape[1]:
            raise self.wrong("one value a channel has no variance", "give           a batch of two samples or more")
        return F.batch_norm(x, mean, var, weight, bias, self.training, self.momentum, self.eps)

    def extra_repr(self) -> str:
        return f"{self.weight.shape[-1]}, steps={self.steps}, eps={self.eps}, momentum={self.momentum}"


class TemporalEffectiveBatchNorm(_Norm):
    """Temporal effective batch norm (TEBN): batch norm over batch, time and space, scaled anew at every step,

        y[t] = p[t] (g (x[t] - mean) / sqrt(var + eps) + b)

    Args:
        num_features: channels, or features of a vector; the network fills it in.
        steps: T, the most steps of a sequence; filled in from the data set.
        eps: added to the variance.
        momentum: weight of a batch in the running averages, 0 to 1.

    Raises:
        UserError: the number of steps is not known, or a sequence is longer.

    Source: C. Duan et al., "Temporal effective batch normalization in spiking neural networks", NeurIPS 2022,
    openreview.net/forum?id=fLIgyyQiJqz.
    """

    def __init__(self, num_features: int, steps: int | None = None, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__(steps, (num_features,), eps, momentum)
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.scale = nn.Parameter(torch.ones(self.steps))

    def run(self, x: Tensor, state: Steps | None, dt: float) -> tuple[Tensor, Steps, dict[str, Tensor]]:
        first, last = self._window(x, state)
        y = self._normed(x.flatten(0, 1), self.running_mean, self.running_var, self.weight, self.bias)
        scale = self.scale[first:last].view(-1, *[1] * (x.dim() - 1))
        return y.unflatten(0, x.shape[:2]) * scale, Steps(last), {}


class BatchNormThroughTime(_Norm):
    """Batch norm through time (BNTT): at every step statistics and a gain of its own, and no shift,

        y[t] = g[t] (x[t] - mean[t]) / sqrt(var[t] + eps)

    Mean and variance are over batch and space of each channel. Steps that are padding in some samples count.

    Args:
        num_features: channels, or features of a vector; the network fills it in.
        steps: T, the most steps of a sequence; filled in from the data set.
        eps: added to the variance.
        momentum: weight of a batch in the running averages, 0 to 1.

    Raises:
        UserError: the number of steps is not known, or a sequence is longer.

    Source: Y. Kim, P. Panda, "Revisiting batch normalization for training low-latency deep spiking neural networks from
    scratch", Frontiers in Neuroscience 15 (2021), doi:10.3389/fnins.2021.773954, arXiv:2010.01729.
    """

    def __init__(self, num_features: int, steps: int | None = None, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__(steps, (0 if steps is None else steps, num_features), eps, momentum)

    def run(self, x: Tensor, state: Steps | None, dt: float) -> tuple[Tensor, Steps, dict[str, Tensor]]:
        first, last = self._window(x, state)
        rows = x.transpose(0, 1).flatten(1, 2)  # a channel of a step is a channel: one call for all steps
        parts = (self.running_mean, self.running_var, self.weight)
        y = self._normed(rows, *(p[first:last].flatten() for p in parts), None)
        return y.unflatten(1, (len(x), -1)).transpose(0, 1), Steps(last), {}


class NeuNormState(NamedTuple):
    """Between two steps."""

    u: Tensor  # activity of the neighbourhood (B, 1, ...)


class NeuNorm(Temporal):
    """Neuron norm (NeuNorm): spikes of a map less the recent activity of all maps at the same place,

        u[t] = k u[t-1] + (1 - k) / C^2 sum_c s_c[t]
        y_c[t] = s_c[t] - w_c u[t]

    It stands behind the neurons of a convolution.

    Args:
        shape: of a step, (C, L), (C, H, W) or (C, D, H, W); the network fills it in.
        k: what is left of u after a step, 0 to below 1.
        shared: one w for all maps instead of one a map.

    Raises:
        UserError: k is out of range, or the input is no map.

    Source: Y. Wu et al., "Direct training for spiking neural networks: faster, larger, better", AAAI 2019,
    arXiv:1809.05793.
    """

    spiking = False
    why = "a sum over maps at every step"
    State = NeuNormState

    def __init__(self, shape: tuple[int, ...], k: float = 0.9, shared: bool = False):
        super().__init__(shape)
        if not 0 <= k < 1:
            raise self.wrong(f"k is {k!r}", "range          0 to below 1")
        if len(shape) < 2:
            raise self.wrong(f"it gets {tuple(shape)} at each step", "wanted         maps (C, H, W)")
        self.k = float(k)
        self.weight = nn.Parameter(torch.empty(1 if shared else shape[0], *shape[1:]))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def run(self, x: Tensor, state: NeuNormState | None, dt: float) -> tuple[Tensor, NeuNormState, dict[str, Tensor]]:
        drive = x.sum(2, keepdim=True) * ((1 - self.k) / x.shape[2] ** 2)
        u = torch.zeros_like(drive[0]) if state is None else state.u
        past = []
        for step in drive.unbind(0):
            u = self.k * u + step
            past.append(u)
        traced = torch.stack(past)
        return x - self.weight * traced, NeuNormState(u), {"u": traced}

    def extra_repr(self) -> str:
        return f"{tuple(self.weight.shape)}, k={self.k}"
