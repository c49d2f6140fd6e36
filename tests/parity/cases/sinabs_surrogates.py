"""Sinabs' surrogate gradients, which take v and the threshold."""

from __future__ import annotations

from torch import Tensor

from tests.surrogates.gradients import proof, said

# their class -> (YAML, settings: (their arguments, threshold, what changes here)); their widths count in thresholds
CLASSES = {
    "SingleExponential": ("single_exponential", [
        ({}, 1.0, {}),
        ({"grad_width": 2.0, "grad_scale": 0.5}, 1.0, {"width": 2.0, "scale": 0.5}),
        ({}, 2.0, {"width": 1.0}),
    ]),
    "PeriodicExponential": ("periodic_exponential", [
        ({}, 1.0, {}),
        ({"grad_width": 0.125, "grad_scale": 3.0}, 1.0, {"width": 0.125, "scale": 3.0}),
        ({}, 0.5, {"period": 0.5}),
    ]),
    "Heaviside": ("heaviside", [
        ({}, 1.0, {}),
        ({"window": 0.5}, 1.0, {"kink": -0.5}),
        ({}, 2.0, {"above": 0.5}),
    ]),
    "Gaussian": ("gaussian", [
        ({}, 1.0, {}),
        ({"mu": 0.5, "sigma": 1.0, "grad_scale": 2.0}, 1.0, {"center": 0.5, "sigma": 1.0, "scale": 2.0}),
        ({"sigma": 0.125}, 1.0, {"sigma": 0.125}),
    ]),
    "MultiGaussian": ("multi_gaussian", [
        ({}, 1.0, {}),
        ({"sigma": 0.25, "h": 0.5, "s": 3.0}, 1.0, {"sigma": 0.25, "h": 0.5, "s": 3.0}),
        ({"mu": 0.5, "grad_scale": 2.0}, 1.0, {"center": 0.5, "scale": 2.0}),
    ]),
}  # fmt: skip


def _spike(x: Tensor, kind: str, options: dict, threshold: float) -> Tensor:
    from sinabs import activation

    return activation.SingleSpike.apply(x + threshold, threshold, getattr(activation, kind)(**options))


def _cases():
    for kind, (name, settings) in CLASSES.items():
        for options, threshold, changes in settings:
            shown = {**options, **({"threshold": threshold} if threshold != 1 else {})}
            yield proof(
                f"sinabs.activation.{kind}",
                f"sinabs/{name}",
                said(shown),
                lambda x, kind=kind, options=options, threshold=threshold: _spike(x, kind, options, threshold),
                changes,
            )


CASES = list(_cases())
