"""Look whether everything is in place.

    snnctl doctor               versions, devices, optional packages, folders, then a self-test in under 30 s
    snnctl doctor --no-test     without the self-test

The self-test trains a tiny network on synthetic events in a temporary folder, with the same parts as `snnctl train`.
Optional packages are looked for, never imported.

Next: snnctl train
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from snnctl.errors import RunFailed, UserError

CORE = (
    "torch",
    "lightning",
    "torchmetrics",
    "hydra-core",
    "omegaconf",
    "tonic",
    "numba",
    "numpy",
    "scipy",
    "h5py",
    "safetensors",
)
OPTIONAL = (
    ("hydra_plugins.hydra_optuna_sweeper", "optuna sweeps", "snnctl[optuna]"),
    ("hydra_plugins.hydra_joblib_launcher", "parallel sweeps", "snnctl[joblib]"),
    ("hydra_plugins.hydra_submitit_launcher", "sweeps under SLURM", "snnctl[submitit]"),
    ("hydra_plugins.hydra_ray_launcher", "sweeps on Ray", "snnctl[ray]"),
    ("aedat", ".aedat4 recordings, faster", "snnctl[aedat]"),
    ("tensorboard", "logger=tensorboard", "tensorboard"),
    ("wandb", "logger=wandb", "wandb"),
    ("mlflow", "logger=mlflow", "mlflow-skinny"),
    ("nir", "networks of other frameworks", "nir"),
    ("triton", "kernels on NVIDIA GPUs", "triton"),
    ("samna", "SynSense devices", "the vendor's own index: the samna of PyPI is a stub that runs pip"),
)
SECONDS = 30


def run(args: list[str]) -> int:
    """`snnctl doctor ...` after the verb; returns the exit code."""
    wrong = [a for a in args if a != "--no-test"]
    if wrong:
        raise UserError(f"unknown option  {wrong[0]}", "doctor takes   --no-test")
    problems = [text for look in (versions, devices, kernels, optional, folders, configs) for text in look()]
    if "--no-test" not in args:
        problems += self_test()
    if problems:
        raise RunFailed(f"{len(problems)} problem{'s' * (len(problems) > 1)} found", "\n".join(problems))
    print("all is well; next   snnctl train")
    return 0


def versions() -> list[str]:
    """Print Python and the packages that snnctl is made of."""
    print(f"python     {platform.python_version()} on {platform.platform()}, {os.cpu_count()} CPU cores")
    problems, found = [], []
    for package in ("snnctl", *CORE):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            if package != "snnctl":  # a checkout runs without being installed
                problems.append(f"{package} is not installed   pip install {package}")
    print("packages   " + ", ".join(found))
    return problems


def devices() -> list[str]:
    """Print what torch can compute on."""
    try:
        import torch
    except ImportError as error:
        return [f"torch cannot be imported: {error}"]
    names = [f"cpu ({torch.get_num_threads()} threads)"]
    if torch.cuda.is_available():
        names += [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    print("devices    " + ", ".join(names))
    return []


def kernels() -> list[str]:
    """Print where compiled kernels run, and where they are kept."""
    from snnctl.kernels.compiled import kernel_folder

    folder = kernel_folder()
    kept = f"kept in {folder}" if folder else "compiled anew in every process: the folder cannot be written"
    print(f"kernels    cpu ({kept}), cuda ({'with triton' if present('triton') else 'not without triton'})")
    return []


def optional() -> list[str]:
    """Print which optional packages are there; finding is not importing."""
    for module, use, package in OPTIONAL:
        state = "found" if present(module) else f"not installed; pip install {package}"
        if module == "samna" and not present(module):
            state = f"not installed; from {package}"
        print(f"{'optional' if module == OPTIONAL[0][0] else '':<10} {use:<30} {state}")
    return []


def present(module: str) -> bool:
    """Whether a module is there, by looking at files: searching for a submodule would import its parent."""
    top, _, rest = module.partition(".")
    found = find_spec(top)
    if found is None:
        return False
    places = list(found.submodule_search_locations or [])
    return not rest or any((Path(place) / rest).exists() for place in places)


def folders() -> list[str]:
    """Print where runs and caches go; say where nothing can be written."""
    cache = Path(os.environ.get("SNNCTL_CACHE") or Path.home() / ".cache" / "snnctl")
    problems = []
    for use, folder in (("runs", Path("runs").absolute()), ("cache", cache)):
        good = writable(folder)
        print(f"{'folders' if use == 'runs' else '':<10} {use:<8} {folder}{'' if good else '   cannot be written'}")
        if not good:
            hint = "set SNNCTL_CACHE to a folder of yours" if use == "cache" else "work in a folder of yours"
            problems.append(f"{folder} cannot be written; {hint}")
    return problems


def writable(folder: Path) -> bool:
    """Whether a file can be made in a folder, or in the nearest one above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def configs() -> list[str]:
    """Print where configs and recipes lie, and see that each recipe composes."""
    from snnctl.config import folders as places
    from snnctl.config.check import check

    found = places.names(places.recipes())
    print(
        f"{'':<10} {'configs':<8} {places.configs()}\n{'':<10} {'recipes':<8} {places.recipes()}, {len(found)} of them"
    )
    problems = []
    for name in found:
        try:
            check(places.locate(name), [], deep=False)
        except UserError as error:
            problems.append(f"recipe {name}: {error.problem}; see   snnctl check {name}")
    return problems


def self_test() -> list[str]:
    """Train and evaluate a tiny network on synthetic events, as `snnctl train` does."""
    print("self-test  synthetic events -> cache -> network -> training -> checkpoint -> evaluation", flush=True)
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            accuracy = _quietly(lambda: train_synthetic(Path(folder)))
    except UserError as error:
        return [f"self-test: {error.problem}   {error.hint}"]
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        return [f"self-test: {type(error).__name__}: {error}   more with   snnctl doctor --debug"]
    seconds = time.monotonic() - began
    print(f"{'':<10} test accuracy {100 * accuracy:.0f} % in {seconds:.0f} s")
    if accuracy < 0.9:
        return [f"self-test: accuracy {accuracy:.0%}, expected above 90 %"]
    return []


def train_synthetic(folder: Path) -> float:
    """A run on two classes of events, left and right half of an 8x8 sensor; returns the test accuracy, 0 to 1."""
    from snnctl import config
    from snnctl.commands.train import train
    from snnctl.config.folders import ROOT
    from snnctl.rundir import read_json

    write_synthetic(folder / "data")
    cfg = config.compose(
        ROOT,
        [
            "dataset=folder",
            f"dataset.root='{folder / 'data'}'",
            f"dataset.cache='{folder / 'cache'}'",
            "dataset.source.shape=[2,8,8]",
            "dataset.source.duration=0.1",
            "dataset.batch_size=16",
            "network=mlp",
            "network.hidden=[16]",
            "optimizer.lr=1e-2",
            "trainer.max_epochs=5",
            "trainer.accelerator=cpu",
        ],
    )
    train(cfg, folder / "run", "self-test", [])
    return float(read_json(folder / "run" / "results.json")["test/acc"])


def write_synthetic(folder: Path, each: int = 40) -> None:
    """Event files of two classes, `left` and `right`: 200 events of 100 ms each, most of them in that half."""
    import numpy as np

    draw = np.random.default_rng(0)
    for label, low in (("left", 0), ("right", 4)):
        (folder / label).mkdir(parents=True)
        for i in range(each):
            t = np.sort(draw.integers(0, 100_000, 200))
            stray = draw.random(200) < 0.2
            x = np.where(stray, draw.integers(0, 8, 200), draw.integers(low, low + 4, 200))
            y, p = draw.integers(0, 8, 200), draw.integers(0, 2, 200)
            np.savez(folder / label / f"{i:02d}.npz", t=t, x=x, y=y, p=p)


def _quietly(work: Callable[[], float]) -> float:
    """Keep what training prints off the screen."""
    from contextlib import redirect_stderr, redirect_stdout

    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        return work()
