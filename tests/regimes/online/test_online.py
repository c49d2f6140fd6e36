"""Online rules in the training loop: the trainer's keys act as always, weights may move within a sequence."""

from __future__ import annotations

import csv
import random
import time
from functools import partial

import pytest
import torch

from snnctl.cli import main
from snnctl.errors import UserError
from snnctl.losses import MeanMembraneCrossEntropy, PerStepCrossEntropy
from snnctl.neurons import LIF
from snnctl.regimes.online.decolle import DECOLLE
from snnctl.regimes.online.eprop import EProp
from snnctl.regimes.online.fptt import FPTT
from snnctl.regimes.online.online import _Given, cosine
from snnctl.regimes.online.ostl import OSTL
from snnctl.regimes.online.ottt import OTTT
from snnctl.regimes.online.rtrl import RTRL
from snnctl.regimes.online.sltt import SLTT
from tests.commands.test_train_killed import EAGER, kill, start, wait_for_rows
from tests.regimes.online.drawn import SGD, batch, network
from tests.runs import SMALL, assert_same_run, snnctl

FEW = [*SMALL, "loss=per_step", "network.hidden=[8]", "trainer.max_epochs=1"]


def columns(folder) -> dict[str, list[str]]:
    with open(folder / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows if row[name]] for name in rows[0]}


RUNS = [
    "regime=eprop regime.cosine_every=4",
    "regime=ottt regime.chunk=1 regime.update_every=1 trainer.gradient_clip_val=1",
    "regime=rtrl regime.chunk=4",
]
MORE = ["regime=sltt trainer.gradient_clip_val=1 trainer.accumulate_grad_batches=2", "regime=ostl regime.chunk=3",
        "regime=decolle", "regime=fptt regime.chunk=2 trainer.gradient_clip_val=1"]  # fmt: skip


@pytest.mark.parametrize("words", [*RUNS, *(pytest.param(words, marks=pytest.mark.slow) for words in MORE)])
def test_each_trains_from_the_command_line(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *FEW, *words.split(), f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    seen = columns(tmp_path / "run")
    assert 0 < float(seen["train/loss"][-1]) < 4
    assert (tmp_path / "run" / "weights.safetensors").exists()
    if "cosine" in words:
        assert len(seen["train/cosine"]) > 1
        assert all(0 < float(value) <= 1.00001 for value in seen["train/cosine"])


RULES = {"eprop": partial(EProp, feedback="adaptive"), "ottt": OTTT, "sltt": SLTT, "ostl": OSTL, "decolle": DECOLLE,
         "rtrl": RTRL, "fptt": partial(FPTT, alpha=0.1)}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_each_learns_a_batch_by_heart(name):
    net, data = network(LIF, sizes=(20,)), batch()
    rule = RULES[name](net, PerStepCrossEntropy(), SGD, chunk=6).double()
    adam = torch.optim.Adam(rule.parameters(), lr=0.02)

    def move(gradients):
        for p in rule.parameters():
            p.grad = gradients.get(p)
        adam.step()

    rule.update = move
    losses = []
    for _ in range(60):
        loss, _, gradients = rule.gradients(data)
        losses.append(loss.item())
        move(gradients)
    assert losses[-1] < 0.6 * losses[0]


def test_what_cannot_be_trained_is_refused_before_training(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["network=recurrent", "network.hidden=[128]", "regime=rtrl", "regime.chunk=2"]
    for verb in ("check", "train"):
        assert main([verb, *words]) == 2
        assert "RTRL: its traces take" in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/*/*/metrics.csv"))
    moving = ["loss=per_step", "regime=sltt", "regime.chunk=2", "regime.update_every=2"]
    assert main(["train", *FEW, *moving, "trainer.accumulate_grad_batches=2"]) == 2
    assert "cannot wait for several batches" in capsys.readouterr().err
    assert main(["check", *words, "network.hidden=[4]"]) == 0


def test_gradients_that_are_given_are_scaled_and_added_like_any():
    p, q = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    loss = _Given.apply(torch.tensor(3.0), 2, torch.tensor([1.0, 2.0]), torch.tensor([0.5, 0.0]), p, q)
    assert loss.item() == 3
    (loss / 4).backward()
    assert p.grad.tolist() == [0.25, 0.5] and q.grad.tolist() == [0.125, 0]


def test_weights_move_between_chunks():
    rule, moves = SLTT(network(LIF), PerStepCrossEntropy(), SGD, chunk=2, update_every=4), []
    rule.update = moves.append
    last = rule.gradients(batch())[2]
    whole = SLTT(network(LIF), PerStepCrossEntropy(), SGD, chunk=2)
    wanted = list(whole.gradients(batch())[2].values())
    assert len(moves) == 2  # after steps 4 and 8; the trainer moves them after 12
    for p, g in zip(last, wanted, strict=True):
        torch.testing.assert_close(sum(m[p] for m in moves) + last[p], g)


def test_evaluation_in_chunks_reads_out_the_same():
    rule, data = SLTT(network(LIF), PerStepCrossEntropy(), SGD, chunk=5), batch()
    with torch.no_grad():
        torch.testing.assert_close(rule(data), rule.network(data.x)[0])
        rows = []
        rule.network.layers["fc0"].register_forward_hook(lambda module, args, out: rows.append(len(out)))
        rule(data)
    assert rows == [12 * 4]  # who looks on sees all steps at once


def test_cosine():
    a, b = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1))
    one = {a: torch.tensor([3.0, 0.0]), b: torch.tensor([4.0])}
    other = {a: torch.tensor([0.0, 7.0]), b: torch.tensor([1.0])}
    assert cosine(one, other).item() == pytest.approx(4 / (5 * 50**0.5))


@pytest.mark.parametrize(("options", "words"), [
    ({"chunk": 0}, "regime.chunk = 0"), ({"chunk": 4, "update_every": 6}, "regime.update_every = 6, regime.chunk = 4"),
    ({"cosine_every": -1}, "regime.cosine_every = -1"), ({"memory": 0}, "regime.memory = 0"),
])  # fmt: skip
def test_numbers_out_of_range(options, words):
    with pytest.raises(UserError, match=words):
        SLTT(network(LIF), PerStepCrossEntropy(), SGD, **options)


def test_a_loss_of_the_whole_cannot_move_weights_within():
    with pytest.raises(UserError, match="MeanMembraneCrossEntropy is known at the end of a sequence"):
        SLTT(network(LIF), MeanMembraneCrossEntropy(), SGD, chunk=4, update_every=4)


@pytest.mark.slow
@pytest.mark.parametrize("words", ["regime=eprop regime.feedback=adaptive", "regime=fptt regime.chunk=2",
                                   "regime=ottt regime.chunk=2 regime.update_every=4"])  # fmt: skip
def test_killed_and_resumed(tmp_path, words):
    (tmp_path / "small.yaml").write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    args = ["./small.yaml", *EAGER, "loss=per_step", *words.split()]
    snnctl("train", *args, f"hydra.run.dir={whole}", cwd=tmp_path)
    process = start("train", *args, f"hydra.run.dir={killed}", cwd=tmp_path)
    draw = random.Random(1)
    for rows in sorted(draw.sample(range(1, 12), 2)):
        wait_for_rows(killed, rows, process)
        time.sleep(draw.uniform(0, 0.1))
        kill(process)
        process = start("train", "--resume", str(killed), cwd=tmp_path)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert_same_run(whole, killed)
