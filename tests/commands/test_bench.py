from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from snnctl.benchmarks.cases import CASES
from snnctl.cli import main
from snnctl.commands import bench
from snnctl.commands.bench import parse
from snnctl.errors import UserError


@pytest.fixture(autouse=True)
def samna_blocked_for_this_test_only(monkeypatch):
    """Loading an adapter blocks samna for good, which `snnctl doctor` would see."""
    monkeypatch.setitem(sys.modules, "samna", None)


@pytest.fixture
def small(monkeypatch):
    """Every case at sizes that take milliseconds."""
    sizes = {"onb": (8,), "shd": (20,), "conv": (2, 8, 8)}
    for name, case in list(CASES.items()):
        widths = (4, 4) if case.family == "conv" else (8,)
        shape = sizes.get(case.family, (8,))
        monkeypatch.setitem(CASES, name, replace(case, steps=6, batch=3, shape=shape, widths=widths))


def test_a_case_from_end_to_end(small, tmp_path, capsys):
    assert main(["bench", "lif", "shd100", "--rounds", "2", "--threads=1", "--json", str(tmp_path / "x.json")]) == 0
    out = capsys.readouterr().out
    assert "threads 1, rounds 2" in out and CASES["shd100"].floor in out
    lines = [line.split() for line in out.splitlines()]
    assert sum(line[:2] == ["snnctl", "eager"] for line in lines) == 2
    assert sum(line[:1] == ["floor"] for line in lines) == 2
    read = json.loads((tmp_path / "x.json").read_text())
    assert read["threads"] == 1 and read["rounds"] == 2 and read["torch"] and read["left_out"] == []
    found = {(row["case"], row["contestant"]): row for row in read["results"]}
    assert set(found) == {(case, who) for case in ("lif", "shd100") for who in ("snnctl", "snnctl eager", "floor")}
    own = found["lif", "snnctl"]
    assert own["product_faster"] == 1 and own["over_floor"] > 0 and own["peak_mb"] is None
    assert own["total_ms"] == pytest.approx(own["forward_ms"] + own["backward_ms"], rel=0.9)
    assert own["quartiles_ms"][0] <= own["total_ms"] <= own["quartiles_ms"][1]
    assert 0 <= own["rates"]["lif"] <= 1
    assert found["lif", "floor"]["over_floor"] == 1


def test_all_cases_unless_some_are_named():
    assert parse([]).cases == list(CASES.values())
    assert parse(["conv", "lif", "conv"]).cases == [CASES["conv"], CASES["lif"]]


def test_beside_frameworks(small, tmp_path, capsys):
    own = '"""pip install x"""\nfrom snnctl.benchmarks.workload import passes\n\n\n'
    own += "def lif(case):\n    return passes(case, lambda x: x.transpose(0, 1) * 1, batch_first=True)\n"
    (tmp_path / "mine.py").write_text(own.replace("x.transpose(0, 1)", "x"))
    (tmp_path / "absent.py").write_text('"""pip install absent==3"""\nimport absent_framework\n')
    args = ["bench", "lif", "--rounds=1", "--against", "mine,absent", "--adapters", str(tmp_path)]
    assert main([*args, "--json", str(tmp_path / "x.json")]) == 0
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if line.startswith("absent left out")]
    assert "pip install absent==3" in line
    read = json.loads((tmp_path / "x.json").read_text())
    (mine,) = [row for row in read["results"] if row["contestant"] == "mine"]
    assert mine["product_faster"] > 0 and mine["over_floor"] > 0
    assert [left["contestant"] for left in read["left_out"]] == ["absent"]


def test_memory_of_each(small, capsys, monkeypatch):
    from snnctl.benchmarks import memory
    from snnctl.errors import RunFailed

    def peak(case, contestant, threads, adapter=None):
        if contestant == "floor":
            raise RunFailed("peak memory not measured: MemoryError")
        return 12.34

    monkeypatch.setattr(memory, "peak", peak)
    assert main(["bench", "lif", "--rounds", "1", "--memory"]) == 0
    out = capsys.readouterr().out
    assert "peak MB" in out and out.count("12.3") == 2
    assert "floor" in next(line for line in out.splitlines() if "MemoryError" in line)


def test_a_silent_layer_is_seen(small, monkeypatch, capsys):
    monkeypatch.setitem(CASES, "lif", replace(CASES["lif"], scale=1e-3))
    main(["bench", "lif", "--rounds", "1"])
    assert "layer lif hardly fires" in capsys.readouterr().out


def test_threads_are_put_back(small):
    import torch

    before = torch.get_num_threads()
    main(["bench", "lif", "--rounds", "1", "--threads", "1"])
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["lfi"], "did you mean   lif"),
        (["--agianst", "norse"], "--against"),
        (["--rounds", "0"], "1 and above"),
        (["--rounds", "many"], "1 and above"),
        (["--threads", "100000"], "cores of this machine"),
        (["--threads=-1"], "range"),
        (["--json"], "takes a value"),
        (["--against", "--memory"], "takes a value"),
        (["--json", "nowhere/at/all.json"], "folder that exists"),
        (["--json", "."], "folder that exists"),
        (["--adapters", "nowhere"], "no folder"),
    ],
)
def test_bad_input(args, says):
    with pytest.raises(UserError) as caught:
        parse(args)
    assert says in str(caught.value)


def test_a_framework_that_has_no_adapter(capsys):
    assert main(["bench", "lif", "--against", "snntroch"]) == 2
    assert "snntorch" in capsys.readouterr().err


def test_the_help_names_every_case():
    assert all(name in bench.__doc__ for name in CASES)


def test_completion():
    from snnctl.config.completing import complete

    assert complete("snnctl bench on") == ["onb2048", "onb512"]
    assert complete("snnctl bench lif --ag") == ["--against"]
    assert "conv" in complete("snnctl bench --memory co")
    assert complete("snnctl bench --rounds ") == []
