"""The distance to a teacher in numbers written out, and runs that learn from one."""

from __future__ import annotations

import json
import math
import shutil

import pytest
import torch

from snnctl.cli import main
from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import MeanMembraneCrossEntropy
from snnctl.networks import Network
from snnctl.neurons import LI
from snnctl.regimes.distill import Distill, Teacher, distilled
from tests.runs import SMALL, assert_same_run

ANN = [*SMALL, "regime=ann", "neuron=relu", "trainer.max_epochs=1", "scheduler=none"]


def test_the_distance_is_the_divergence_of_the_softened_softmaxes():
    scores, taught = torch.tensor([[0.0, 0.0]]), torch.tensor([[2.0 * math.log(3.0), 0.0]])
    # at temperature 2 the teacher says 3/4 and 1/4, the network 1/2 and 1/2
    expected = 4 * (0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5))
    assert float(distilled(scores, taught, 2.0)) == pytest.approx(expected, rel=1e-6)
    assert float(distilled(taught, taught, 2.0)) == 0.0


def test_the_gradient_is_temperature_times_the_difference_of_the_softmaxes():
    draw = torch.Generator().manual_seed(0)
    scores, taught = torch.randn(3, 4, generator=draw, requires_grad=True), torch.randn(3, 4, generator=draw)
    distilled(scores, taught, 3.0).backward()
    expected = 3.0 * (torch.softmax(scores / 3, 1) - torch.softmax(taught / 3, 1)).detach() / 3
    torch.testing.assert_close(scores.grad, expected, rtol=1e-4, atol=1e-6)


def test_an_ann_sees_its_frame_and_another_network_the_steps():
    x = torch.arange(12.0).view(3, 2, 2)
    batch = Batch(x, torch.tensor([0, 1]), torch.tensor([3, 2]), torch.arange(2))

    def same(x):
        return x, None

    loss = MeanMembraneCrossEntropy()
    assert Teacher(same, loss, "sum").scores(batch).tolist() == [[12.0, 15.0], [8.0, 10.0]]
    assert Teacher(same, loss).scores(batch).tolist() == [[4.0, 5.0], [4.0, 5.0]]


def test_no_teacher_is_said_before_training(capsys):
    assert main(["check", "regime=distill"]) == 2
    assert "regime.teacher names no run" in capsys.readouterr().err
    network = Network({"fc": torch.nn.Linear, "li": LI}, Facts((3,), ("a", "b"), 1e-3, 4))
    with pytest.raises(UserError, match="temperature"):
        Distill(network, None, None, teacher="runs/x", temperature=0.0)


def test_a_run_learns_from_an_ann_goes_on_in_the_same_bits_and_is_evaluated_without_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *ANN, "hydra.run.dir=teacher"]) == 0
    fixed = [*SMALL, "regime=distill", "regime.teacher=teacher", "neuron.tau_mem=50e-3", "scheduler=none"]
    assert main(["train", *fixed, "trainer.max_epochs=2", "hydra.run.dir=whole"]) == 0
    assert main(["train", *fixed, "trainer.max_epochs=1", "hydra.run.dir=parts"]) == 0
    assert main(["train", "--resume", "parts", "trainer.max_epochs=2"]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    other = [*fixed, "regime.weight=0", "trainer.max_epochs=2", "hydra.run.dir=alone"]
    assert main(["train", *other]) == 0
    assert (tmp_path / "alone" / "weights.safetensors").read_bytes() != (
        tmp_path / "whole" / "weights.safetensors"
    ).read_bytes()
    shutil.rmtree("teacher")
    assert main(["eval", "whole", "trainer.limit_test_batches=3"]) == 0
    assert "acc" in json.dumps(json.loads((tmp_path / "whole" / "results.json").read_text()))
    capsys.readouterr()
    assert main(["train", *fixed, "hydra.run.dir=none"]) == 2
    assert "teacher" in capsys.readouterr().err


def test_a_teacher_of_other_data_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *ANN, "hydra.run.dir=teacher"]) == 0
    pool = "+transform@dataset.transform.pool=pool"
    capsys.readouterr()
    given = [*SMALL, pool, "regime=distill", "regime.teacher=teacher", "neuron.tau_mem=50e-3"]
    assert main(["train", *given, "hydra.run.dir=run"]) == 2
    assert "has shape (2, 34, 34), the data set (2, 17, 17)" in capsys.readouterr().err
