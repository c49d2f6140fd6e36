"""The loader: order and draws by address, any number of workers, any number of processes, resumable in mid-epoch."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from toy import ToyEvents

from snnctl.datasets import loader as loader_module
from snnctl.datasets.augment import DropEvents, Shift
from snnctl.datasets.datamodule import DataModule
from snnctl.datasets.loader import Loader
from snnctl.errors import UserError

HERE = Path(__file__).parent


@pytest.fixture
def module(tmp_path):
    def make(**options):
        augment = [Shift(1), DropEvents(0.2)]
        defaults = {"steps": 5, "batch_size": 4, "cache": tmp_path, "seed": 1, "augment": augment}
        made = DataModule(ToyEvents, **(defaults | options))
        made.setup()
        return made

    return make


def content(batches):
    return [(b.index.tolist(), b.target.tolist(), b.x.flatten().tolist()) for b in batches]


def test_epochs_differ_and_repeat(module):
    loader = module().train_dataloader()
    epochs = []
    for epoch in (0, 1, 0):
        loader.sampler.set_epoch(epoch)
        epochs.append(content(loader))
    assert epochs[0] == epochs[2] != epochs[1]
    seen = sorted(i for index, *_ in epochs[1] for i in index)
    assert seen == sorted(loader.index.tolist()) and len(epochs[0]) == len(loader) == 7  # 27 samples
    assert content(module(seed=2, augment=()).train_dataloader()) != content(module(augment=()).train_dataloader())


def test_augmentation_is_the_samples_own_whatever_the_batches(module):
    def by_index(loader):
        return {int(i): b.x[:, k] for b in loader for k, i in enumerate(b.index)}

    small, large = by_index(module(batch_size=3).train_dataloader()), by_index(module(batch_size=9).train_dataloader())
    assert all(torch.equal(small[i], large[i]) for i in small)
    plain = by_index(module().loader("train"))
    assert any(not torch.equal(small[i], plain[i]) for i in small)


def test_evaluation_does_not_augment_and_knows_no_epoch(module):
    loader = module().val_dataloader()
    first = content(loader)
    loader.sampler.set_epoch(5)
    assert content(loader) == first
    assert [i for index, *_ in first for i in index] == module().split["val"]


def test_workers_change_nothing(module):
    made = module()
    expected = content(made.train_dataloader())
    made.num_workers = 2
    before = torch.random.get_rng_state()
    loader = made.train_dataloader()
    assert content(loader) == expected
    loader.sampler.set_epoch(1)
    second = content(loader)  # the same workers go on
    assert torch.equal(torch.random.get_rng_state(), before)  # dropout must not depend on the number of workers
    made.num_workers = 0
    again = made.train_dataloader()
    again.sampler.set_epoch(1)
    assert content(again) == second


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_the_batch_made_ahead_on_a_thread_changes_nothing(module, threads):
    threads(1)
    expected = content(module().train_dataloader())
    threads(2)
    loader = module().train_dataloader()
    made, gather = [], loader.batches.gather

    def gathered(epoch, cut):
        made.append(threading.current_thread().name)
        return gather(epoch, cut)

    loader.batches.gather = gathered
    batches = iter(loader)
    first = content([next(batches)])
    assert loader.state_dict()["batch"] == 1 and len(made) <= 2
    assert first + content(batches) == expected
    assert {name.rpartition("_")[0] for name in made} == {"snnctl-loader"}


def test_an_epoch_that_is_broken_off_leaves_no_thread(module, threads):
    threads(2)
    batches = iter(module().train_dataloader())
    next(batches)
    batches.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("snnctl-loader")]


def test_counts_batches_handed_out(module):
    loader = module().train_dataloader()
    assert loader.state_dict() == {"epoch": 0, "batch": 0}
    assert [loader.state_dict()["batch"] for _ in loader] == [1, 2, 3, 4, 5, 6, 7]
    assert loader.state_dict() == {"epoch": 0, "batch": 0}


@pytest.mark.parametrize("workers", [0, 1])
def test_goes_on_in_mid_epoch(module, workers):
    made = module()
    whole = made.train_dataloader()
    whole.set_epoch(3)
    expected = content(whole)
    broken = made.train_dataloader()
    broken.set_epoch(3)
    iterator = iter(broken)
    for _ in range(3):
        next(iterator)
    state = broken.state_dict()
    assert state == {"epoch": 3, "batch": 3}

    made.num_workers = workers
    resumed = made.train_dataloader()
    resumed.load_state_dict(state)
    resumed.set_epoch(3)  # as Lightning does, before it iterates
    assert content(resumed) == expected[3:]
    assert len(content(resumed)) == 7  # the next time it begins at the beginning


def test_a_state_of_another_epoch_or_a_finished_one_is_no_start(module):
    loader = module().train_dataloader()
    loader.load_state_dict({"epoch": 3, "batch": 7})
    loader.set_epoch(4)
    assert len(content(loader)) == 7
    iterator = iter(loader)
    next(iterator)
    assert len(content(loader)) == 7  # broken off, then iterated anew
    loader.load_state_dict({"epoch": 4, "batch": 2})
    next(iter(loader))
    assert len(content(loader)) == 7  # a state is gone on from once


def test_epoch_is_read_when_the_first_batch_is_asked_for(module):
    loader = module().train_dataloader()
    loader.set_epoch(2)
    expected = content(loader)
    loader.set_epoch(0)
    iterator = iter(loader)
    loader.set_epoch(2)
    assert content(iterator) == expected


@pytest.mark.parametrize("world", [2, 3, 4])
@pytest.mark.parametrize("shuffle", [True, False])
def test_processes_share_an_epoch(monkeypatch, world, shuffle):
    seen, lengths = [], []
    for rank in range(world):
        monkeypatch.setattr(loader_module, "_place", lambda rank=rank: (rank, world))
        loader = Loader(None, np.arange(30, 61), 4, shuffle=shuffle, seed=1)
        own = loader.order(2)
        seen.append(own.tolist())
        lengths.append(len(loader))
        assert len(loader) == -(-len(own) // 4)
    merged = [i for own in seen for i in own]
    assert set(merged) == set(range(30, 61))
    if shuffle:  # equally many each, the order wrapped around
        assert len({len(own) for own in seen}) == len(set(lengths)) == 1 and len(merged) - 31 < world
    else:  # each sample once
        assert len(merged) == 31


def test_no_samples(module):
    loader = Loader(module().loader("train").batches, [], 4, shuffle=True)
    assert len(loader) == 0 and list(loader) == []


def test_survives_pickling(module):
    made = module(num_workers=1)
    loader = made.train_dataloader()
    expected = content(loader)
    assert content(pickle.loads(pickle.dumps(loader))) == expected


class Refuses:
    def __call__(self, events):
        raise UserError("this sample is refused", "take another")


@pytest.mark.parametrize(("workers", "count"), [(0, 1), (0, 2), (1, 1)])
def test_a_users_error_in_a_worker_or_thread_stays_one(module, threads, workers, count):
    threads(count)
    with pytest.raises(UserError) as caught:
        list(module(augment=[Refuses()], num_workers=workers).train_dataloader())
    assert (caught.value.problem, caught.value.hint) == ("this sample is refused", "take another")


AFTER_TRAINING = """
import sys
sys.path.insert(0, sys.argv[2])
import numba, numpy as np, torch
from toy import ToyEvents
from snnctl.datasets.augment import Shift
from snnctl.datasets.batches import EventBatches
from snnctl.datasets.binning import Bins
from snnctl.datasets.cache import open_or_build
from snnctl.datasets.loader import Loader

@numba.njit(parallel=True)
def parallel(a):
    for i in numba.prange(a.size):
        a[i] += 1

torch.set_num_threads(2)
weight = torch.randn(300, 300, requires_grad=True)
(torch.randn(300, 300) @ weight).relu().sum().backward()
parallel(np.zeros(10_000))
source = ToyEvents()
part = open_or_build(source, where=sys.argv[1])["train"]
for layout in ("frames", "events"):
    batches = EventBatches(part, source.parts()["train"], source.shape, Bins(20_000, 1, 5), layout, [Shift(1)])
    loader = Loader(batches, range(30), 4, shuffle=True, num_workers=2)
    print(sum(len(batch.target) for batch in loader), flush=True)
    parallel(np.zeros(10_000))
"""


def test_workers_forked_after_parallel_kernels_do_not_hang(tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONPATH": str(HERE.parent.parent)}
    command = [sys.executable, "-c", AFTER_TRAINING, tmp_path, HERE]
    done = subprocess.run(command, env=environment, timeout=90, capture_output=True, text=True)
    assert done.stdout.split() == ["30", "30"], done.stderr[-2000:]


TRAINS = """
import sys
from toy import ToyEvents
from snnctl.datasets.datamodule import DataModule
made = DataModule(ToyEvents, steps=5, batch_size=1, cache=sys.argv[1], num_workers=2)
made.setup()
loader = made.train_dataloader()
batches = iter(loader)
next(batches)
print(*(worker.pid for worker in loader._workers._iterator._workers), flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux to end the workers")
def test_a_killed_training_leaves_no_workers(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", TRAINS, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(HERE)}, text=True,
    )  # fmt: skip
    workers = [Path("/proc") / pid for pid in process.stdout.readline().split()]
    assert len(workers) == 2 and all(worker.exists() for worker in workers)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 3  # torch's own watch on the parent looks every 5 s, where a worker listens at all
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, workers))


def alive(process: Path) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return "State:\tZ" not in (process / "status").read_text()
    except OSError:
        return False
