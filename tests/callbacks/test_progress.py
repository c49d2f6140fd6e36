"""The line of an epoch says what the regime is judged by."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from snnctl.callbacks.progress import EpochLines


@pytest.mark.parametrize(
    ("result", "line"),
    [
        ({"loss": 0.25, "acc": 0.975}, "loss 0.2500 acc  97.5 %"),
        ({"loss": 3.0e-4}, "loss 0.0003"),
        ({"loss": 9.5, "entropy": 0.3, "return": -92.1, "length": 23.0}, "return -92.10 in 23.0 actions"),
    ],
)
def test_the_line_of_an_epoch(result, line, capsys):
    tallies = {stage: SimpleNamespace(result=lambda: result) for stage in ("train", "val")}
    trainer = SimpleNamespace(current_epoch=1, max_epochs=3, is_global_zero=True)
    EpochLines().on_train_epoch_end(trainer, SimpleNamespace(tallies=tallies))
    assert capsys.readouterr().out == f"epoch   2/3  train {line}  val {line}\n"
