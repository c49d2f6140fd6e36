"""What `_target_` may name. A recipe is data: it must not be able to run what it likes.

Allowed are classes of snnctl, torch, torchmetrics, lightning and tonic in the parts listed here, whatever is
defined in a folder that the user trusts (the one of a recipe given as a path, the code kept with a run that was
trained here), and packages named with `--allow`.
Names are judged before anything is imported; what a name leads to is judged again after, so that a path through a
module's own imports (`torch.os.system`) leads nowhere.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from snnctl.errors import UserError, did_you_mean

# Parts of the packages whose constructors only build what they are told: no process, no pickle, no import by name.
CLASSES = (
    *(f"snnctl.{part}" for part in ("datasets", "environments", "neurons", "networks", "circuits", "conversion")),
    *(f"snnctl.{part}" for part in ("surrogates", "losses", "metrics", "regimes", "plasticity", "callbacks")),
    *(f"snnctl.{part}" for part in ("kernels", "targets", "interchange")),
    "torch.nn",
    "torch.optim",
    *(f"torchmetrics.{part}" for part in ("aggregation", "classification", "clustering", "collections")),
    *(f"torchmetrics.{part}" for part in ("nominal", "regression", "retrieval", "wrappers")),
    "lightning.pytorch.trainer.trainer",
    *(f"lightning.pytorch.{part}" for part in ("callbacks", "loggers", "plugins", "profilers", "strategies")),
    *(f"lightning.fabric.{part}" for part in ("loggers", "plugins", "strategies")),
    *(f"lightning.{part}.accelerators" for part in ("pytorch", "fabric")),
    *(f"tonic.{part}" for part in ("transforms", "datasets", "slicers", "audio_transforms", "audio_augmentations")),
)
FUNCTIONS = ("torch.nn.init", "torch.nn.functional", "tonic.functional")  # numbers in, numbers out
PACKAGES = ("snnctl", "torch", "torchmetrics", "lightning", "tonic")

_packages: list[str] = []  # --allow
_folders: list[Path] = []  # folders of recipes given as a path, and of code kept with own runs
_strange: list[Path] = []  # folders of code that came with runs from elsewhere


def allow(*packages: str) -> None:
    """Add packages that the user named with `--allow`. A module in the current folder counts too."""
    for package in packages:
        if not all(part.isidentifier() for part in package.split(".")):
            raise UserError(f"--allow {package} names no Python package", "for example   --allow mymodels")
        if package not in _packages:
            _packages.append(package)
            here = Path.cwd()
            if _lies_in(here, package.split(".")[0]):
                _importable(here)


def trust_folder(folder: Path, first: bool = False) -> None:
    """Let `_target_` name modules that lie in `folder`; `first`: before others of the same name."""
    if folder not in _folders:
        _folders.append(folder)
        _importable(folder, first)


def distrust(folder: Path) -> None:
    """Note a folder of code from elsewhere: of it only what `--allow` names is imported."""
    _strange.append(folder)
    if any(_lies_in(folder, package.split(".")[0]) for package in _packages):
        _importable(folder)


def own_folders() -> list[Path]:
    """The folders that the user's own modules may lie in: those trusted, and this one if `--allow` names one here."""
    here = Path.cwd()
    return [*_folders, *([here] if any(_lies_in(here, package.split(".")[0]) for package in _packages) else [])]


def allowed_packages() -> list[str]:
    """What `--allow` added."""
    return list(_packages)


def forget() -> None:
    """Take back every `allow` and `trust_folder`: one command's permissions are not the next one's."""
    _packages.clear()
    _folders.clear()
    _strange.clear()


def _importable(folder: Path, first: bool = False) -> None:
    if str(folder) not in sys.path:
        # last: a file there cannot stand in for an installed module
        sys.path.insert(0 if first else len(sys.path), str(folder))


def _lies_in(folder: Path, module: str) -> bool:
    return (folder / f"{module}.py").is_file() or (folder / module).is_dir()


def _within(name: str, parents: tuple[str, ...] | list[str]) -> bool:
    return any(name == parent or name.startswith(parent + ".") for parent in parents)


def _towards(name: str, parents: tuple[str, ...] | list[str]) -> bool:
    """Whether `name` lies in one of `parents` or on the way to it."""
    return _within(name, parents) or any(parent.startswith(name + ".") for parent in parents)


def refusal(target: Any) -> UserError | None:
    """Why `_target_: target` may not be built, judged by its name alone; None if it may."""
    if not isinstance(target, str) or not all(part.isidentifier() for part in target.split(".")) or "." not in target:
        return UserError(f"_target_ {target!r} is not a dotted name", "for example   snnctl.neurons.LIF")
    parts = target.split(".")
    top = parts[0]
    if _within(target, _packages) or (top not in PACKAGES and any(_lies_in(f, top) for f in _folders)):
        return None
    if top in PACKAGES:
        if any(part.startswith("_") for part in parts):
            return UserError(f"_target_ {target} is not allowed", "it names a private part of its package")
        return None
    if home := next((folder for folder in _strange if _lies_in(folder, top)), None):
        return UserError(
            f"_target_ {target} is not allowed",
            f"it is code that came with the run, which was not trained by this account; read it: {home}\n"
            f"if you trust it   --allow {top}",
        )
    return UserError(
        f"_target_ {target} is not allowed",
        f"recipes may name {', '.join(PACKAGES)} and modules that lie beside them\n"
        f"if you trust the package   --allow {top}",
    )


def find(target: str) -> Callable[..., Any]:
    """The object that an allowed `_target_` names.

    Raises:
        UserError: it is not allowed, does not exist, or leads out of its package.
    """
    problem = refusal(target)
    if problem:
        raise problem
    parts = target.split(".")
    free = _within(target, _packages) or parts[0] not in PACKAGES
    ground = [parts[0]] if free else [*CLASSES, *FUNCTIONS]
    found: Any = _load(parts[0], target)
    if free and parts[0] not in PACKAGES and not _within(target, _packages):
        _check_home(found, target)
    for i, part in enumerate(parts[1:], 1):
        prefix = ".".join(parts[:i])
        if hasattr(found, part):
            found = getattr(found, part)
        elif isinstance(found, ModuleType) and _towards(f"{prefix}.{part}", ground):
            found = _load(f"{prefix}.{part}", target, found)
        else:
            raise _absent(target, prefix, part, found)
        if isinstance(found, ModuleType) and not _within(found.__name__, [parts[0]]):
            raise UserError(f"_target_ {target} is not allowed", f"it leads out of {parts[0]} into {found.__name__}")
    _check_object(found, target, parts[0] if free else None)
    return found


def _check_object(found: Any, target: str, free_top: str | None) -> None:
    if not callable(found):
        raise UserError(f"_target_ {target} is not a class", f"it is {found!r:.60}")
    home = getattr(found, "__module__", None) or type(found).__module__
    if free_top is not None and (_within(home, [free_top]) or _within(home, CLASSES)):
        return
    if isinstance(found, type) and _within(home, CLASSES):
        return
    if _within(home, FUNCTIONS) and not isinstance(found, type):
        return
    raise UserError(
        f"_target_ {target} is not allowed",
        f"it is {'a class' if isinstance(found, type) else 'not a class'} of {home}; allowed are classes of layers, "
        "neurons, losses,\noptimizers, schedulers, metrics, callbacks, loggers and transforms",
    )


def _check_home(module: ModuleType, target: str) -> None:
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", [])), "")
    places = (f"{module.__name__}.py", f"{module.__name__}/__init__.py")
    if any(_same(Path(file), folder / place) for folder in _folders for place in places):
        return  # a notebook has imported the file that a run keeps a copy of
    if not any(Path(file).resolve().is_relative_to(folder.resolve()) for folder in _folders):
        raise UserError(
            f"_target_ {target}: the name {module.__name__} belongs to another installed module",
            f"it lies in {file}; give your file another name",
        )


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()


def _load(name: str, target: str, parent: ModuleType | None = None) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and _within(name, [error.name]):
            raise _absent(target, name.rpartition(".")[0], name.rpartition(".")[2], parent) from None
        raise UserError(f"_target_ {target} needs {error.name}", f"install it   pip install {error.name}") from error


def _absent(target: str, prefix: str, part: str, found: Any) -> UserError:
    names = [n for n in dir(found) if not n.startswith("_")] if found is not None else []
    return UserError(
        f"_target_ {target}: there is no {part} in {prefix or 'any installed package'}", did_you_mean(part, names)
    )
