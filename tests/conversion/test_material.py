"""What the ANN saw, and the same as the spiking network sees it."""

from __future__ import annotations

import pytest
import torch

from snnctl.conversion.material import Material
from snnctl.datasets.datamodule import DataModule
from snnctl.datasets.encodings import Poisson
from snnctl.errors import UserError
from tests.datasets.toy import ToyEvents, ToyImages, ToySeries


@pytest.fixture
def material(tmp_path):
    """(source, frame, input, samples, settings of the ANN's data) -> Material."""

    def make(source, frame="sum", input="accumulated", samples=8, **own):
        def data(**settings):
            made = DataModule(source, **{"batch_size": 4, "steps": 5, "cache": tmp_path, **own, **settings})
            made.setup()
            return made

        return Material(data, frame, input, samples)

    return make


CASES = {
    "a still image": (ToyImages, {"duration": 0.1}, 1.0),
    "a still image, mean": (ToyImages, {"duration": 0.1, "frame": "mean"}, 1.0),
    "accumulated events": (ToyEvents, {}, 1.0),
    "accumulated events, mean": (ToyEvents, {"frame": "mean"}, 1 / 5),
    "events as they come": (ToyEvents, {"input": "steps"}, 8.0),
    "events as they come, mean": (ToyEvents, {"input": "steps", "frame": "mean"}, 8 / 5),
    "random spikes": (ToyImages, {"duration": 0.1, "encoding": Poisson(100.0), "frame": "mean"}, 1.0),
    "random spikes, sum": (ToyImages, {"duration": 0.1, "encoding": Poisson(100.0)}, 5.0),
}


@pytest.mark.parametrize("case", CASES)
def test_the_mean_of_the_sequence_times_gain_is_the_frame(case, material):
    source, options, gain = CASES[case]
    made = material(source, **options)
    assert made.gain(8) == pytest.approx(gain)
    frames, sequences = made.frames(), list(made.sequences(8))
    assert sum(map(len, frames)) == 8 and len(sequences) == 2 and sequences[0].shape[:2] == (8, 4)
    if "encoding" not in options:  # else both are drawn
        for frame, x in zip(frames, sequences, strict=True):
            torch.testing.assert_close(gain * x.mean(0), frame)


def test_accuracy_is_the_share_that_is_right(material):
    made = material(ToyEvents)
    assert made.ann_accuracy(lambda x: torch.tensor([1.0, 0.0, 0.0]).expand(len(x), 3), "test") == 0.4  # 4 of 10 are a

    class Network(torch.nn.Module):
        def forward(self, x):
            return torch.tensor([0.0, 1.0, 0.0]).expand(*x.shape[:2], 3), None

    assert made.accuracy(Network(), 3, "test") == 0.3


def test_data_without_a_common_length_or_with_bins_as_channels(material):
    with pytest.raises(UserError, match="differ in length"):
        material(ToySeries, steps=None)
    with pytest.raises(UserError, match="as channels"):
        material(ToyEvents, layout="stacked")


def test_an_empty_part(material):
    made = material(ToyEvents, val_fraction=0.0)
    with pytest.raises(UserError, match="is empty"):
        made.ann_accuracy(lambda x: torch.zeros(len(x), 3), "val")
