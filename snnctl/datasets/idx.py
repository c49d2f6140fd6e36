"""Images in idx files, the format of MNIST and of the sets made in its likeness."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from snnctl.datasets.formats.magic import refuse
from snnctl.datasets.formats.validity import REMEDY
from snnctl.datasets.located import LocatedSource
from snnctl.datasets.recording import Recording
from snnctl.errors import UserError

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path) -> np.ndarray:
    """The array of an idx file, plain or .gz.

    Header: two zero bytes, the type of the numbers, the number of dimensions, each dimension as a big-endian uint32.

    Raises:
        UserError: no idx file, truncated, longer than its header says, or a damaged .gz.

    Source: LeCun, Cortes, Burges, THE MNIST DATABASE, yann.lecun.com/exdb/mnist.
    """
    path = Path(path)
    raw = path.read_bytes()
    if path.suffix.lower() == ".gz" or raw.startswith(b"\x1f\x8b"):
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(f"{path}: truncated or corrupt: {error}", REMEDY) from error
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in TYPES or not raw[3]:
        raise refuse(path, "an idx file", raw[:16])
    begin = 4 + 4 * raw[3]
    if len(raw) < begin:
        raise UserError(f"{path}: truncated inside its header", REMEDY)
    shape = tuple(int(n) for n in np.frombuffer(raw[4:begin], ">u4"))
    dtype = np.dtype(TYPES[raw[2]])
    expected = begin + dtype.itemsize * int(np.prod(shape, dtype=object))
    if len(raw) != expected:
        raise UserError(f"{path}: truncated or corrupt: {len(raw)} bytes, by its header {expected}", REMEDY)
    return np.frombuffer(raw, dtype, offset=begin).reshape(shape)


class IdxImages(LocatedSource):
    """Still images with labels in idx files.

    Args:
        root: the folder of data sets.
        name: as of its YAML.
        folders: where to look, under root or absolute; the first that holds all files counts.
        files: {part: [images, labels]}, names without .gz; either is read.
        shape: of an image, [C, H, W].
        classes: names in order.
        fetch: see `LocatedSource`.
        hint: see `LocatedSource`.

    Raises:
        UserError: not there, damaged, images of another size, or labels that do not fit.
    """

    kind = "frames"

    def __init__(
        self,
        root: str | Path,
        name: str,
        folders: Sequence[str],
        files: Mapping[str, Sequence[str]],
        shape: Sequence[int],
        classes: Sequence[str],
        fetch: Iterable[Mapping] = (),
        hint: str = "",
    ):
        super().__init__(root, name, fetch, hint)
        self.shape = tuple(shape)
        self.classes = tuple(str(c) for c in classes)
        self._folders = [str(f) for f in folders]
        self._names = {str(part): tuple(pair) for part, pair in files.items()}
        self._loaded: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_loaded": {}}

    def parts(self) -> dict[str, np.ndarray]:
        """The labels."""
        return {part: self._load(part)[1] for part in self._names}

    def read(self, part: str, i: int) -> Recording:
        """Image `i` as one row of values, uint8."""
        image = self._load(part)[0][i]
        return Recording(values=image.reshape(1, *self.shape), stop=0, period=0.0)

    def files(self, part: str) -> list[Path]:
        """The file of images and that of labels."""
        folder = self._folder()
        if folder is None:
            raise self.missing()
        return [_plain_or_gz(folder / name) for name in self._names[part]]

    def where(self, part: str, i: int) -> str:
        """The file of images, and the image's number in it."""
        return f"{self.files(part)[0]} image {i}"

    def there(self) -> bool:
        """Whether one folder holds all files."""
        return self._folder() is not None

    def looked(self) -> list[Path]:
        """The folders."""
        return [self.root / folder for folder in self._folders]

    def _folder(self) -> Path | None:
        names = [name for pair in self._names.values() for name in pair]
        return next((f for f in self.looked() if all(_plain_or_gz(f / name) for name in names)), None)

    def _load(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        if part not in self._loaded:
            paths = self.files(part)
            images, labels = (read_idx(path) for path in paths)
            pixels = self.shape if self.shape[0] > 1 else self.shape[1:]
            if images.dtype != np.uint8 or images.shape[1:] not in (pixels, self.shape):
                told = f"images of {'x'.join(map(str, images.shape[1:]))}, {images.dtype}"
                raise UserError(f"{paths[0]}: {told}", f"expected {'x'.join(map(str, pixels))}, uint8")
            if labels.shape != images.shape[:1]:
                raise UserError(f"{paths[1]}: {labels.size} labels for {len(images)} images", "they are not of one set")
            if labels.size and not 0 <= labels.min() <= labels.max() < len(self.classes):
                raise UserError(
                    f"{paths[1]}: labels {labels.min()} to {labels.max()}", f"there are {len(self.classes)} classes"
                )
            self._loaded[part] = images, labels.astype(np.int64)
        return self._loaded[part]


def _plain_or_gz(path: Path) -> Path | None:
    return next((p for p in (path, path.with_name(path.name + ".gz")) if p.is_file()), None)
