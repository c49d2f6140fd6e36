"""Norse's threshold functions."""

from __future__ import annotations

from torch import Tensor

from tests.surrogates.gradients import above_threshold, proof

# method -> what our numbers are at its alpha; 100 is that of its neurons
METHODS = {
    "super": lambda alpha: {},  # its alpha has no effect
    "triangle": lambda alpha: {"scale": alpha},
    "tanh": lambda alpha: {"slope": alpha},
    "circ": lambda alpha: {"width": alpha},
    "heavi_erfc": lambda alpha: {"sigma": 0.5**0.5 / alpha, "scale": 2 / alpha},
}
# outside that switch: these draw their spikes, so only gradients are compared
DRAWN = {"logistic_fn": ("tanh", METHODS["tanh"]), "circ_dist_fn": ("circ", METHODS["circ"])}


def _threshold(x: Tensor, method: str, alpha: float) -> Tensor:
    from norse.torch.functional.threshold import threshold

    return threshold(x, method, alpha)


def _drawn(x: Tensor, function: str, alpha: float) -> Tensor:
    from norse.torch.functional import threshold

    return getattr(threshold, function)(x, alpha)


def _cases():
    for alpha in (100.0, 1.0, 0.3):
        for method, numbers in METHODS.items():
            yield proof(
                "norse.torch.functional.threshold.threshold",
                f"norse/{method}",
                f"method={method}" + (f", alpha={alpha:g}" if alpha != 100 else ""),
                lambda x, method=method, alpha=alpha: _threshold(x, method, alpha),
                numbers(alpha) if alpha != 100 else {},
                above_threshold,
            )
        for function, (method, numbers) in DRAWN.items():
            yield proof(
                f"norse.torch.functional.threshold.{function}",
                f"norse/{method}",
                f"alpha={alpha:g}",
                lambda x, function=function, alpha=alpha: _drawn(x, function, alpha),
                numbers(alpha),
                traces=["grad_x"],
            )


CASES = [
    *_cases(),
    proof(
        "norse.torch.functional.threshold.threshold",
        "norse/heaviside",
        "method=heaviside",
        lambda x: _threshold(x, "heaviside", 100.0) + 0 * x,  # theirs is cut off from autograd
        {},
        above_threshold,
    ),
]
