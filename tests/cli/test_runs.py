from __future__ import annotations

import csv
import io
import json

import pytest


def test_no_runs_yet(snnctl):
    code, out, _ = snnctl("runs")
    assert code == 0 and "snnctl train" in out


def test_a_line_for_each_run_newest_first(snnctl, a_run):
    a_run("a", acc=0.5)
    a_run("bb", acc=0.975, state="stopped")
    a_run("0", root="multirun/toy/x", state="running")  # no process holds it
    (a_run("dddd") / "run.json").write_text("{broken")
    code, out, _ = snnctl("runs")
    assert code == 0
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["started", "recipe", "accuracy", "state", "folder"]
    assert rows[1] == ["2026-01-02", "03:04", "toy", "97.50", "%", "test", "stopped", "runs/toy/bb"]
    assert {row[-1]: row[-2] for row in rows[1:]} == {
        "runs/toy/bb": "stopped",
        "runs/toy/a": "done",
        "multirun/toy/x/0": "killed",
        "runs/toy/dddd": "JSON",
    }
    assert "damaged" in out or "not JSON" in out


def test_only_the_newest_are_listed(snnctl, a_run, monkeypatch):
    from snnctl.commands import runs

    monkeypatch.setattr(runs, "SHOWN", 2)
    for name in ("a", "bb", "ccc"):
        a_run(name)
    out = snnctl("runs")[1]
    assert "1 older ones" in out and "runs/toy/a\n" not in out
    assert "runs/toy/a\n" in snnctl("runs", "--all")[1]


def test_diff(snnctl, a_run):
    a_run("a", acc=0.5, lr=0.1)
    a_run("bb", acc=0.75, lr=0.2)
    code, out, _ = snnctl("runs", "diff", "runs/toy/a", "last")
    assert code == 0
    assert ["optimizer.lr", "0.1", "0.2"] in [line.split() for line in out.splitlines()]
    assert ["test/acc", "0.5", "0.75"] in [line.split() for line in out.splitlines()]
    assert ["spikes.lif1.rate", "0.1", "0.2"] in [line.split() for line in out.splitlines()]
    assert "seed" not in out
    assert "configuration: the same" in snnctl("runs", "diff", "last", "last")[1]
    assert snnctl("runs", "diff", "last")[0] == 2


def test_rm_asks(snnctl, a_run, monkeypatch):
    folder = a_run("a")
    code, _, err = snnctl("runs", "rm", "runs/toy/a")
    assert code == 2 and "--yes" in err and folder.exists()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert snnctl("runs", "rm", "runs/toy/a")[1] == "kept\n" and folder.exists()
    monkeypatch.setattr("builtins.input", lambda question: "y")
    assert snnctl("runs", "rm", "runs/toy/a")[0] == 0 and not folder.exists()


def test_rm_without_asking_and_of_nothing(snnctl, a_run):
    folder = a_run("a")
    assert snnctl("runs", "rm", "last", "--yes")[0] == 0 and not folder.exists()
    assert snnctl("runs", "rm", "runs/toy/a", "--yes")[0] == 2
    assert snnctl("runs", "rm")[0] == 2
    assert snnctl("runs", "remove")[0] == 2


def test_report_is_one_table(snnctl, a_run, tmp_path):
    a_run("a", acc=0.5, lr=0.1)
    a_run("bb", acc=0.75, lr=0.2)
    code, out, _ = snnctl("report", "runs/toy/a", "runs/toy/bb", "--csv", "t.csv", "--md=t.md")
    assert code == 0
    table = [line.split() for line in out.splitlines()]
    assert table[0] == ["a", "bb"]
    assert ["test/acc", "0.5", "0.75"] in table
    assert any(line[:3] == ["rate", "lif1,", "spikes"] and line[-2:] == ["0.1", "0.2"] for line in table)
    assert any(line[:2] == ["synaptic", "ACs"] and line[-2:] == ["12,346", "12,346"] for line in table)
    read = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text())))
    assert [row["run"] for row in read] == ["a", "bb"]
    assert [float(row["test/acc"]) for row in read] == [0.5, 0.75]
    markdown = (tmp_path / "t.md").read_text().splitlines()
    assert markdown[0] == "|  | a | bb |" and "| test/acc | 0.5 | 0.75 |" in markdown


def test_report_of_a_sweep_and_of_an_unfinished_run(snnctl, a_run):
    for name in ("0", "1"):
        a_run(name, root="multirun/toy/x")
    out = snnctl("report", "multirun/toy/x")[1]
    assert out.splitlines()[0].split() == ["0", "1"]
    folder = a_run("young", state="stopped")
    (folder / "results.json").unlink()
    code, out, _ = snnctl("report", "runs/toy/young")
    assert code == 0 and "stopped" in out


def test_report_draws_one_figure_over_another(snnctl, a_run, tmp_path):
    for name, acc, lr in (("0", 0.5, 0.1), ("1", 0.75, 0.2)):
        a_run(name, acc=acc, lr=lr, root="multirun/toy/x")
    code, out, _ = snnctl("report", "multirun/toy/x", "--plot", "effective_acs,test/acc")
    assert code == 0 and "written   multirun/toy/x/test-acc_over_synaptic-ACs-a-sample.png" in out
    assert (tmp_path / "multirun/toy/x/test-acc_over_synaptic-ACs-a-sample.png").read_bytes()[:4] == b"\x89PNG"
    assert snnctl("report", "multirun/toy/x/0", "multirun/toy/x/1", "--plot=rate lif1, spikes a step,test/acc")[0] == 0
    assert (tmp_path / "test-acc_over_rate-lif1-spikes-a-step.png").exists()


@pytest.mark.parametrize(
    "axes, said",
    [
        ("effective_ac,test/acc", "did you mean   effective_acs"),
        ("test/acc", "for example   --plot"),
        ("recipe,test/acc", "no run has both recipe and test/acc as numbers"),
        ("", "--plot takes two figures"),
    ],
)
def test_axes_that_there_are_not(snnctl, a_run, axes, said):
    a_run("a")
    code, _, err = snnctl("report", "last", "--plot", axes)
    assert code == 2 and said in err


@pytest.mark.parametrize("args", [[], ["nowhere"], ["last", "--csv"], ["last", "--pdf", "x"]])
def test_report_of_what_is_not_there(snnctl, args):
    assert snnctl("report", *args)[0] == 2


def test_a_metric_that_is_no_number_is_left_out(snnctl, a_run):
    folder = a_run("a")
    results = json.loads((folder / "results.json").read_text())
    (folder / "results.json").write_text(json.dumps({**results, "note": "text", "flag": True}))
    out = snnctl("report", "last")[1]
    assert "note" not in out and "flag" not in out
