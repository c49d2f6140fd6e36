"""Functions of time for an output to follow: regression, where other sets have classes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from snnctl.datasets.draws import generator
from snnctl.datasets.recording import Recording
from snnctl.datasets.source import Source
from snnctl.errors import UserError, did_you_mean, number, whole

CURVES = {"linear": lambda x, slope: x, "sqrt": lambda x, slope: np.sqrt(slope * x)}


class Functions(Source):
    """Ramps x, and what the output is to do meanwhile, y:

        x_i[t] = end_i t / (T - 1),   end_i ~ U(0, 1)
        y_i[t] = x_i[t]   (linear)   or   sqrt(slope x_i[t]),   slope ~ U(0, 1), one of the whole set   (sqrt)

    Args:
        root: unused; every source has one.
        curve: linear or sqrt.
        rows: T, 2 and above.
        train: ramps to train on.
        test: other ramps to test on; 0: the same, so that the test measures the fit.
        period: of a row, s.
        seed: of ends and slope.

    Raises:
        UserError: a setting out of range.

    Source: A. Henkes, J. K. Eshraghian, H. Wessels 2022, arXiv 2210.03515.
    """

    kind = "frames"
    shape = (1,)
    classes = ("y",)
    targets = "traces"

    def __init__(
        self,
        root: str | Path = "data",
        curve: Literal["linear", "sqrt"] = "sqrt",
        rows: int = 50,
        train: int = 1,
        test: int = 0,
        period: float = 1e-3,
        seed: int = 0,
    ):
        super().__init__(root)
        if curve not in CURVES:
            raise UserError(f"dataset.source.curve is {curve!r}", did_you_mean(str(curve), CURVES))
        for name, value, low in (("rows", rows, 2), ("train", train, 1), ("test", test, 0)):
            whole(f"dataset.source.{name} is", value, low)
        self.period = number("dataset.source.period =", period, "s", 0.0, above=True)
        self.curve, self.rows, self.seed = curve, rows, seed
        self.train, self.test = train, test
        self.duration = rows * period

    def parts(self) -> dict[str, np.ndarray]:
        """Zeros: there are no classes."""
        return {"train": np.zeros(self.train, np.int64), "test": np.zeros(self.test or self.train, np.int64)}

    def read(self, part: str, i: int) -> Recording:
        """Ramp `i` of `part`, (T, 1) float32."""
        rows = self._ramp(part, i).astype(np.float32)[:, None]
        return Recording(values=rows, stop=round(self.duration * 1e6), period=self.period)

    def traces(self, part: str) -> np.ndarray:
        """y of each ramp, (n, T, 1) float32."""
        slope = generator(self.seed, 0, -1, "slope").random()
        ramps = np.stack([self._ramp(part, i) for i in range(len(self.parts()[part]))])
        return CURVES[self.curve](ramps, slope).astype(np.float32)[..., None]

    def _ramp(self, part: str, i: int) -> np.ndarray:
        own = part if self.test else "train"
        return np.linspace(0, generator(self.seed, 0, i, f"end of {own}").random(), self.rows)
