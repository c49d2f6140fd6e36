"""Pictures of a recording, one file a kind: `draw(sample) -> Figure`, or the bytes of a GIF.

To add one, add a file; its name is what `pictures=[...]` takes.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from snnctl import atomic
from snnctl.errors import UserError, did_you_mean
from snnctl.report.pictures.sample import Sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from snnctl.report.board import Board

__all__ = ["Sample", "chosen", "kinds", "png", "write"]


def kinds() -> list[str]:
    """Names of the kinds of pictures there are."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name != "sample")


def chosen(names: str | Sequence[str]) -> list[str]:
    """The kinds that are wanted, checked before anything is recorded; `all` stays as it is.

    Raises:
        UserError: there is no such kind.
    """
    every = kinds()
    if not isinstance(names, str | Sequence) or not len(names):
        raise UserError(f"{names!r} names no picture", f"choose from    {', '.join(every)}, all")
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in (*every, "all"):
            raise UserError(f"there is no picture called {str(name)!r}", did_you_mean(str(name), [*every, "all"]))
    return ["all"] if "all" in names else names


def write(
    recorded: Mapping[str, np.ndarray],
    length: Sequence[int],
    titles: Sequence[str],
    dt: float,
    folder: Path,
    names: str | Sequence[str] = "overview",
    classes: Sequence[str] = (),
    board: Board | None = None,
    epoch: int = 0,
) -> list[Path]:
    """Draw each sample of a recording: `folder`/000_overview.png ...

    Args:
        recorded: what `snnctl.report.recording.record` gave.
        length: valid steps of each sample.
        titles: head line of each.
        dt: seconds a step.
        folder: where the pictures go; it is made.
        names: kinds of pictures, or `all`: those that the recording has something for.
        classes: names of the outputs.
        board: the tensorboard that gets them too.
        epoch: for tensorboard.

    Returns:
        The files.

    Raises:
        UserError: there is no such kind, or the recording has nothing that it draws.
    """
    wanted, paths = chosen(names), []
    whole = wanted == ["all"]
    for i, (steps, title) in enumerate(zip(length, titles, strict=True)):
        sample = Sample.of(recorded, i, int(steps), dt, title, tuple(classes))
        for name in kinds() if whole else wanted:
            try:
                drawn = import_module(f"{__name__}.{name}").draw(sample)
            except UserError:
                if whole:
                    continue
                raise
            path = Path(folder) / f"{i:03d}_{name}.{'gif' if isinstance(drawn, bytes) else 'png'}"
            picture = drawn if isinstance(drawn, bytes) else png(drawn)
            atomic.write(path, lambda file, picture=picture: file.write(picture))
            if board is not None:
                board.picture(f"recorded/{name}/{i}", picture, epoch)
            paths.append(path)
    return paths


def png(figure: Figure, dpi: int = 110) -> bytes:
    """A figure as the bytes of a PNG."""
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=dpi)
    return picture.getvalue()
