"""The least work of every case: what any implementation with dense products must compute or move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn

from snnctl.benchmarks.cases import Case
from snnctl.benchmarks.workload import Passes, inputs, passes

ACTIVE = 0.05  # share of the neurons that fire at a step; dense products take as long at any


def run(case: Case) -> Passes:
    """The passes of a case's floor."""
    torch.manual_seed(0)
    return globals()[case.family](case)


def onb(case: Case) -> Passes:
    """Linear over all steps, and the gradient of its weights."""
    fc, x = nn.Linear(*case.shape, case.neurons), inputs(case)
    gradient = torch.randn(case.steps, case.batch, case.neurons)

    def forward() -> Tensor:
        fc.weight.grad = fc.bias.grad = None
        return fc(x)

    return Passes(forward, lambda out: out.backward(gradient), fc)


def lif(case: Case) -> Passes:
    """Forward: read the input, write membrane and spikes. Backward: read membrane and gradient, write a gradient."""
    x = inputs(case).flatten().numpy()
    v, s = np.empty_like(x), np.empty_like(x)
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads) if threads > 1 else None
    edges = np.linspace(0, x.size, threads + 1).astype(int)
    parts = [(x[a:b], v[a:b], s[a:b]) for a, b in zip(edges, edges[1:], strict=False)]

    def over(kernel: Callable[..., None]) -> None:
        if pool is None:
            kernel(*parts[0])
        else:
            list(pool.map(lambda part: kernel(*part), parts))

    return Passes(lambda: over(_forward_bytes), lambda _: over(_backward_bytes))


cuba = alif = lif  # their further states stay in the processor's cache


@njit(cache=True, nogil=True)
def _forward_bytes(x, v, s):
    for i in range(x.size):
        v[i] = np.float32(0.9) * x[i]
        s[i] = np.float32(1) + x[i]


@njit(cache=True, nogil=True)
def _backward_bytes(gradient, v, out):
    for i in range(gradient.size):
        out[i] = gradient[i] * v[i]


def rlif(case: Case) -> Passes:
    """A product of the feedback a step, forward and backward, and one for the gradient of its weights."""
    forward, backward, s = _feedback(case)

    def back(_: None) -> None:
        backward()
        s.t() @ s

    return Passes(forward, back)


def shd(case: Case) -> Passes:
    """As rlif, with the product of the inputs and that of its weights' gradient."""
    feedforward, feedback, s = _feedback(case)
    x, weight = inputs(case).flatten(0, 1), torch.randn(*case.shape, case.neurons)

    def forward() -> None:
        x @ weight
        feedforward()

    def back(_: None) -> None:
        feedback()
        s.t() @ s
        x.t() @ s

    return Passes(forward, back)


def _feedback(case: Case) -> tuple[Callable[[], None], Callable[[], None], Tensor]:
    n = case.neurons
    weight, out = torch.randn(n, n), torch.empty(case.batch, n)
    spikes = (torch.rand(case.steps, case.batch, n) < ACTIVE).float()

    def each_step(weight: Tensor) -> None:
        for s in spikes[1:]:  # nothing comes back at the first step
            torch.mm(s, weight, out=out)

    return (lambda: each_step(weight)), (lambda: each_step(weight.t())), spikes.flatten(0, 1)


def conv(case: Case) -> Passes:
    """A training step of the same network without its neurons, over all steps at once, channels-last."""
    net = nn.Sequential(*_stages(case), nn.Flatten(), nn.Linear(case.features, case.classes))
    net = net.to(memory_format=torch.channels_last)

    def call(x: Tensor) -> Tensor:
        frames = x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        return net(frames).unflatten(0, x.shape[:2]).sum(0)

    return passes(case, call, net.parameters())._replace(module=net)


def _stages(case: Case) -> Iterator[nn.Module]:
    channels = case.shape[0]
    for width in case.widths:
        yield nn.Conv2d(channels, width, 3, padding=1)
        yield nn.AvgPool2d(2)
        channels = width
