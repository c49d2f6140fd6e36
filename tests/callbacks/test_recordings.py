"""Recordings while training; training does not notice."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.callbacks.recordings import Recordings
from snnctl.cli import main
from snnctl.errors import UserError
from tests.runs import SMALL, assert_same_run


def test_in_a_run(tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    few = [*SMALL, "trainer.max_epochs=2", "eval_after=false"]
    wanted = ["callbacks=recordings", "callbacks.recordings.fields=[spikes,v,grad_output]",
              "callbacks.recordings.kinds=[raster,animation]", "logger=tensorboard"]  # fmt: skip
    assert main(["train", "./small.yaml", *few, *wanted, "hydra.run.dir=seen"]) == 0
    assert main(["train", "./small.yaml", *few, "hydra.run.dir=plain"]) == 0
    assert_same_run(tmp_path / "seen", tmp_path / "plain")
    folder = tmp_path / "seen" / "recorded"
    assert sorted(p.name for p in folder.iterdir()) == ["epoch000", "epoch001", "epoch002"]
    with np.load(folder / "epoch001" / "recorded.npz") as one, np.load(folder / "epoch002" / "recorded.npz") as two:
        assert one["hidden.0.neuron/v"].shape == one["hidden.0.neuron/grad_output"].shape == (8, 2, 16)
        np.testing.assert_array_equal(one["input"], two["input"])
        assert not np.array_equal(one["hidden.0.neuron/v"], two["hidden.0.neuron/v"])
    names = sorted(p.name for p in (folder / "epoch002").iterdir())
    assert names == ["000_animation.gif", "000_raster.png", "001_animation.gif", "001_raster.png", "recorded.npz"]
    board = EventAccumulator(str(tmp_path / "seen" / "tensorboard")).Reload()
    shown = board.Images("recorded/animation/1")
    assert [e.step for e in shown] == [0, 1, 2]
    assert shown[2].encoded_image_string == (folder / "epoch002" / "001_animation.gif").read_bytes()

    assert main(["eval", "seen", "record=[v,spikes,grad_input]", "samples=1", "pictures=all"]) == 0
    with np.load(tmp_path / "seen" / "recorded.npz") as kept:
        grad = kept["readout/grad_input"]
        assert np.abs(grad).max() > 0 and np.abs(grad.sum(2)).max() < 1e-6  # cross-entropy: no class at all gains
    assert {p.stem[4:] for p in folder.glob("000_*")} == {
        "animation", "heat", "histogram", "intervals", "maps", "overview", "raster", "trace"
    }  # fmt: skip
    assert len(list((folder / "epoch002").iterdir())) == 5  # what training wrote stays
    board = EventAccumulator(str(tmp_path / "seen" / "tensorboard")).Reload()
    assert board.Images("recorded/raster/0")[-1].encoded_image_string == (folder / "000_raster.png").read_bytes()
    unknown = ["callbacks=recordings", "callbacks.recordings.fields=[w]", "hydra.run.dir=unknown"]
    assert main(["train", "./small.yaml", *few, *unknown]) == 2
    assert main(["eval", "seen", "record=[v]", "pictures=[rastr]"]) == 2


@pytest.mark.parametrize("wrong", [{"every": 0}, {"samples": 0}, {"kinds": "rastr"}])
def test_values_out_of_range(wrong):
    with pytest.raises(UserError):
        Recordings(**wrong)
