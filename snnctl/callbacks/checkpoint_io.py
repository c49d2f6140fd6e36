"""Checkpoint files: written whole or not at all, read without executing anything in them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO

from snnctl import atomic
from snnctl.errors import UserError


class AtomicCheckpointIO(CheckpointIO):
    """torch.save under a temporary name, then renamed; torch.load with weights_only."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        atomic.write(Path(path), lambda file: torch.save(checkpoint, file))

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        return load_checkpoint(path)

    def remove_checkpoint(self, path: str | Path) -> None:
        Path(path).unlink(missing_ok=True)


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Raises:
        UserError: missing, truncated, not a checkpoint, or one that would execute code.
    """
    path = Path(path)
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"no checkpoint at {path}", "see   snnctl runs") from None
    except pickle.UnpicklingError as error:
        reason = str(error).split("Unsupported")[0] if "Unsupported" in str(error) else str(error)
        if "GLOBAL" in str(error) or "weights_only" in str(error).lower():
            raise UserError(
                f"{path} holds more than weights and numbers; nothing of it was executed",
                "only load checkpoints that snnctl wrote",
            ) from error
        raise UserError(f"{path} is not a checkpoint: {reason.splitlines()[0]}", "see   snnctl runs") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0].split(". ")[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path} is damaged or no checkpoint: {reason}",
            "use another one: checkpoints/best.ckpt and checkpoints/last.ckpt lie in a run's folder",
        ) from error
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        raise UserError(f"{path} is no checkpoint of a run: it has no state_dict", "see   snnctl runs")
    return checkpoint


def check_fits(state_dict: dict[str, torch.Tensor], module: torch.nn.Module, path: Path) -> None:
    """See that the weights of a checkpoint are those of this network.

    Raises:
        UserError: names the first parameters that are missing, unexpected or of another shape.
    """
    ours = module.state_dict()
    wrong = [f"{k}: missing in the checkpoint" for k in ours if k not in state_dict]
    wrong += [f"{k}: not in this network" for k in state_dict if k not in ours]
    wrong += [
        f"{k}: {tuple(state_dict[k].shape)} in the checkpoint, {tuple(v.shape)} in this network"
        for k, v in ours.items()
        if k in state_dict and state_dict[k].shape != v.shape
    ]
    if wrong:
        shown = "\n".join(f"  {line}" for line in wrong[:5]) + (
            f"\n  and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        )
        raise UserError(f"{path} is from another network", shown)
