"""Rockpool's bank of mel filters for sound."""

from __future__ import annotations

import torch

from snnctl.datasets.butter_mel import butter_mel_bank
from tests.parity.parity import Inputs, Parity, Traces

EVERY = 50  # samples between those that are kept of a trace


def _case(setting: str, rate: float, theirs: dict, mine: dict, channels: int = 8) -> Parity:
    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(0)
        t = torch.arange(2000) / rate
        tone = torch.sin(2 * torch.pi * (200 + 3000 * t) * t)
        return {"x": tone.double() + 0.1 * torch.randn(2000, generator=draw).double()}

    def run(x: Inputs) -> Traces:
        from rockpool.nn.modules import ButterMelFilter

        module = ButterMelFilter(shape=(1, channels), fs=rate, **theirs)
        return {"y": torch.from_numpy(module(x["x"].numpy()[:, None])[0][::EVERY].copy())}

    def ours(x: Inputs) -> Traces:
        return {"y": torch.from_numpy(butter_mel_bank(x["x"].numpy(), rate, channels, **mine)[::EVERY].copy())}

    return Parity("rockpool.nn.modules.ButterMelFilter", "datasets.butter_mel", setting, inputs, run, ours)


CASES = [
    _case("defaults", 44100.0, {}, {}),
    _case("fs=16000_cutoff_fs=50_order=1", 16000.0, {"cutoff_fs": 50.0, "order": 1}, {"low": 50.0, "order": 1}),
    _case(
        "filter_width=1_use_lowpass=False", 16000.0, {"filter_width": 1.0, "use_lowpass": False},
        {"width": 1.0, "smooth": False}, 12,
    ),
]  # fmt: skip
