"""A run whose network comes from a NIR file keeps a copy of it, so that it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from snnctl import atomic
from snnctl.errors import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig

FILE = "network.nir"


def keep(cfg: DictConfig, run: Path) -> None:
    """Copy the file that `network.nir` names, if it names one, into a run's folder.

    Raises:
        UserError: it is gone.
    """
    path = _named(cfg)
    if path is None:
        return
    try:
        held = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", "it was there when the run began") from None
    atomic.write(run / FILE, lambda file: file.write(held))


def use_kept(cfg: DictConfig, run: Path) -> None:
    """Let `network.nir` name the copy in a run's folder, wherever the folder is by now."""
    if _named(cfg) is not None and (run / FILE).exists():
        cfg.network.nir = str(run / FILE)


def _named(cfg: DictConfig) -> str | None:
    from omegaconf import OmegaConf

    found = OmegaConf.select(cfg, "network.nir", throw_on_missing=False)
    return found if isinstance(found, str) else None
