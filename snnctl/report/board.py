"""Pictures and distributions in a run's tensorboard, beside what the logger writes there."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import lightning


class Board:
    """A writer of event files.

    Args:
        writer: torch's SummaryWriter.
    """

    def __init__(self, writer: Any):
        self.writer = writer

    @classmethod
    def of(cls, trainer: lightning.Trainer) -> Board | None:
        """That of the trainer's tensorboard logger; None where it has none."""
        from lightning.pytorch.loggers import TensorBoardLogger

        logger = next((each for each in trainer.loggers if isinstance(each, TensorBoardLogger)), None)
        return None if logger is None else cls(logger.experiment)

    @classmethod
    def beside(cls, run: Path) -> Board | None:
        """That of a finished run's folder; None where it was trained without tensorboard, or that is not installed."""
        folder = Path(run) / "tensorboard"
        if not folder.is_dir():
            return None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ModuleNotFoundError:
            return None
        return cls(SummaryWriter(str(folder)))

    def picture(self, name: str, picture: bytes, epoch: int) -> None:
        """Add a PNG or GIF as it is, so that what moves keeps moving."""
        from PIL import Image
        from tensorboard.compat.proto.summary_pb2 import Summary

        wide, high = Image.open(BytesIO(picture)).size
        image = Summary.Image(height=high, width=wide, colorspace=3, encoded_image_string=picture)
        self.writer.file_writer.add_summary(Summary(value=[Summary.Value(tag=name, image=image)]), epoch)

    def histogram(self, name: str, values: np.ndarray, epoch: int) -> None:
        """Add the distribution of values of any shape; what is not finite is left out."""
        finite = values[np.isfinite(values)]
        if finite.size:
            self.writer.add_histogram(name, finite, epoch)

    def flush(self) -> None:
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()
