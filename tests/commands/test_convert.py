"""`snnctl convert` as a user types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import snnctl as package
from snnctl import cli
from tests.runs import SMALL

TRAIN = [*SMALL, "neuron=relu", "regime=ann", "network.layers.readout=null", "hydra.run.dir=ann"]
TRAIN += ["trainer.max_epochs=2", "optimizer.lr=1e-3"]
QUICK = ["convert.samples=32", "convert.table=[2,4]", "convert.T=8"]


@pytest.fixture(scope="module")
def ann(tmp_path_factory):
    """The folder in which an ANN was trained, in `ann`."""
    folder = tmp_path_factory.mktemp("converted")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert cli.main(["train", *TRAIN]) == 0
    return folder


@pytest.fixture
def convert(ann, monkeypatch, capsys):
    """(arguments) -> (exit code, output, errors) of snnctl convert there."""
    monkeypatch.chdir(ann)

    def call(*args: str):
        capsys.readouterr()
        code = cli.main(["convert", *args])
        return code, *capsys.readouterr()

    return call


def test_a_new_run_that_eval_takes(convert, capsys):
    code, out, err = convert("ann", *QUICK, "hydra.run.dir=snn")
    assert code == 0, err
    facts, results = (json.loads(Path("snn", name).read_text()) for name in ("run.json", "results.json"))
    assert facts["state"] == "done" and facts["converted_from"] == "ann" and facts["conversion"]["T"] == 8
    assert results["spikes"] and "accuracy against time steps" in out
    rows = [line.split(",") for line in Path("snn/conversion.csv").read_text().split()]
    assert [row[0] for row in rows] == ["T", "", "2", "4", "8"]
    ann_acc = json.loads(Path("ann/results.json").read_text())
    # the ANN's own evaluation saw three batches; all of the part is counted here
    assert float(rows[1][1]) == facts["metrics"]["ann/acc"] and abs(float(rows[1][1]) - ann_acc["test/acc"]) < 0.3
    network = package.load("snn")
    assert [type(layer).__name__ for layer in network.layers.values()] == ["Flatten", "Linear", "IF", "Linear"]
    assert network(torch.zeros(8, 1, 2, 34, 34))[0].shape == (8, 1, 10)
    assert cli.main(["eval", "snn"]) == 0
    assert json.loads(Path("snn/results.json").read_text())["test/acc"] == results["test/acc"]
    assert json.loads(Path("snn/split.json").read_text()) == json.loads(Path("ann/split.json").read_text())


def test_an_ann_in_bfloat16_is_counted_in_float32(ann, convert):
    shutil.copytree("ann", "half")
    composed = Path("half/config.yaml")
    composed.write_text(composed.read_text().replace("precision: 32-true", "precision: bf16-mixed"))
    code, _, err = convert("half", *QUICK, "hydra.run.dir=whole")
    assert code == 0, err
    assert "precision: 32-true" in Path("whole/config.yaml").read_text()
    code, _, err = convert("half", *QUICK, "trainer.precision=bf16-mixed", "hydra.run.dir=as_told")
    assert code == 0, err
    assert "precision: bf16-mixed" in Path("as_told/config.yaml").read_text()


def test_events_as_they_come_then_trained_on(convert):
    code, _, err = convert("ann/checkpoints/last.ckpt", *QUICK, "convert.input=steps", "convert.finetune=1",
                           "convert.calibrate=false", "hydra.run.dir=tuned")  # fmt: skip
    assert code == 0, err
    config = (Path("tuned") / "config.yaml").read_text()
    assert "layout: frames" in config and "lr: 0.001" in config
    assert (Path("tuned") / "checkpoints" / "last.ckpt").exists()
    assert json.loads(Path("tuned/run.json").read_text())["state"] == "done"


def test_the_smallest_number_of_steps_that_does(convert):
    code, out, err = convert("ann", *QUICK, "convert.tolerance=100", "hydra.run.dir=shortest")
    assert code == 0, err
    assert "T = 2, the smallest" in out and "validation" in out
    assert json.loads(Path("shortest/run.json").read_text())["conversion"]["T"] == 2


def test_a_module_of_the_users_own(convert):
    Path("ownnets.py").write_text(
        "import torch\n\n\nclass Net(torch.nn.Module):\n    def __init__(self, hidden):\n        super().__init__()\n"
        "        self.one, self.two = torch.nn.Linear(2312, hidden), torch.nn.Linear(hidden, 10)\n\n"
        "    def forward(self, x):\n        return self.two(torch.relu(self.one(x.flatten(1))))\n"
    )
    torch.manual_seed(0)
    one, two = torch.nn.Linear(2312, 6), torch.nn.Linear(6, 10)
    state = {f"one.{k}": v for k, v in one.state_dict().items()} | {f"two.{k}": v for k, v in two.state_dict().items()}
    torch.save(state, "net.pt")
    given = ("net.pt", "module=ownnets.Net", "module.hidden=6", *QUICK, "dataset.batch_size=100", "hydra.run.dir=own")
    code, _, err = convert(*given)
    assert code == 2 and "--allow ownnets" in err
    code, _, err = convert(*given, "--allow", "ownnets")
    assert code == 0, err
    torch.testing.assert_close(package.load("own").layers["one"].weight.shape, one.weight.shape)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "convert needs a run"),
        (("convert.T=8",), "convert needs a run"),
        (("nowhere",), "no run in nowhere"),
        (("ann", "convert.t=8"), "unknown key"),
        (("ann", "convert.T=0"), "1 to 1024"),
        (("ann", "convert.T=many"), "convert.T"),
        (("ann", "convert.method=median"), "percentile"),
        (("ann", "regime=bptt"), "saw time, so it is no ANN"),
        (("ann", "dataset.layout=stacked"), "as channels"),
        (("net.pth",), "say whose   module=my.Module"),
        (("net.pth", "module.hidden=3"), "give   module=my.Module"),
        (("net.pth", "module=torch.nn.Linear", "module.in_features=3", "module.out_features=2"), "no file  net.pth"),
        (("ann", "hydra.run.dir=ann"), "there is a run in ann already"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(convert, args, said):
    before = sorted(Path("runs").rglob("run.json"))
    code, _, err = convert(*args)
    assert code == 2 and said in err, err
    assert sorted(Path("runs").rglob("run.json")) == before
