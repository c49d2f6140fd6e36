"""snnctl: train, evaluate and deploy spiking neural networks on event data from one YAML recipe.

import snnctl
network = snnctl.load("runs/digits_conv/2026-...")     a torch module with the run's trained weights
out, state = network(x)                                x (T, B, ...), out (T, B, classes)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snnctl.networks.network import Network

__version__ = "0.1.0"

if "SNNCTL_CACHE" in os.environ and not any(os.access(f, os.W_OK) for f in (Path(__file__).parent, Path.home())):
    # As in containers: Numba, which writes beside the code or into the home folder, would refuse to begin.
    os.environ.setdefault("NUMBA_CACHE_DIR", f"{os.environ['SNNCTL_CACHE']}/numba")


def load(run: str | Path) -> Network:
    """The trained network of a run, in evaluation mode; no data is read.

    Args:
        run: a run's folder, `last` for the newest one, or a checkpoint inside a run's folder.

    Returns:
        A `torch.nn.Module`: x (T, B, *shape) -> (out (T, B, classes), state).

    Raises:
        UserError: no run is there, it has no finished checkpoint, or its files are damaged.
    """
    from snnctl.experiment import load_network
    from snnctl.rundir import locate

    run_dir, weights = locate(run)
    return load_network(run_dir.configuration(), run_dir.path, weights)
