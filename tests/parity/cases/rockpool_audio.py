"""Rockpool's bank of mel filters for sound."""

from __future__ import annotations

import torch

from snnctl.datasets.butter_mel import butter_mel_bank
from snnctl.datasets.encodings import BandFilters
from tests.parity.parity import Inputs, Parity, Traces

EVERY = 50  # samples between those that are kept of a trace


def _tone(rate: float) -> Inputs:
    """x (2000,): a rising tone with noise."""
    draw = torch.Generator().manual_seed(0)
    t = torch.arange(2000) / rate
    tone = torch.sin(2 * torch.pi * (200 + 3000 * t) * t)
    return {"x": tone.double() + 0.1 * torch.randn(2000, generator=draw).double()}


def _case(setting: str, rate: float, theirs: dict, mine: dict, channels: int = 8) -> Parity:
    def run(x: Inputs) -> Traces:
        from rockpool.nn.modules import ButterMelFilter

        module = ButterMelFilter(shape=(1, channels), fs=rate, **theirs)
        return {"y": torch.from_numpy(module(x["x"].numpy()[:, None])[0][::EVERY].copy())}

    def ours(x: Inputs) -> Traces:
        return {"y": torch.from_numpy(butter_mel_bank(x["x"].numpy(), rate, channels, **mine)[::EVERY].copy())}

    return Parity("rockpool.nn.modules.ButterMelFilter", "datasets.butter_mel", setting, lambda: _tone(rate), run, ours)


def _bands(setting: str, centres: list[float], widths: list[float], rate: float = 16000.0, **options) -> Parity:
    def run(x: Inputs) -> Traces:
        from rockpool.nn.modules import ButterFilter

        module = ButterFilter(centres, widths, fs=rate, **options)
        return {"y": torch.from_numpy(module(x["x"].numpy()[:, None])[0][::EVERY].copy())}

    def ours(x: Inputs) -> Traces:
        code = BandFilters(centres, widths, order=options.get("order", 2), smooth=options.get("use_lowpass", True))
        return {"y": code(x["x"].view(-1, 1, 1), 2000, 1 / rate, ())[::EVERY, 0].double()}

    api = "rockpool.nn.modules.ButterFilter"
    return Parity(api, "encoding=band_filters", setting, lambda: _tone(rate), run, ours)


CASES = [
    _bands("three_bands", [300.0, 1000.0, 3000.0], [100.0, 200.0, 800.0]),
    _bands("order=1", [300.0, 1000.0, 3000.0], [100.0, 200.0, 800.0], order=1),
    _bands("fs=44100_use_lowpass=False", [500.0, 6000.0], [300.0, 300.0], 44100.0, use_lowpass=False),
    _case("defaults", 44100.0, {}, {}),
    _case("fs=16000_cutoff_fs=50_order=1", 16000.0, {"cutoff_fs": 50.0, "order": 1}, {"low": 50.0, "order": 1}),
    _case(
        "filter_width=1_use_lowpass=False", 16000.0, {"filter_width": 1.0, "use_lowpass": False},
        {"width": 1.0, "smooth": False}, 12,
    ),
]  # fmt: skip
