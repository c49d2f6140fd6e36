"""A series in bands of frequency, as a cochlea or an analog front end has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from snnctl.datasets.encodings.front_end import FrontEnd
from snnctl.datasets.encodings.ranges import choice, number, within
from snnctl.errors import UserError


@dataclass(frozen=True)
class BandFilters(FrontEnd):
    """Butterworth band-passes that look backwards only, rectified and smoothed, then another encoding of the envelopes:

        a_k = lowpass(|bandpass_k(v)|),   bandpass_k from centres_k - widths_k / 2 to centres_k + widths_k / 2

    (C, ...) becomes (K C, ...), the first band first.

    Args:
        centres: of the bands, Hz.
        widths: of the bands, Hz; one for all, or as many.
        low: cut-off of the low-pass, Hz; None: the lowest end of a band.
        order: of the filters, whole, 1 and above.
        smooth: False gives the bands themselves.
        then: the encoding of the envelopes.

    Raises:
        UserError: a setting out of range; when called: a band that reaches 1 / (2 dt), a value that is not finite.

    Source: S. Butterworth, "On the theory of filter amplifiers", Experimental Wireless 7 (1930), 536.
    """

    centres: Sequence[float] = (2.0, 5.0, 10.0, 20.0)
    widths: Sequence[float] = (1.0, 2.0, 4.0, 8.0)
    low: float | None = None
    order: int = 2
    smooth: bool = True

    def __post_init__(self):
        for name in ("centres", "widths"):
            for value in getattr(self, name):
                number("BandFilters", name, value, "Hz", 0.0, above=True)
        if not self.centres or len(self.widths) not in (1, len(self.centres)):
            problem = f"BandFilters: {len(self.centres)} centres, {len(self.widths)} widths"
            raise UserError(problem, "expected one centre or more, and one width or as many")
        for bottom, _ in self.bands():
            number("BandFilters", "centres - widths / 2", bottom, "Hz", 0.0, above=True)
        if self.low is not None:
            number("BandFilters", "low", self.low, "Hz", 0.0, above=True)
        number("BandFilters", "order", self.order, "whole", 1)
        choice("BandFilters", "smooth", self.smooth, Literal[True, False])

    def bands(self) -> list[tuple[float, float]]:
        """Lowest and highest frequency of each, Hz."""
        widths = list(self.widths) * (len(self.centres) if len(self.widths) == 1 else 1)
        return [(f - w / 2, f + w / 2) for f, w in zip(self.centres, widths, strict=True)]

    def features_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(C, ...) -> (K C, ...)."""
        return (len(self.centres) * shape[0], *shape[1:])

    def features(self, values: Tensor, dt: float) -> Tensor:
        """(L, B, C, ...) -> (L, B, K C, ...), filtered along L in double precision."""
        from scipy.signal import butter, sosfilt

        bands, rate = self.bands(), 1 / dt
        low = min(bands)[0] if self.low is None else self.low
        highest = max(low, *(top for _, top in bands))
        if highest >= rate / 2:
            raise UserError(
                f"BandFilters: a band reaches {highest:g} Hz", f"range          below 1 / (2 dt) = {rate / 2:g}, Hz"
            )
        v = within("BandFilters", values).double().numpy()
        envelope, out = butter(self.order, low, fs=rate, output="sos"), []
        for band in bands:
            passed = sosfilt(butter(self.order, band, btype="band", fs=rate, output="sos"), v, axis=0)
            out.append(sosfilt(envelope, np.abs(passed), axis=0) if self.smooth else passed)
        return torch.from_numpy(np.stack(out, 2)).float().flatten(2, 3)
