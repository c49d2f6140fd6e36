"""tonic's data set classes, opened without their downloads: what they want where, and labels without events."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from snnctl.datasets.located import Archive
from snnctl.errors import UserError, did_you_mean


class Wanted(NamedTuple):
    """What a tonic class looks for on disk.

    Args:
        path: the folder of recordings, or the one file that holds all.
        archives: what its publisher offers for this part; empty where nothing is offered.
    """

    path: Path
    archives: list[Archive]


@dataclass
class Opened:
    """One part of a data set, in an order that does not depend on the file system.

    Args:
        dataset: tonic's own; `dataset[order[i]]` is our sample i.
        order: (n,) int64.
        labels: (n,) int64 class numbers, or str class names.
        names: class names in order of their number; () where the class does not tell.
        files: what is read; one file a sample in our order, or the few files that hold all.
    """

    dataset: object
    order: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    files: list[Path]


class _Asked(Exception):
    def __init__(self, dataset):
        super().__init__()
        self.dataset = dataset


def tonic_class(name: str) -> type:
    """The class of `tonic.datasets` called `name`.

    Raises:
        UserError: there is none.
    """
    import tonic.datasets

    if name not in tonic.datasets.__all__:
        raise UserError(f"tonic has no data set {name!r}", did_you_mean(name, tonic.datasets.__all__))
    return getattr(tonic.datasets, name)


def wanted(cls: type, root: Path, options: dict) -> Wanted:
    """What tonic's class looks for, taken from the class itself at the moment it would check the disk.

    Args:
        cls: a class of tonic.datasets.
        root: the folder above the set's own.
        options: the arguments of its constructor that choose the part.
    """

    def asked(self):
        raise _Asked(self)

    probe = type(cls.__name__, (cls,), {"_check_exists": asked})  # same name: tonic names the folder after the class
    try:
        probe(str(root), **options)
    except _Asked as stop:
        ds = stop.dataset
    else:
        raise RuntimeError(f"tonic.datasets.{cls.__name__} no longer calls _check_exists")
    place = Path(ds.location_on_system)
    if hasattr(ds, "images_file"):  # SMNIST
        pairs = ((ds.images_file, ds.images_md5), (ds.labels_file, ds.labels_md5))
        offers = [Archive(f"{ds.base_url}{f}.gz", place / f"{f}.gz", f"md5:{md5}") for f, md5 in pairs]
        return Wanted(place / ds.images_file, offers)
    url = getattr(ds, "url", "")
    manual = "drive.google.com" in url
    packed = not ds.filename.endswith(("hdf5", "h5"))
    offers = [Archive(url, place / ds.filename, f"md5:{ds.file_md5}", manual, packed)] if url else []
    name = getattr(ds, "data_filename", None)  # SHD, SSC: the one file; CIFAR10DVS: a list of archives
    if packed and not (isinstance(name, str) and name.endswith(".h5")):
        return Wanted(place / ds.folder_name, offers)
    return Wanted(place / (name if packed else ds.filename), offers)


def open_part(cls: type, root: Path, options: dict) -> Opened:
    """tonic's data set of one part, whatever number of files lies there; it never starts a download.

    Raises:
        UserError: the folder is not laid out as tonic expects, or the file that holds all is damaged.
    """

    def never(self):
        raise RuntimeError("tonic must not download here")

    quiet = {"_check_exists": lambda self: True, "download": never}
    try:
        ds = type(cls.__name__, (cls,), quiet)(str(root), **options)
    except (UserError, MemoryError):
        raise
    except Exception as error:  # a stranger's layout or a damaged file: tonic raises whatever comes
        place = wanted(cls, root, options).path
        raise UserError(
            f"{place}: tonic.datasets.{cls.__name__} cannot open it: {type(error).__name__}: {error}",
            "a damaged file, or a folder that is not laid out as the publisher's archive is",
        ) from error
    return _LISTING.get(cls.__name__, _of_files)(ds, wanted(cls, root, options).path)


def _of_files(ds, place: Path) -> Opened:
    """One file a recording: labels from the list that the class makes of the folders' names."""
    classes = getattr(ds, "classes", ())
    names = tuple(str(name) for name in classes)
    labels = np.array(ds.targets if len(ds.targets) else [], dtype=None if _named(ds.targets) else np.int64)
    if _named(ds.targets) and not names:
        names = tuple(sorted(set(ds.targets)))
    if not all(
        isinstance(path, str) for path in ds.data
    ):  # POKERDVS: all arrays are read at once, in the order of this walk
        paths = [Path(path, f) for path, _, files in os.walk(place) for f in sorted(files) if f.endswith("npy")]
    else:
        paths = [Path(path) for path in ds.data]
    order = np.array(sorted(range(len(paths)), key=lambda i: paths[i].parts), dtype=np.int64)
    return Opened(ds, order, labels[order], names, [paths[i] for i in order])


def _of_hdf5(ds, place: Path) -> Opened:
    """SHD and SSC: one HDF5 file with labels and class names."""
    import h5py

    with h5py.File(place, "r") as file:
        labels = file["labels"][()].astype(np.int64)
        names = tuple(n.decode() if isinstance(n, bytes) else str(n) for n in file["extra/keys"][()])
    return Opened(ds, np.arange(len(labels)), labels, names, [place])


def _of_digits(ds, place: Path) -> Opened:
    """N-TIDIGITS18: the label is the last part of a sample's name."""
    if not ds.single_digits:
        raise UserError("NTIDIGITS18 with whole digit strings is no classification", "options: {single_digits: true}")
    labels = np.array([ds.class_map[sample.split("-")[-1]] for sample in ds._samples], dtype=np.int64)
    return Opened(ds, np.arange(len(labels)), labels, tuple(ds.class_map), [place])


def _of_idx(ds, place: Path) -> Opened:
    """SMNIST: two idx files."""
    labels = ds.label_data.astype(np.int64)
    names = tuple(str(name) for name in ds.classes)
    return Opened(ds, np.arange(len(labels)), labels, names, [place, place.with_name(ds.labels_file)])


def _named(targets) -> bool:
    return bool(len(targets)) and isinstance(targets[0], str)


_LISTING = {"SHD": _of_hdf5, "SSC": _of_hdf5, "NTIDIGITS18": _of_digits, "SMNIST": _of_idx}
