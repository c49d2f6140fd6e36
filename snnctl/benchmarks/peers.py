"""Other frameworks: found by their adapters, files that lie with the tests and not in the package.

An adapter is a Python file. Its name is the contestant's, the first line of its docstring says how to get the
framework, and it has a function for each family of cases, `lif(case)`, that gives what `workload.passes` gives.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import snnctl
from snnctl.benchmarks.cases import Case
from snnctl.benchmarks.workload import Passes
from snnctl.errors import UserError, did_you_mean

CHECKOUT = Path(snnctl.__file__).resolve().parents[1] / "tests" / "bench" / "peers"


class LeftOut(Exception):
    """A framework cannot take part; says why in one line."""


class Peer(NamedTuple):
    """One framework.

    Args:
        name: of the adapter's file.
        path: the adapter.
    """

    name: str
    path: Path

    def on(self, case: Case) -> Callable[[], Passes]:
        """How it is built for a case.

        Raises:
            LeftOut: it is not installed, or has nothing for the case.
        """
        module = load(self.path)
        function = getattr(module, case.family, None)
        if function is None:
            raise LeftOut(f"its adapter has no {case.family}(case)")
        return lambda: function(case)


def find(names: list[str], folder: Path | None = None) -> list[Peer]:
    """The frameworks of these names; of `all`, every adapter in the folder.

    Args:
        names: names of adapters.
        folder: where they lie; None: in the checkout that the package was imported from.

    Raises:
        UserError: there is no such folder, or no such adapter in it.
    """
    if not names:
        return []
    where = CHECKOUT if folder is None else folder
    known = {path.stem: path for path in sorted(where.glob("*.py")) if not path.stem.startswith("_")}
    if not known:
        wheel = "they lie with the source, tests/bench/peers, and are not installed; give   --adapters FOLDER"
        raise UserError(f"{where} holds no adapters", wheel if folder is None else "one FRAMEWORK.py each")
    if names == ["all"]:
        names = list(known)
    for name in names:
        if name not in known:
            hint = f"{did_you_mean(name, known)}\nadapters       {where}"
            raise UserError(f"no adapter for  {name}", hint)
    return [Peer(name, known[name]) for name in dict.fromkeys(names)]


def load(path: Path) -> ModuleType:
    """An adapter as a module, under a name that hides no framework.

    Raises:
        LeftOut: its framework is not installed or cannot be imported.
        UserError: the adapter itself is wrong.
    """
    sys.modules.setdefault("samna", None)  # importing it, as two frameworks try to, runs pip
    spec = importlib.util.spec_from_file_location(f"snnctl_adapter_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        get = (module.__doc__ or "").strip().partition("\n")[0]
        raise LeftOut(f"cannot be imported ({error}); {get}") from error
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise UserError(f"adapter {path}: {what}", "what it must hold   snnctl/benchmarks/peers.py") from error
    return module
