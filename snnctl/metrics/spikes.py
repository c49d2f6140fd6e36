"""How a layer fires: rate, silence, regularity, variability."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.metrics.trains import interval_cv, local_variation


class SpikeRow(NamedTuple):
    """One spiking layer over all samples; None where too few spikes or steps were seen.

    Args:
        layer: name. neurons: how many.
        rate: spikes a neuron and step. rate_hz: spikes a neuron and second.
        silent: share of the neurons that never fired.
        isi_cv: coefficient of variation of inter-spike intervals (1: Poisson, 0: a clock).
        lv: local variation of the intervals (1: Poisson, 0: a clock), which slow changes of the rate leave alone.
        fano: Fano factor of spike counts (1: Poisson).
    """

    layer: str
    neurons: int
    rate: float
    rate_hz: float
    silent: float
    isi_cv: float | None
    lv: float | None
    fano: float | None


@dataclass
class _Sums:
    """Of one layer. spikes, counts, squares: per neuron (N,) float64; cv, lv: sum, trains; the others: over all."""

    spikes: Tensor
    counts: Tensor
    squares: Tensor
    windows: int = 0
    steps: int = 0
    cv: Tensor = field(default_factory=lambda: torch.zeros(2, dtype=torch.float64))
    lv: Tensor = field(default_factory=lambda: torch.zeros(2, dtype=torch.float64))


class SpikeStatistics:
    """Statistics of spike trains over batches; steps past a sample's length are not data.

        rate   = spikes / (neurons * steps)
        isi_cv = mean over spike trains with 2 intervals or more of  std(interval) / mean(interval)
        lv     = mean over spike trains with 2 intervals or more of the local variation (snnctl.metrics.trains)
        fano   = mean over neurons that fired of  var(N) / mean(N)

    A spike train is a neuron in a sample; N is the number of a neuron's spikes in a window, over the windows of all
    samples. A step with several spikes counts them all for rate and Fano factor, and is one event for the intervals.
    Over samples of different classes the Fano factor holds the classes' differences too.

    Args:
        dt: width of a time step, seconds.
        window: of the Fano factor, steps; windows do not overlap, what is left at a sample's end is dropped.

    Source: Dayan, Abbott 2001, Theoretical Neuroscience, section 1.4.
    """

    def __init__(self, dt: float, window: int = 10):
        if window < 1:
            raise UserError(f"window of the Fano factor: {window} steps", "range   1 or more")
        self.dt = dt
        self.window = window
        self._sums: dict[str, _Sums] = {}

    def update(self, spikes: dict[str, Tensor], length: Tensor) -> None:
        """Count a batch.

        Args:
            spikes: {layer: (T, B, ...)}.
            length: (B,) valid steps of each sample.
        """
        for name, out in spikes.items():
            out = out.detach()
            self._add(name, out.flatten(2) if out.dim() > 2 else out[..., None], length.to(out.device))

    def _add(self, name: str, out: Tensor, length: Tensor) -> None:
        steps, _, neurons = out.shape
        mask = torch.arange(steps, device=out.device)[:, None] < length
        out = torch.where(mask[..., None], out, out.new_zeros(()))
        if name not in self._sums:
            self._sums[name] = _Sums(*(torch.zeros(neurons, dtype=torch.float64) for _ in range(3)))
        sums = self._sums[name]
        sums.spikes += out.sum(0).double().sum(0).cpu()
        sums.steps += int(mask.sum())
        whole = steps // self.window
        counts = out[: whole * self.window].unflatten(0, (whole, self.window)).sum(1).double()
        full = mask[: whole * self.window].unflatten(0, (whole, self.window)).all(1)
        counts = counts[full]
        sums.counts += counts.sum(0).cpu()
        sums.squares += counts.square().sum(0).cpu()
        sums.windows += int(full.sum())
        for kind, of_trains in (("cv", interval_cv(out)), ("lv", local_variation(out))):
            getattr(sums, kind).add_(torch.stack([of_trains.nansum(), (~of_trains.isnan()).sum()]).cpu())

    def rows(self) -> list[SpikeRow]:
        """One row a layer, in the order of the first batch."""
        return [self._row(name, sums) for name, sums in self._sums.items()]

    def _row(self, name: str, sums: _Sums) -> SpikeRow:
        neurons, n = len(sums.spikes), sums.windows
        fired = sums.counts > 0
        fano = None
        if n > 1 and fired.any():
            mean = sums.counts[fired] / n
            variance = (sums.squares[fired] - n * mean.square()) / (n - 1)
            fano = float((variance / mean).mean())
        rate = float(sums.spikes.sum()) / (neurons * sums.steps)
        return SpikeRow(
            layer=name,
            neurons=neurons,
            rate=rate,
            rate_hz=rate / self.dt,
            silent=float((sums.spikes == 0).double().mean()),
            isi_cv=_mean(sums.cv),
            lv=_mean(sums.lv),
            fano=fano,
        )


def _mean(sums: Tensor) -> float | None:
    total, trains = sums.tolist()
    return total / trains if trains else None
