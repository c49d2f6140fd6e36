"""The traces of the test samples: in order, valid steps only, as a table."""

from __future__ import annotations

import torch

from snnctl.callbacks.traces import Traces
from snnctl.datasets.batch import Batch


def test_one_row_a_sample_and_step(tmp_path):
    target = torch.tensor([[[0.0], [10.0]], [[1.0], [11.0]], [[2.0], [12.0]]])  # (T, B, C)
    batch = Batch(target, target, torch.tensor([3, 2]), torch.tensor([7, 4]))
    traces = Traces()
    traces.on_test_batch_end(None, None, target / 2, batch, 0)
    traces.on_test_end(None, None)
    assert traces.counted == 2
    traces.write(tmp_path / "predictions.csv", ("y",))
    assert (tmp_path / "predictions.csv").read_text().split() == [
        "sample,step,output", "y,target", "y", "4,0,5,10", "4,1,5.5,11", "7,0,0,0", "7,1,0.5,1", "7,2,1,2",
    ]  # fmt: skip
