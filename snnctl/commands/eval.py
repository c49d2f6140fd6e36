"""Evaluate a trained network on the test split.

    snnctl eval runs/digits_conv/2026-...                  accuracy, confusion, rates, operations; results.json
    snnctl eval last                                       the newest run
    snnctl eval RUN/checkpoints/last.ckpt                  another checkpoint of it
    snnctl eval RUN record=[spikes,v] samples=8            what happened inside: recorded.npz and pictures
    snnctl eval RUN dataset.root=/data dataset.on_error=skip       the set as it is there: its test part, else the
                                                                   run's own split

Next: snnctl report RUN ..., snnctl runs
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnctl.errors import UserError
from snnctl.rundir import RunDir, locate, read_json

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from snnctl.experiment import Experiment

OPTIONS = {"record": [], "samples": 8}


def run(args: list[str]) -> int:
    """`snnctl eval ...` after the verb; returns the exit code."""
    if not args or "=" in args[0]:
        raise UserError("eval needs a run, or a checkpoint of one", "see   snnctl runs, or   snnctl eval last")
    run_dir, weights = locate(args[0])
    from omegaconf import OmegaConf

    from snnctl import config
    from snnctl.experiment import assemble
    from snnctl.report.evaluation import show

    own = [a for a in args[1:] if a.split("=")[0] in OPTIONS]
    cfg = config.override(run_dir.configuration(), [a for a in args[1:] if a not in own])
    options = {**OPTIONS, **OmegaConf.to_container(OmegaConf.from_dotlist(own))}
    experiment = assemble(cfg)
    _use_split(experiment, run_dir, {a.partition("=")[0] for a in args[1:]})
    show(evaluate_run(cfg, run_dir, experiment, weights), run_dir.path)
    if options["record"]:
        fields = [options["record"]] if isinstance(options["record"], str) else list(options["record"])
        record_run(run_dir, experiment, fields, int(options["samples"]))
    return 0


def _use_split(experiment: Experiment, run_dir: RunDir, changed: set[str]) -> None:
    """The run's own split, so that nothing it learned from tests it; one elsewhere tests with its test part, if any."""
    path = run_dir.path / "split.json"
    if not path.exists() or "dataset" in changed:
        return
    if "dataset.root" not in changed or "test" not in experiment.data.source.parts():
        experiment.data.load_split(read_json(path))


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
    from snnctl import config
    from snnctl.atomic import write_json
    from snnctl.callbacks.measures import Measures
    from snnctl.callbacks.predictions import Predictions
    from snnctl.experiment import restore_weights

    restore_weights(experiment.network, run_dir.path, weights)
    facts = experiment.data.facts
    predictions, measures = Predictions(), Measures(experiment.network, facts.classes, facts.dt)
    wanted = ("_target_", "accelerator", "precision", "limit_test_batches")
    trainer = config.build(
        {k: cfg.trainer[k] for k in wanted if k in cfg.trainer},
        devices=1,
        logger=False,
        callbacks=[predictions, measures],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=run_dir.path,
    )
    measured = trainer.test(experiment.regime, datamodule=experiment.data, verbose=False)
    if not measured or not predictions.counted:
        raise UserError(
            "the data set has no test samples", "set dataset.test_fraction=0.2, or give another dataset.root"
        )
    before = run_dir.path / "results.json"
    results = {
        **(read_json(before) if before.exists() else {}),
        **measured[0],
        "test/samples": predictions.counted,
        **measures.results(),
    }
    write_json(before, results)
    predictions.write(run_dir.path / "predictions.csv", facts.classes)
    return results


def record_run(run_dir: RunDir, experiment: Experiment, fields: list[str], samples: int) -> None:
    """Record the first `samples` test samples: recorded.npz, and a picture each, in the run's folder.

    Args:
        run_dir: the run's folder.
        experiment: its data and network, weights in place.
        fields: as of `snnctl.report.recording.record`.
        samples: how many.
    """
    import torch

    from snnctl.report.recording import draw, record, write_npz

    batches, seen = [], 0
    for batch in experiment.data.test_dataloader():
        batches.append(batch)
        seen += len(batch.target)
        if seen >= samples:
            break
    steps = max(int(b.length.max()) for b in batches)
    x = torch.cat([_padded(b.x, steps) for b in batches], 1)[:, :samples]
    length, target = (torch.cat([getattr(b, k) for b in batches])[:samples] for k in ("length", "target"))
    experiment.network.eval()
    recorded = record(experiment.network, x, fields)
    facts = experiment.data.facts
    out = run_dir.path / "recorded.npz"
    write_npz(recorded, out, length=length.numpy(), target=target.numpy())
    for i in range(len(target)):
        name = facts.classes[int(target[i])]
        draw(
            recorded,
            i,
            int(length[i]),
            facts.dt,
            run_dir.path / "recorded" / f"{i:03d}.png",
            f"sample {i}, class {name}",
        )
    print(f"{out}: {', '.join(recorded)}, and {len(target)} pictures in {run_dir.path / 'recorded'}")


def _padded(x: Any, steps: int) -> Any:
    import torch

    x = x if isinstance(x, torch.Tensor) else x.dense()
    return torch.nn.functional.pad(x, [0, 0] * (x.dim() - 1) + [0, steps - x.shape[0]])
