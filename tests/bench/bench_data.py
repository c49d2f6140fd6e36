"""The event data path against tonic's, on real N-MNIST recordings: microseconds a sample, ratios within a round.

    python tests/bench/bench_data.py [--root ../shared/data/nmnist-1k] [--n 512] [--rounds 7] [--workers 0 2] [--json F]

Every path yields the same batches, checked before timing: float32 (T, B, P, H, W) counts of T = 20 equal bins, B = 32,
shuffled. tonic's go through a torch DataLoader and are cast and transposed as a user must, its frames cached as int16
(as it makes them) and as uint8. A round runs every path once, in rotated order (a path that takes less than 0.1 s as
often as fills it); a ratio is taken within a round; the median ratio is quoted. "First epoch" fills the cache.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import tonic
import tonic.io
import torch
from tonic.transforms import ToFrame
from torch.utils.data import DataLoader, Dataset

from snnctl.datasets.augment import Shift
from snnctl.datasets.datamodule import DataModule
from snnctl.datasets.tonic_sets import TonicSet

T, B, SENSOR = 20, 32, (34, 34, 2)
RAW = np.dtype([("x", int), ("y", int), ("t", int), ("p", int)])
BASE = "tonic DiskCached"


class Recordings(Dataset):
    """tonic's reader and ToFrame on the files of N-MNIST, as tonic's own NMNIST class calls them."""

    def __init__(self, files, labels, dtype=np.int16):
        self.files, self.labels, self.dtype = files, labels, dtype
        self.frames = ToFrame(sensor_size=SENSOR, n_time_bins=T)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        frames = self.frames(tonic.io.read_mnist_file(self.files[i], dtype=RAW))
        return frames.astype(self.dtype, copy=False), int(self.labels[i])


def tonic_batches(dataset, workers=0, shuffle=True):
    """Batches as a training loop wants them: time first, float32."""
    for frames, target in DataLoader(dataset, batch_size=B, shuffle=shuffle, num_workers=workers):
        yield frames.transpose(0, 1).float(), target


def our_module(root, cache, n, **options):
    """Our data module on the first n recordings of every path's list."""
    source = partial(TonicSet, tonic="NMNIST", shape=(2, 34, 34), parts={"train": {"train": True}}, classes=10)
    made = DataModule(source, root=root, steps=T, batch_size=B, binning="per_sample", cache=cache, **options)
    count = len(made.source.parts()["train"])
    chosen = np.random.default_rng(0).permutation(count)[:n].tolist()
    made.load_split({"train": chosen})
    return made, chosen


def seconds(batches) -> tuple[float, int]:
    """Time and number of samples of one pass."""
    begin, count = time.perf_counter(), 0
    for batch in batches:
        count += len(batch[1])
    return time.perf_counter() - begin, count


def compare(root: Path, n: int, rounds: int, workers=(0,)) -> list[dict]:
    """Time every path; returns a row a path: name, us a sample, times faster than tonic's DiskCachedDataset loader."""
    scratch = Path(tempfile.mkdtemp(prefix="bench_data_"))
    try:
        return _compare(root, n, rounds, workers, scratch)
    finally:
        shutil.rmtree(scratch)


def _compare(root, n, rounds, workers, scratch):
    module, chosen = our_module(root, scratch / "ours", n)
    files, labels = module.source.files("train"), module.source.parts()["train"]
    files, labels = [files[i] for i in chosen], labels[chosen]
    rows, plain = [], Recordings(files, labels)
    small = Recordings(files, labels, np.uint8)
    cached = {
        name: tonic.DiskCachedDataset(dataset, cache_path=str(scratch / str(number)), compress=compress)
        for number, (name, dataset, compress) in enumerate(
            [
                (BASE, plain, True),
                ("tonic DiskCached, uncompressed", plain, False),
                ("tonic DiskCached, uint8", small, True),
                ("tonic DiskCached, uint8, uncompressed", small, False),
            ]
        )
    }
    module.setup()  # compiles the kernels, which a first epoch on a user's machine does once and for all
    list(module.loader("train"))
    shutil.rmtree(scratch / "ours")
    for name, dataset in cached.items():
        spent, count = seconds(tonic_batches(dataset, shuffle=False))
        rows.append({"path": f"{name}, first epoch", "us": 1e6 * spent / count})
    begin = time.perf_counter()
    module, _ = our_module(root, scratch / "ours", n)
    module.setup()
    spent = time.perf_counter() - begin + seconds(module.loader("train"))[0]
    parts = len(module.source.parts()["train"])  # the whole part is cached, not the subset alone
    rows.append({"path": f"snnctl, first epoch (caches all {parts})", "us": 1e6 * spent / parts})

    expected = next(iter(tonic_batches(plain, shuffle=False)))
    for name, dataset in cached.items():
        assert torch.equal(next(iter(tonic_batches(dataset, shuffle=False)))[0], expected[0]), name
    for layout in ("frames", "events"):
        module.layout = layout
        ours = next(iter(module.loader("train")))
        dense = ours.x.dense() if layout == "events" else ours.x
        assert torch.equal(dense, expected[0]) and dense.dtype == expected[0].dtype, layout
        assert torch.equal(ours.target, expected[1])

    jobs = {"tonic read + ToFrame": partial(tonic_batches, plain)}
    jobs |= {name: partial(tonic_batches, dataset) for name, dataset in cached.items()}
    for count in workers:
        tail = f", {count} workers" if count else ""
        if count:
            jobs[BASE + tail] = partial(tonic_batches, cached[BASE], count)
        options = {"num_workers": count}
        for name, layout, more, train in (
            ("snnctl", "frames", {}, True),
            ("snnctl, event list", "events", {}, True),
            ("snnctl, shifts drawn anew", "frames", {"augment": [Shift(2)]}, True),
        ):
            made, _ = our_module(root, scratch / "ours", n, layout=layout, **options, **more)
            made.setup()
            jobs[name + tail] = partial(iter, made.loader("train", train))
    return rows + _interleaved(jobs, rounds)


def _interleaved(jobs, rounds):
    times = {name: [] for name in jobs}
    passes = {name: max(1, round(0.1 / seconds(job())[0])) for name, job in jobs.items()}
    for number in range(rounds):
        names = list(jobs)
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            spent, count = seconds(chain.from_iterable(jobs[name]() for _ in range(passes[name])))
            times[name].append(spent / count)
    rows = []
    for name, own in times.items():
        ratio = statistics.median(b / o for b, o in zip(times[BASE], own, strict=True))
        rows.append({"path": name, "us": 1e6 * statistics.median(own), "ratio": ratio})
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "nmnist-1k"
    parser.add_argument("--root", type=Path, default=default, help="folder that holds NMNIST/Train")
    parser.add_argument("--n", type=int, default=512, help="recordings")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--workers", type=int, nargs="*", default=[0])
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    rows = compare(chosen.root, chosen.n, chosen.rounds, chosen.workers)
    print(f"{'path':50s}{'us a sample':>12s}{'x tonic DiskCached loader':>28s}")
    for row in rows:
        print(f"{row['path']:50s}{row['us']:12.1f}" + (f"{row['ratio']:28.2f}" if "ratio" in row else ""))
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
