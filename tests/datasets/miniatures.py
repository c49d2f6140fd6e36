"""Small copies of tonic's data sets, written in each set's own layout on disk: two samples a class and part."""

from __future__ import annotations

import struct
import sys
import types
from pathlib import Path

import event_files as files
import h5py
import numpy as np
import scipy.io

CLASSES = (0, 1, 3)  # class numbers that are written; 3 where a set has so many
Written = dict[str, list[tuple[int, np.ndarray, Path]]]  # part: class number, events, file, in the order of the listing


def _folders(root: Path, width: int, height: int, parts: dict[str, str], names, ending: str, save) -> Written:
    """`save(path, events)` for two samples of each class in root/<part's folder>/<class name>/."""
    written: Written = {}
    for k, (part, folder) in enumerate(parts.items()):
        chosen = sorted(CLASSES, key=lambda c: names[c])
        written[part] = []
        for c in chosen:
            for sample in (0, 1):
                e = files.random_events(100 * k + 10 * c + sample, width, height)
                path = root / folder / names[c] / f"{sample:05d}{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                save(path, e)
                written[part].append((c, e, path))
    return written


def nmnist(root: Path) -> Written:
    return _folders(root / "NMNIST", 34, 34, {"train": "Train", "test": "Test"}, "0123456789", ".bin", files.atis)


def ncaltech101(root: Path) -> Written:
    """Class numbers are those of the folders that are there; every recording begins at its smallest x and y."""
    names = ["accordion", "airplanes", "", "yin_yang"]

    def cornered(path, e):
        e["x"][0] = e["y"][0] = 0  # tonic shifts each recording to the corner
        files.atis(path, e)

    made = _folders(root / "NCALTECH101", 240, 180, {"train": "Caltech101"}, names, ".bin", cornered)
    return {"train": [(c if c < 2 else 2, e, path) for c, e, path in made["train"]]}


def dvsgesture(root: Path) -> Written:
    written: Written = {}
    for k, (part, folder) in enumerate({"train": "ibmGestureTrain", "test": "ibmGestureTest"}.items()):
        written[part] = []
        for user in ("user01_fluorescent", "user02_led"):
            for c in CLASSES:
                e = files.random_events(100 * k + 10 * c + (user == "user02_led"), 128, 128, last=5_000_000)
                e["t"] -= e["t"] % 1000  # the set's files hold milliseconds
                path = root / "DVSGesture" / folder / user / f"{c}.npy"
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, np.stack([e["x"], e["y"], e["p"], e["t"] // 1000], 1))
                written[part].append((c, e, path))
    return written


def _spikes(file: h5py.File, samples: list[np.ndarray], labels: list[int], names: list[str]) -> None:
    for key, column, scale, dtype in (("spikes/times", "t", 1e-6, np.float32), ("spikes/units", "x", 1, np.uint16)):
        rows = file.create_dataset(key, (len(samples),), h5py.vlen_dtype(dtype))
        for i, e in enumerate(samples):
            rows[i] = (e[column] * scale).astype(dtype)
    file["labels"] = np.array(labels, np.uint16)
    file["extra/keys"] = np.array([n.encode() for n in names])
    file["extra/speaker"] = np.zeros(len(samples), np.uint16)


def _heidelberg(folder: Path, name: str, names: list[str]) -> Written:
    folder.mkdir(parents=True)
    written: Written = {}
    for k, part in enumerate(("train", "test")):
        labels = [3, 0, 1, 0, 1, 3]
        samples = [files.random_events(100 * k + i, 700, 1) for i in range(6)]
        for e in samples:  # times on a grid that float32 seconds hold exactly
            e["t"] = e["t"] // 15_625 * 15_625
            e["p"] = 0
        path = folder / f"{name}_{part}.h5"
        with h5py.File(path, "w") as file:
            _spikes(file, samples, labels, names)
        written[part] = [(c, e, path) for c, e in zip(labels, samples, strict=True)]
    return written


def shd(root: Path) -> Written:
    return _heidelberg(root / "SHD", "shd", ["null", "eins", "zwei", "drei"])


def ssc(root: Path) -> Written:
    return _heidelberg(root / "SSC", "ssc", ["yes", "no", "up", "down"])


def cifar10dvs(root: Path) -> Written:
    """.aedat4 by their first bytes alone, with a stand-in for their decoder: see `standin_aedat`."""

    def save(path, e):
        path.write_bytes(b"#!AER-DAT4.0\r\n" + e.tobytes())

    names = ["airplane", "automobile", "bird", "cat"]
    return _folders(root / "CIFAR10DVS", 128, 128, {"train": "."}, names, ".aedat4", save)


def standin_aedat() -> types.ModuleType:
    """A module `aedat` that decodes what `cifar10dvs` writes, in the shape of the real one's answers."""

    class Decoder:
        def __init__(self, path):
            raw = Path(path).read_bytes()[14:]
            if len(raw) % files.EVENT.itemsize:
                raise RuntimeError("failed to fill whole buffer")
            self.found = np.frombuffer(raw, files.EVENT)

        def id_to_stream(self):
            return {0: {"type": "events", "width": 128, "height": 128}, 1: {"type": "triggers"}}

        def __iter__(self):
            dtype = np.dtype(
                [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), (("p", "on"), "?")]
            )  # anew: tonic renames its fields
            e = np.empty(len(self.found), dtype)
            for name in ("t", "x", "y", "p"):
                e[name] = self.found[name]
            yield {"stream_id": 0, "events": e[:10]}
            yield {"stream_id": 1, "triggers": None}
            yield {"stream_id": 0, "events": e[10:]}

    module = types.ModuleType("aedat")
    module.Decoder = Decoder
    return module


def asldvs(root: Path) -> Written:
    def save(path, e):
        columns = {"ts": e["t"], "x": e["x"], "y": 179 - e["y"], "pol": e["p"]}  # the set's y counts from below
        scipy.io.savemat(path, {name: column.reshape(-1, 1) for name, column in columns.items()})

    return _folders(root / "ASLDVS", 240, 180, {"train": "Yin1"}, "abcdefghij", ".mat", save)


def smnist(root: Path) -> Written:
    """Images with one white pixel each; the events by the definition: thresholds crossed on the way up, then down."""
    written: Written = {}
    folder = root / "smnist"
    folder.mkdir(parents=True)
    for part, prefix in (("train", "train"), ("test", "t10k")):
        labels = [3, 0, 1, 0, 1, 3]
        images = np.zeros((6, 784), np.uint8)
        images[np.arange(6), 100 + 10 * np.arange(6)] = 255
        path = folder / f"{prefix}-images-idx3-ubyte"
        path.write_bytes(struct.pack(">IIII", 2051, 6, 28, 28) + images.tobytes())
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, 6) + bytes(labels))
        written[part] = [(c, _crossings(100 + 10 * i), path) for i, c in enumerate(labels)]
    return written


def _crossings(white: int) -> np.ndarray:
    """Up at the pixel before the white one (neurons 98 to 51), white itself (neuron 0), down after it (49 to 2)."""
    up = [((white - 1) * 1000, x, 0, 0) for x in range(51, 99)]
    return files.events(*up, (white * 1000, 0, 0, 0), *((white * 1000, x, 0, 0) for x in range(2, 50)))


def ntidigits(root: Path) -> Written:
    path = root / "NTIDIGITS18" / "n-tidigits.hdf5"
    path.parent.mkdir(parents=True)
    written: Written = {"train": [], "test": []}
    with h5py.File(path, "w") as file:
        for k, part in enumerate(written):
            names = ["man-ae-o", "man-ae-1", "man-ae-3", "man-bd-12", "woman-bd-o", "woman-bd-1", "woman-bd-z"]
            file[f"{part}_labels"] = np.array([n.encode() for n in names])
            for i, name in enumerate(names):
                e = files.random_events(100 * k + i, 64, 1)
                e["t"] = e["t"] // 15_625 * 15_625
                e["p"] = 0
                file[f"{part}_addresses/{name}"] = e["x"].astype(float)
                file[f"{part}_timestamps/{name}"] = e["t"] * 1e-6
                if (label := name.split("-")[-1]) in "o1z3":  # strings of digits are left out
                    written[part].append(({"o": 0, "1": 1, "3": 3, "z": 10}[label], e, path))
    return written


def dvslip(root: Path) -> Written:
    def save(path, e):
        np.save(path, e[["t", "x", "y", "p"]])

    parts = {"train": "DVS-Lip/train", "test": "DVS-Lip/test"}
    return _folders(root / "DVSLip", 128, 128, parts, ["accused", "action", "", "allowed"], ".npy", save)


def pokerdvs(root: Path) -> Written:
    def save(path, e):
        np.save(path, np.stack([e["t"], e["x"], e["y"], e["p"]], 1))

    parts = {"train": "pips_train", "test": "pips_test"}
    return _folders(root / "POKERDVS", 35, 35, parts, ["cl", "he", "di", "sp"], ".npy", save)


WRITERS = {
    write.__name__: write
    for write in (
        nmnist, ncaltech101, dvsgesture, shd, ssc, cifar10dvs, asldvs, smnist, ntidigits, dvslip, pokerdvs
    )
}  # fmt: skip


def with_decoder(monkeypatch) -> None:
    """Put the stand-in decoder where tonic imports the package from."""
    monkeypatch.setitem(sys.modules, "aedat", standin_aedat())
