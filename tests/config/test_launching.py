"""Handing over to Hydra: one run, what it shows, sweeps, Optuna killed and continued."""

from __future__ import annotations

import csv
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from snnctl.config import launching, sweep
from snnctl.config.check import check
from snnctl.config.folders import configs, locate
from snnctl.config.launching import launch, split
from snnctl.errors import RunFailed, UserError

FAKE = Path(__file__).with_name("fake_job.py")


@pytest.fixture
def here(tmp_path, monkeypatch, recipe):
    """An empty folder with ./mine.yaml; checks do not import classes, jobs are the fake ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launching, "check", lambda *a, **k: check(*a, **{**k, "deep": False}))
    monkeypatch.setattr(sweep, "interpreter", lambda: [sys.executable, str(FAKE)])
    recipe("seed: 4")
    return tmp_path


def never(cfg):
    raise AssertionError("the task was called")


def test_a_run(here, monkeypatch):
    seen = {}

    def task(cfg):
        from hydra.core.hydra_config import HydraConfig

        seen.update(argv=list(sys.argv), cfg=cfg, folder=HydraConfig.get().runtime.output_dir)
        return 0.75

    argv = ["snnctl", "train", "./mine.yaml", "optimizer.lr=0.5"]
    monkeypatch.setattr(sys, "argv", argv)
    assert launch("./mine.yaml", argv[3:], task) == 0.75
    assert seen["argv"] == argv == sys.argv
    assert (seen["cfg"].seed, seen["cfg"].optimizer.lr) == (4, 0.5)
    assert Path(seen["folder"]).is_relative_to(here / "runs" / "mine")
    assert "HYDRA_FULL_ERROR" not in os.environ


def test_what_the_check_adds_is_what_hydra_composes(here, recipe):
    """Keys that a replaced target leaves behind, null ones too; keys that only a signature knows."""
    recipe("regime: {_target_: torch.nn.Identity}\nloss: {_target_: torch.nn.NLLLoss}")
    words = ["optimizer._target_=torch.optim.SGD", "optimizer.nesterov=false"]
    seen = []
    launch("./mine.yaml", words, seen.append)
    expected = check(locate("./mine.yaml"), words).cfg
    assert seen == [expected]
    assert "truncate: null" in (configs() / "regime" / "bptt.yaml").read_text()
    assert "truncate" in expected.regime  # torch.nn.Identity takes anything
    assert set(expected.loss) == {"_target_"}
    recipe("regime: {_target_: torch.nn.NLLLoss}")
    seen.clear()
    launch("./mine.yaml", [], seen.append)
    assert set(seen[0].regime) == {"_target_", "_partial_"}
    launch("./mine.yaml", ["-m", "seed=5,6"], never)
    (argv,) = [json.loads(f.read_text())["argv"] for f in (here / "multirun").rglob("0/run.json")]
    assert "~regime.truncate=null" in argv and "regime.truncate=0" in argv
    assert set(check(locate("./mine.yaml"), [a for a in argv[2:] if "hydra" not in a]).cfg.regime) == set(
        seen[0].regime
    )


def test_what_lightning_appends_for_its_children(here):
    folder = here / "a, b=c"
    words = [f'hydra.run.dir="{folder}"', "hydra.job.name=train_ddp_process_1", "hydra.output_subdir=null"]
    assert launch("./mine.yaml", words, lambda cfg: cfg.seed) == 4
    assert folder.is_dir()


def test_an_error_of_the_task_comes_out_as_it_is(here, capsys):
    def task(cfg):
        raise UserError("no such thing", "try another")

    with pytest.raises(UserError, match="no such thing"):
        launch("./mine.yaml", [], task)
    assert capsys.readouterr().err == ""


def test_a_mistake_leaves_no_folder(here):
    with pytest.raises(UserError, match="unknown key"):
        launch("./mine.yaml", ["sed=1"], never)
    with pytest.raises(UserError):
        launch("./mine.yaml", ["sed=1,2", "-m"], never)
    assert sorted(p.name for p in here.iterdir()) == ["mine.yaml"]


def test_showing_the_configuration(here, capsys):
    launch("./mine.yaml", ["--cfg", "job", "--resolve", "optimizer.lr=0.5"], never)
    shown = capsys.readouterr().out
    assert "seed: 4" in shown and "max_lr: 0.5" in shown
    assert not (here / "runs").exists()


def test_flags_and_overrides_are_told_apart():
    assert split(["a=1", "--cfg", "job", "-m", "~b", "+c=2"]) == (["--cfg", "job", "-m"], ["a=1", "~b", "+c=2"])
    assert split(["--cfg=job"]) == (["--cfg=job"], [])
    with pytest.raises(UserError):
        split(["--cfg"])
    with pytest.raises(UserError) as caught:
        split(["--seed=3"])
    assert "seed=3" in caught.value.hint


def test_a_recipe_that_is_a_sweep(here, recipe):
    recipe("hydra: {mode: MULTIRUN, sweeper: {params: {seed: '5,6'}}}")
    launch("./mine.yaml", [], never)
    assert [row["overrides"] for row in jobs(here / "multirun")] == ["seed=5", "seed=6"]


def jobs(folder: Path) -> list[dict[str, str]]:
    (record,) = folder.rglob("jobs.csv")
    with open(record, newline="") as file:
        return list(csv.DictReader(file))


def test_a_grid_goes_on_after_a_failed_job(here, capsys):
    with pytest.raises(RunFailed, match="2 of 6 jobs failed") as caught:
        launch("./mine.yaml", ["-m", "optimizer.lr=0.1,0.4", "seed=1,13,2", "trainer.limit_val_batches=3"], never)
    assert "seed=13" in caught.value.hint
    rows = jobs(here / "multirun")
    assert [row["exit"] for row in rows] == ["0", "1", "0", "0", "1", "0"]
    assert [row["value"] for row in rows] == ["1.0", "", "1.0", "0.7", "", "0.7"]
    argv = json.loads((Path(rows[0]["folder"]) / "run.json").read_text())["argv"]
    assert argv[0] == "train" and "-m" not in argv
    assert argv[1] == str(here / "mine.yaml")
    assert argv[2:5] == ["optimizer.lr=0.1", "seed=1", "++trainer.limit_val_batches=3"]
    assert "best val/acc 1   optimizer.lr=0.1 seed=1\n" in capsys.readouterr().out  # not what all jobs share


def test_a_sweep_in_an_odd_folder(here):
    odd = here / "it's, [a] folder"
    odd.mkdir()
    os.chdir(odd)
    (odd / "mine.yaml").write_text((here / "mine.yaml").read_text())
    launch("./mine.yaml", ["-m", "seed=1,2"], never)
    assert [Path(row["folder"]).parent.parent.parent for row in jobs(odd)] == [odd / "multirun"] * 2


SCRIPT = """
import sys
from snnctl.config import launching, sweep
from snnctl.config.check import check
from snnctl.config.folders import configs, locate
launching.check = lambda *a, **k: check(*a, **dict(k, deep=False))
sweep.interpreter = lambda: [sys.executable, {fake!r}]
launching.launch("./mine.yaml", sys.argv[1:], None)
"""
OPTUNA = [
    "-m",
    "hydra/sweeper=optuna",
    "hydra.sweeper.n_trials=4",
    "hydra.sweeper.storage=sqlite:///study.db",
    "optimizer.lr=interval(0.01,0.5)",
]


def test_an_optuna_sweep_killed_and_continued(here, capsys):
    optuna = pytest.importorskip("optuna")
    script = [sys.executable, "-c", SCRIPT.format(fake=str(FAKE)), *OPTUNA, "optimizer.weight_decay=0.3"]
    first = subprocess.Popen(script, start_new_session=True, env=environment(here))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(list(here.glob("multirun/**/results.json"))) < 2:
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    before = trials(optuna, here)
    assert 1 <= sum(state == "COMPLETE" for state, *_ in before) < 4
    launch("./mine.yaml", OPTUNA, never)
    assert "of 4 trials are there" in capsys.readouterr().out
    after = trials(optuna, here)
    assert [state for state, *_ in after].count("COMPLETE") == 4
    assert after[: len(before) - 1] == before[:-1]
    drawn = [lr for _, _, lr in after if lr is not None]  # the kill may fall between a trial's start and its draw
    assert len(set(drawn)) == len(drawn) >= 4  # a continued study draws new points
    with pytest.raises(UserError, match="has its 4 trials already"):
        launch("./mine.yaml", OPTUNA, never)


def test_trials_run_one_by_one_unless_jobs_run_in_parallel(here):
    pytest.importorskip("optuna")
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")

    def added(*words: str) -> list[str]:
        given = ["hydra/sweeper=optuna", "optimizer.lr=interval(0.01,0.5)", *words]
        return [w for w in sweep.Sweep(locate("./mine.yaml"), given, "train").overrides if "sweeper.n_jobs" in w]

    assert added() == ["hydra.sweeper.n_jobs=1"]
    assert added("hydra/launcher=joblib") == []
    assert added("hydra.sweeper.n_jobs=3") == ["hydra.sweeper.n_jobs=3"]


def environment(here: Path) -> dict[str, str]:
    root = Path(__file__).resolve().parents[2]
    return {**os.environ, "PYTHONPATH": str(root), "PWD": str(here)}


def trials(optuna, here: Path) -> list[tuple[str, float | None, float]]:
    study = optuna.load_study(study_name="mine", storage=f"sqlite:///{here / 'study.db'}")
    assert study.direction.name == "MAXIMIZE"
    return [(t.state.name, t.value, t.params.get("optimizer.lr")) for t in study.trials]


def test_a_failed_trial_does_not_end_an_optuna_sweep(here):
    pytest.importorskip("optuna")
    words = ["-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=1", "seed=13,5"]
    with pytest.raises(RunFailed, match="of 4 jobs failed"):
        launch("./mine.yaml", [*words, "hydra.sweeper.sampler.seed=1"], never)
    assert {row["exit"] for row in jobs(here / "multirun")} == {"0", "1"}


def test_all_trials_failed(here):
    pytest.importorskip("optuna")
    words = ["-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2", "seed=13", "optimizer.lr=interval(0.01,0.5)"]
    with pytest.raises(RunFailed, match="2 of 2 jobs failed"):
        launch("./mine.yaml", words, never)


def test_the_sampler_is_seeded_from_the_recipe(here):
    pytest.importorskip("optuna")
    words = ["-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=1", "hydra.sweeper.n_jobs=1"]
    drawn = []
    for seed in (1, 1, 2):
        folder = here / f"sweep{len(drawn)}"
        launch(
            "./mine.yaml",
            [*words, f"hydra.sweep.dir={folder}", f"seed={seed}", "optimizer.lr=interval(0.01,0.5)"],
            never,
        )
        drawn.append([row["overrides"].split()[0] for row in jobs(folder)])
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("launcher", "module", "more"),
    [
        ("joblib", "hydra_plugins.hydra_joblib_launcher", ["hydra.launcher.n_jobs=2"]),
        ("submitit_local", "hydra_plugins.hydra_submitit_launcher", ["hydra.launcher.timeout_min=2"]),
    ],
)
def test_launchers(here, launcher, module, more):
    """Jobs that another process starts are recorded like those of this one, failures too."""
    pytest.importorskip(module)
    with pytest.raises(RunFailed, match="1 of 2 jobs failed"):
        launch("./mine.yaml", ["-m", f"hydra/launcher={launcher}", *more, "seed=13,5"], never)
    assert sorted((row["exit"], row["overrides"]) for row in jobs(here / "multirun")) == [
        ("0", "seed=5"),
        ("1", "seed=13"),
    ]


def test_a_job_of_a_killed_sweep_is_interrupted():
    """However the sweep's process dies, its job gets the signal of Ctrl-C."""
    job = (
        "import time, os\n"
        "from snnctl.config.processes import die_with_parent\n"
        "die_with_parent()\n"
        "try:\n    print(os.getpid(), flush=True)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('interrupted', flush=True)\n"
    )
    parent = f"import sys\nfrom snnctl.config.processes import run\nrun([sys.executable, '-c', {job!r}])\n"
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, env=environment(Path.cwd())
    )
    assert process.stdout.readline().strip().isdigit()
    process.kill()
    assert process.stdout.read().strip() == "interrupted"
    process.wait()


def test_a_job_that_a_background_script_started_is_interrupted_too():
    """A shell starts background commands with SIGINT ignored, and Python leaves it so."""
    job = (
        "import os, signal, time\n"
        "from snnctl.config.processes import die_with_parent\n"
        "die_with_parent()\n"
        "try:\n    print('ready', flush=True)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('interrupted', flush=True)\n"
    )
    parent = (
        "import signal, sys\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"from snnctl.config.processes import run\nrun([sys.executable, '-c', {job!r}])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, env=environment(Path.cwd())
    )
    assert process.stdout.readline() == "ready\n"
    process.kill()
    ready, _, _ = select.select([process.stdout], [], [], 20)
    assert ready and process.stdout.read().strip() == "interrupted"
    process.wait()
