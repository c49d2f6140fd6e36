"""Make a trained ANN a spiking network: a new run, which eval and the rest take like any other.

    snnctl train digits_ann                            an ANN: any recipe with neuron=relu or neuron=qcfs and regime=ann
    snnctl convert last                                ReLUs to integrate-and-fire neurons, over T = 32 time steps
    snnctl convert RUN convert.T=8 convert.method=mse  other settings: snnctl show convert/default
    snnctl convert RUN convert.tolerance=0.5           the smallest T that loses at most half a point in validation
    snnctl convert RUN convert.input=steps convert.finetune=3
                                                       events as they come, time bin after time bin, and some training
    snnctl convert RUN/checkpoints/last.ckpt           another checkpoint of the run
    snnctl convert weights.pt module=mymodels.Net dataset=fashion_mnist --allow mymodels
                                                       a torch module of your own, (B, *shape) -> (B, classes), and its
                                                       state_dict; module.NAME=VALUE are arguments of its class

Still images are shown unchanged at each step. Of events each step shows all of them together, the frame that the ANN
saw; with convert.input=steps they come one time bin after the other. conversion.csv is accuracy against T.

Next: snnctl eval last, snnctl report RUN RUN
"""

from __future__ import annotations

import shlex
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnctl.errors import UserError
from snnctl.rundir import RunDir, locate, read_json, write_config

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from snnctl.conversion import Analog, Conversion, Spiking
    from snnctl.conversion.material import Material

FILES = (".pt", ".pth", ".bin", ".safetensors")


@dataclass
class Task:
    """What is to be converted.

    Args:
        cfg: the ANN's configuration, with what was changed.
        recipe: its name, for the record.
        origin: the run, checkpoint or file of weights.
        split: of the ANN's run, None where it has none or the data set is another.
        run: the ANN's run; None for a module.
        weights: a checkpoint of the run, or the module's file.
        module: the user's module, as a node; None for a run.
        folder: of the new run.
    """

    cfg: DictConfig
    recipe: str
    origin: str
    split: dict[str, Any] | None
    run: RunDir | None
    weights: Path | None
    module: dict[str, Any] | None
    folder: Path


def run(args: list[str]) -> int:
    """`snnctl convert ...` after the verb; returns the exit code."""
    if not args or "=" in args[0]:
        raise UserError(
            "convert needs a run of an ANN, or weights with module=my.Module", "see   snnctl convert --help"
        )
    from snnctl import config
    from snnctl.experiment import quiet_lightning, seed_all

    quiet_lightning()
    task = read(args[0], args[1:])
    conversion = config.build(task.cfg.pop("convert"))
    RunDir(task.folder).refuse_second()
    seed_all(task.cfg.seed)
    graph = _of_run(task) if task.run is not None else None
    material = _material(task, conversion)
    graph = conversion.prepare(graph or _of_module(task, material))
    for node in graph.of("maximum"):
        print(f"note: of layer {node.name} (MaxPool2d) a SpikeMaxPool2d comes near, which NIR and chips have not; "
              "AvgPool2d is exact", file=sys.stderr)  # fmt: skip
    rows, chosen = against_steps(graph, conversion, material)
    write(task, conversion.at(chosen), graph, material, rows)
    return 0


def read(reference: str, args: list[str]) -> Task:
    """What the command line says.

    Raises:
        UserError: one for all mistakes.
    """
    from omegaconf import OmegaConf

    from snnctl import config
    from snnctl.config.folders import configs

    module = [a for a in args if a.partition("=")[0] == "module" or a.startswith("module.")]
    folders = [a.partition("=")[2] for a in args if a.startswith("hydra.run.dir=")]
    rest = [a for a in args if a not in module and not a.startswith("hydra.run.dir=")]
    if module:
        node = OmegaConf.from_dotlist([a.replace("module=", "module._target_=", 1) for a in module]).module
        if "_target_" not in node:
            raise UserError("module.NAME=VALUE are arguments of a class", "give   module=my.Module")
        run_dir, weights, recipe, cfg = None, Path(reference), "train", config.compose("train")
        module = OmegaConf.to_container(node)
    else:
        if Path(reference).suffix in FILES:
            raise UserError(f"{reference} holds weights without a network", "say whose   module=my.Module")
        (run_dir, weights), module = locate(reference), None
        cfg, recipe = run_dir.configuration(), run_dir.read().get("recipe", "train")
    OmegaConf.set_struct(cfg, False)
    cfg.convert = OmegaConf.load(configs() / "convert" / "default.yaml")
    cfg.trainer.precision = "32-true"  # whatever the ANN was trained in: membranes add up what bfloat16 rounds away
    cfg = config.override(cfg, rest)
    OmegaConf.set_struct(cfg, False)
    split = None
    if run_dir is not None:
        _check_regime(cfg, run_dir)
        kept = run_dir.path / "split.json"
        split = read_json(kept) if kept.exists() and not any(a.startswith("dataset=") for a in rest) else None
    now = time.time()
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(now)) + f".{int(now % 1 * 1e6):06d}"
    folder = Path(folders[-1]) if folders else Path("runs") / f"{Path(recipe).stem}_snn" / stamp
    return Task(cfg, recipe, reference if run_dir is None else str(weights or run_dir.path), split, run_dir, weights,
                module, folder)  # fmt: skip


def _check_regime(cfg: DictConfig, run_dir: RunDir) -> None:
    facts = read_json(run_dir.path / "facts.json") if (run_dir.path / "facts.json").exists() else {}
    if not str(cfg.regime.get("_target_", "")).endswith(".ANN") and facts.get("steps") != 1:
        raise UserError(f"the run in {run_dir.path} saw time, so it is no ANN",
                        "train one   snnctl train RECIPE neuron=relu regime=ann")  # fmt: skip


def _material(task: Task, conversion: Conversion) -> Material:
    """The data at any number of steps, with the ANN's split."""
    from omegaconf import OmegaConf

    from snnctl import config
    from snnctl.conversion.material import Material

    drawn: list[dict[str, list[int]]] = [task.split] if task.split else []

    def data(**settings: Any):
        node = OmegaConf.create(OmegaConf.to_container(task.cfg.dataset, resolve=True))
        if "steps" in settings:
            node.dt = None
        node.update(settings)
        made = config.build(node)
        if drawn:
            made.load_split(drawn[0])
        made.prepare_data()
        made.setup()
        drawn[:] = [made.split]
        return made

    frame = task.cfg.regime.get("frame", "sum")
    return Material(data, frame, conversion.input, conversion.samples)


def _of_run(task: Task) -> Analog:
    """The graph of a run's network."""
    from snnctl.conversion import from_network
    from snnctl.experiment import load_network

    return from_network(load_network(task.cfg, task.run.path, task.weights))


def _of_module(task: Task, material: Material) -> Analog:
    """The graph of the user's module, which must fit the data set."""
    import torch

    from snnctl import config
    from snnctl.conversion import from_module
    from snnctl.conversion.weights import load_weights

    module = config.build(task.module)
    if not isinstance(module, torch.nn.Module):
        raise UserError(f"module={task.module['_target_']} is no torch.nn.Module", "give the class of the network")
    load_weights(module, task.weights)
    graph, facts = from_module(module, material.own.facts.shape), material.own.facts
    got, wanted = graph.nodes[graph.last].shape, (len(facts.classes),)
    if got != wanted:
        raise UserError(f"{type(module).__name__} gives {got}, expected {wanted}", "one output a class of the data set")
    return graph


def against_steps(graph: Analog, conversion: Conversion, material: Material) -> tuple[list[list[Any]], int]:
    """Accuracy at each number of steps of the table, beside the ANN's; printed as a table.

    Returns:
        Rows: T (None: the ANN), test accuracy, points lost, and validation accuracy where T is searched; the T chosen.
    """
    from snnctl.report.tables import show

    searched = conversion.tolerance is not None
    parts = ["test", "val"] if searched else ["test"]
    ann = [material.ann_accuracy(graph, part) for part in parts]
    rows: list[list[Any]] = [[None, ann[0], 0.0, *ann[1:]]]
    counts = sorted({*conversion.table, *([] if searched else [conversion.T])})
    for T in counts:
        made = convert(graph, conversion.at(T), material).network(material.at(T).facts)
        found = [material.accuracy(made, T, part) for part in parts]
        rows.append([T, found[0], 100 * (ann[0] - found[0]), *found[1:]])
    heads = ["T", "test %", "points lost", *(["validation %"] if searched else [])]
    shown = [
        [T or "ANN", f"{100 * test:.2f}", f"{lost:.2f}", *(f"{100 * v:.2f}" for v in val)]
        for T, test, lost, *val in rows
    ]
    show(heads, shown, title="accuracy against time steps", right=range(4))
    if not searched:
        return rows, conversion.T
    good = [row[0] for row in rows[1:] if 100 * (ann[1] - row[3]) <= conversion.tolerance]
    if not good:
        raise UserError(f"no T of {counts} loses at most {conversion.tolerance:g} points in validation",
                        "give a longer   convert.table=[32,64,128]   or train with   neuron=qcfs")  # fmt: skip
    print(f"T = {good[0]}, the smallest that loses at most {conversion.tolerance:g} points in validation")
    return rows, good[0]


def convert(graph: Analog, conversion: Conversion, material: Material) -> Spiking:
    """The spiking network for `conversion.T` steps."""
    return conversion.convert(graph, material.frames(), material.sequences(conversion.T), material.gain(conversion.T))


def write(task: Task, conversion: Conversion, graph: Analog, material: Material, rows: list[list[Any]]) -> None:
    """Write the new run, and measure it, after its epochs of training if it has any."""
    from omegaconf import OmegaConf
    from safetensors.torch import save

    from snnctl import atomic
    from snnctl.commands.train import versions
    from snnctl.config.kept_code import keep
    from snnctl.experiment import Experiment, assemble
    from snnctl.report.tables import to_csv

    made = convert(graph, conversion, material)
    cfg = configuration(task.cfg, conversion, made, material)
    folder = RunDir(task.folder)
    command = shlex.join(["snnctl", *sys.argv[1:]])
    changes = [f"convert.{k}={v}" for k, v in asdict(conversion).items()]
    folder.create(recipe=task.recipe, command=command, seed=cfg.seed, versions=versions(),
                  converted_from=task.origin, conversion=asdict(conversion))  # fmt: skip
    try:
        write_config(folder, OmegaConf.to_yaml(cfg), OmegaConf.to_yaml(cfg, resolve=True), changes)
        keep(folder.path)
        heads = ["T", "test/acc", "points_lost", "val/acc"][: len(rows[0])]
        atomic.write_text(folder.path / "conversion.csv", to_csv(heads, rows))
        experiment: Experiment = assemble(cfg)
        experiment.data.load_split(material.own.split)
        experiment.write_facts(folder.path)
        atomic.write_json(folder.path / "split.json", material.own.split)
        experiment.network.load_state_dict(made.network(experiment.data.facts).state_dict())
        tensors = {name: value.detach().contiguous() for name, value in experiment.network.state_dict().items()}
        atomic.write(folder.path / "weights.safetensors", lambda file: file.write(save(tensors)))
        print(f"{folder.path}  T = {conversion.T}, {experiment.summary()}", flush=True)
        measure(cfg, folder, experiment, conversion, rows[0][1])
    except BaseException as error:
        folder.update(state="failed", error=getattr(error, "problem", f"{type(error).__name__}: {error}"))
        raise
    finally:
        folder.release()


def configuration(cfg: DictConfig, conversion: Conversion, made: Spiking, material: Material) -> DictConfig:
    """The new run's: network and data as converted, neurons that learn by backpropagation through time."""
    from omegaconf import OmegaConf

    from snnctl import config

    decoder = "rate" if conversion.spiking_output else "mean_membrane"
    cfg = config.override(cfg, ["regime=bptt", "neuron=if", f"decoder={decoder}"])
    OmegaConf.set_struct(cfg, False)
    OmegaConf.update(cfg, "network", made.configuration(), merge=False)
    cfg.dataset.update({"dt": None, "steps": conversion.T, **material.settings})
    if conversion.finetune:
        cfg.trainer.max_epochs, cfg.optimizer.lr = conversion.finetune, conversion.lr
    return cfg


def measure(cfg: DictConfig, folder: RunDir, experiment: Any, conversion: Conversion, ann: float) -> None:
    """Train on if that is asked for, then evaluate; run.json says done and holds the ANN's accuracy too."""
    from snnctl.commands.eval import evaluate_run
    from snnctl.commands.train import fit_and_evaluate
    from snnctl.experiment import assemble_trainer
    from snnctl.report.evaluation import show

    if conversion.finetune:
        trainer, checkpoint = assemble_trainer(cfg, folder.path, [])
        cfg.eval_after = True
        fit_and_evaluate(cfg, folder, experiment, trainer, checkpoint, resuming=False, first=True)
        results = read_json(folder.path / "results.json")
    else:
        results = evaluate_run(cfg, folder, experiment)
        show(results, folder.path)
    metrics = {k: v for k, v in results.items() if isinstance(v, (int, float))}
    folder.update(state="done", metrics={**metrics, "ann/acc": ann})
    got = results["test/acc"]
    print(
        f"ANN {100 * ann:.2f} %, spiking {100 * got:.2f} % at T = {conversion.T}: {100 * (ann - got):+.2f} points lost"
    )
