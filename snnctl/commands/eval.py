"""Evaluate a trained network on the test split.

    snnctl eval runs/digits_conv/2026-...                  accuracy, confusion, rates, operations, energy; results.json
    snnctl eval last                                       the newest run
    snnctl eval RUN/checkpoints/last.ckpt                  another checkpoint of it
    snnctl eval RUN record=[spikes,v] samples=8            what happened inside: recorded.npz and pictures, of 8
                                                           samples spread evenly over the test part
    snnctl eval RUN record=[spikes,v,grad_input] pictures=[raster,trace,heat,animation]    other pictures, or all
    snnctl eval RUN mismatch=[0,0.05,0.1,0.2] draws=5      the same on devices whose parameters are off at random, by
                                                           5, 10 and 20 %, five devices each: mismatch.png, results.json
    snnctl eval RUN mismatch=[0.1] parameters=lif.*        these parameters alone are off: names or patterns
    snnctl eval RUN dataset.root=/data dataset.on_error=skip       the set as it is there: its test part, else the
                                                                   run's own split
    snnctl eval model.nir dataset=nmnist dataset.root=/data        a NIR file, by any framework: on the test part
    snnctl eval model.nir dataset=shd loss=rate nir.drive=euler nir.decay=euler nir.reset=subtract results=r.json
                                                                   conventions that the file leaves open, see
                                                                   snnctl show network/nir; results in a file
    snnctl eval model.nir dataset=nmnist nir.dt=1e-4               a step of 0.1 ms in the file is a bin of the data

Next: snnctl report RUN ..., snnctl runs
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnctl.errors import UserError
from snnctl.rundir import RunDir, locate, read_json

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from snnctl.callbacks.predictions import Predictions
    from snnctl.callbacks.traces import Traces
    from snnctl.experiment import Experiment
    from snnctl.report.mismatch import Mismatch

OPTIONS = {
    "record": [],
    "samples": 8,
    "pictures": ["overview"],
    "mismatch": None,
    "draws": 5,
    "parameters": "*",
}


def run(args: list[str]) -> int:
    """`snnctl eval ...` after the verb; returns the exit code."""
    if not args or "=" in args[0]:
        raise UserError(
            "eval needs a run, a checkpoint of one, or a NIR file", "see   snnctl runs, or   snnctl eval last"
        )
    if args[0].endswith(".nir"):
        return run_file(args[0], args[1:])
    run_dir, weights = locate(args[0])
    from omegaconf import OmegaConf

    from snnctl import config
    from snnctl.experiment import assemble, use_split
    from snnctl.report.evaluation import show
    from snnctl.report.mismatch import Mismatch
    from snnctl.report.pictures import chosen

    own = [_quoted(a) for a in args[1:] if a.split("=")[0] in OPTIONS]
    cfg = config.override(run_dir.configuration(), [a for a in args[1:] if a.split("=")[0] not in OPTIONS])
    options = {**OPTIONS, **OmegaConf.to_container(OmegaConf.from_dotlist(own))}
    fields, samples, kinds = _fields(options["record"]), sample_count(options["samples"]), chosen(options["pictures"])
    devices = None
    if options["mismatch"] is not None:
        devices = Mismatch(options["mismatch"], options["draws"], options["parameters"])
    experiment = assemble(cfg)
    use_split(experiment, run_dir, {a.partition("=")[0] for a in args[1:]})
    try_fields(experiment, fields)
    if devices is not None:
        devices.concerned(experiment.network)  # a wrong name is told before the evaluation
    results = evaluate_run(cfg, run_dir, experiment, weights)
    if experiment.data.skipped:
        print(experiment.left_out())
    show(results, run_dir.path)
    if devices is not None:
        sweep_run(cfg, run_dir, experiment, devices)
    if fields:
        record_run(run_dir, experiment, fields, samples, kinds)
    return 0


def run_file(path: str, args: list[str]) -> int:
    """`snnctl eval model.nir ...`: the network of a NIR file on a data set; returns the exit code.

    Args:
        path: of the file.
        args: overrides; `nir.KEY=value` is `network.KEY=value`; `results=FILE` keeps what was measured.

    Raises:
        UserError: no data set is given; the file is damaged; its input or classes are not the data set's.
    """
    from snnctl import config
    from snnctl.atomic import write_json
    from snnctl.deployment.subject import in_place
    from snnctl.experiment import assemble
    from snnctl.interchange import read
    from snnctl.report.evaluation import show

    read(path)  # what is wrong with the file is told before anything about the data set
    kept = [a.partition("=")[2] for a in args if a.split("=")[0] == "results"]
    rest = [a for a in args if a.split("=")[0] != "results"]
    for name in OPTIONS:
        if any(a.split("=")[0] == name for a in rest):
            raise UserError(f"{name} needs a run", f"train one   snnctl train network=nir network.nir={path} ...")
    if not any(a.split("=")[0] == "dataset" for a in rest):
        raise UserError("eval of a NIR file needs a data set", f"for example   snnctl eval {path} dataset=digits")
    cfg = config.compose("train", in_place(path, rest))
    experiment = assemble(cfg)
    for line in experiment.network.assumed:
        print(f"assumed  {line}")
    results, _ = evaluate(cfg, experiment, Path.cwd())
    if experiment.data.skipped:
        print(experiment.left_out())
    show(results)
    if kept:
        write_json(Path(kept[-1]), results)
        print(f"results in {kept[-1]}")
    return 0


def sample_count(samples: Any) -> int:
    """`samples=N` of the command line, checked."""
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise UserError(f"samples={samples} is not a number of samples", "expected at least 1, for example   samples=8")
    return samples


def _quoted(option: str) -> str:
    """`parameters=*.weight` as YAML takes it, which has another use for a star."""
    name, _, value = option.partition("=")
    if name != "parameters" or value.startswith(("'", '"')):
        return option
    listed = value.startswith("[") and value.endswith("]")
    names = ", ".join(f"'{part.strip()}'" for part in value.strip("[]").split(","))
    return f"{name}=[{names}]" if listed else f"{name}='{value}'"


def _fields(record: Any) -> list[str]:
    fields = [record] if isinstance(record, str) else record
    if not isinstance(fields, list) or not all(isinstance(field, str) for field in fields):
        raise UserError(f"record={record} is no list of fields", "for example   record=[spikes,v]")
    return fields


def try_fields(experiment: Experiment, fields: list[str]) -> None:
    """Record a sample of zeros, so that a wrong field is told before the evaluation.

    Raises:
        UserError: no layer has that field; names those there are.
    """
    if not fields:
        return
    import torch

    from snnctl.report.recording import record

    facts = experiment.data.facts
    x = torch.zeros(facts.steps or 2, 1, *facts.shape)
    with torch.random.fork_rng():  # the evaluation must not depend on what is recorded
        record(experiment.network.eval(), x, fields, lambda out: out.sum())


def evaluate_run(
    cfg: DictConfig, run_dir: RunDir, experiment: Experiment, weights: Path | None = None
) -> dict[str, Any]:
    """Test the run's best weights; write results.json and predictions.csv.

    Args:
        cfg: the run's configuration.
        run_dir: its folder.
        experiment: its data, network and regime; the network gets the weights.
        weights: a checkpoint of the run; None for weights.safetensors.

    Returns:
        What results.json holds.
    """
    from snnctl.atomic import write_json

    if experiment.regime.acts:
        return evaluate_policy(cfg, run_dir, experiment, weights)
    from snnctl.experiment import restore_weights

    restore_weights(experiment.network, run_dir.path, weights)
    measured, predictions = evaluate(cfg, experiment, run_dir.path)
    before = run_dir.path / "results.json"
    results = {**(read_json(before) if before.exists() else {}), **measured}
    write_json(before, results)
    predictions.write(run_dir.path / "predictions.csv", experiment.data.facts.classes)
    return results


def evaluate(cfg: DictConfig, experiment: Experiment, folder: Path) -> tuple[dict[str, Any], Predictions | Traces]:
    """Test a network as it is.

    Args:
        cfg: of which the trainer counts.
        experiment: data, network and regime.
        folder: of the trainer, which writes nothing.

    Returns:
        What was measured, plain values; and the class of each sample, or the traces of its outputs.

    Raises:
        UserError: there are no test samples.
    """
    from snnctl.callbacks.measures import Measures
    from snnctl.callbacks.predictions import Predictions
    from snnctl.callbacks.traces import Traces

    facts = experiment.data.facts
    guessed = facts.targets == "classes"
    predictions = Predictions() if guessed else Traces()
    measures = Measures(experiment.network, facts.classes if guessed else None, facts.dt)
    trainer = tester(cfg, folder, [predictions, measures])
    measured = trainer.test(experiment.regime, datamodule=experiment.data, verbose=False)
    if not measured or not predictions.counted:
        raise UserError(
            "the data set has no test samples", "set dataset.test_fraction=0.2, or give another dataset.root"
        )
    return {**measured[0], "test/samples": predictions.counted, **measures.results()}, predictions


def tester(cfg: DictConfig, folder: Path, callbacks: list[Any]) -> Any:
    """The run's trainer, as far as a test needs it; it writes nothing into the folder."""
    from snnctl import config

    wanted = ("_target_", "accelerator", "precision", "limit_test_batches")
    return config.build(
        {k: cfg.trainer[k] for k in wanted if k in cfg.trainer},
        devices=1,
        logger=False,
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )


def evaluate_policy(
    cfg: DictConfig, run_dir: RunDir, experiment: Experiment, weights: Path | None = None
) -> dict[str, Any]:
    """Play the test episodes; write results.json, episodes.csv, episode.gif and returns.png. As `evaluate_run`."""
    from snnctl.atomic import write_json
    from snnctl.callbacks.metrics_csv import read
    from snnctl.experiment import restore_weights
    from snnctl.report import episodes, returns

    restore_weights(experiment.network, run_dir.path, weights)
    tester(cfg, run_dir.path, []).test(experiment.regime, datamodule=experiment.data, verbose=False)
    played = experiment.regime.tallies["test"].episodes
    before = run_dir.path / "results.json"
    results = {**(read_json(before) if before.exists() else {}), **episodes.spread(played)}
    write_json(before, results)
    episodes.write(played, run_dir.path / "episodes.csv")
    if (run_dir.path / "metrics.csv").exists():
        returns.draw(read(run_dir.path / "metrics.csv"), run_dir.path / "returns.png")
    print(episodes.video(experiment.regime, experiment.data, run_dir.path / "episode.gif"))
    return results


def sweep_run(cfg: DictConfig, run_dir: RunDir, experiment: Experiment, devices: Mismatch) -> None:
    """Test devices with mismatched parameters: a table, mismatch.png and `mismatch` in results.json.

    Args:
        cfg, run_dir: as of `evaluate_run`.
        experiment: its data, network and regime, weights in place.
        devices: which levels, how many of each.
    """
    from snnctl.atomic import write_json
    from snnctl.report.mismatch import Curve

    name = "test/return" if experiment.regime.acts else "test/acc"

    def test() -> float:
        trainer = tester(cfg, run_dir.path, [])
        return trainer.test(experiment.regime, datamodule=experiment.data, verbose=False)[0][name]

    curve = Curve(name, devices.levels, devices.sweep(experiment.network, test, cfg.seed), devices.parameters)
    curve.show()
    curve.draw(run_dir.path / "mismatch.png")
    results = run_dir.path / "results.json"
    write_json(results, {**read_json(results), "mismatch": curve.plain()})
    print(f"results.json, mismatch.png in {run_dir.path}")


def record_run(
    run_dir: RunDir, experiment: Experiment, fields: list[str], samples: int, kinds: Sequence[str] = ("overview",)
) -> None:
    """Record test samples, spread evenly over the part: recorded.npz, and a picture each, in the run's folder.

    A test part is often sorted by class: its first samples would all be of one. Pictures of an earlier recording go.

    Args:
        run_dir: the run's folder.
        experiment: its data and network, weights in place.
        fields: as of `snnctl.report.recording.record`.
        samples: how many; all where there are fewer.
        kinds: of pictures, as of `snnctl.report.pictures.write`.
    """
    import torch

    from snnctl.report import pictures
    from snnctl.report.board import Board
    from snnctl.report.recording import record, write_npz

    batches = list(experiment.data.test_dataloader().keep(samples))
    steps = max(int(b.length.max()) for b in batches)
    x = torch.cat([_padded(b.x, steps) for b in batches], 1)
    length, index = (torch.cat([getattr(b, k) for b in batches]) for k in ("length", "index"))
    facts = experiment.data.facts
    guessed = facts.targets == "classes"
    target = torch.cat([b.target if guessed else _padded(b.target, steps) for b in batches], 0 if guessed else 1)
    experiment.network.eval()
    loss = experiment.regime.loss
    recorded = record(experiment.network, x, fields, lambda out: loss(out, target, length) * len(index))
    out = run_dir.path / "recorded.npz"
    write_npz(recorded, out, length=length.numpy(), target=target.numpy(), sample=index.numpy())
    for earlier in (run_dir.path / "recorded").glob("[0-9][0-9][0-9]*.*"):
        earlier.unlink()
    known = target.tolist() if guessed else [None] * len(index)
    titles = [facts.title(i, t) for i, t in zip(index.tolist(), known, strict=True)]
    board = Board.beside(run_dir.path)
    paths = pictures.write(
        recorded, length.tolist(), titles, facts.dt, run_dir.path / "recorded", kinds, facts.classes, board
    )
    if board is not None:
        board.close()
    print(f"{out}: {', '.join(recorded)}, and {len(paths)} pictures in {run_dir.path / 'recorded'}")


def _padded(x: Any, steps: int) -> Any:
    import torch

    x = x if isinstance(x, torch.Tensor) else x.dense()
    return torch.nn.functional.pad(x, [0, 0] * (x.dim() - 1) + [0, steps - x.shape[0]])
