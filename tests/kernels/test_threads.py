"""Ranges of jobs on our own threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.kernels import threads

MUCH = threads.ALONE


@pytest.fixture(autouse=True)
def own_number_of_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@settings(max_examples=100, deadline=None)
@given(jobs=st.integers(0, 50), count=st.integers(1, 6), work=st.sampled_from([0, MUCH - 1, MUCH, 10 * MUCH]))
def test_every_job_is_done_once(jobs, count, work):
    torch.set_num_threads(count)
    done, names = [], set()

    def kernel(first: int, stop: int) -> None:
        done.extend(range(first, stop))
        names.add(threading.current_thread().name)

    threads.run(kernel, jobs, work)
    assert sorted(done) == list(range(jobs))
    if work < MUCH or count == 1:
        assert len(names) == 1


def test_threads_run_at_the_same_time():
    torch.set_num_threads(2)
    barrier = threading.Barrier(2, timeout=20)
    threads.run(lambda first, stop: barrier.wait() and None, 2, MUCH)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_error_is_raised_when_all_have_ended(failing):
    torch.set_num_threads(3)
    ended = []

    def kernel(first: int, stop: int) -> None:
        if first == failing:
            raise ZeroDivisionError(first)
        time.sleep(0.1)
        ended.append(first)

    with pytest.raises(ZeroDivisionError):
        threads.run(kernel, 3, MUCH)
    assert sorted(ended) == sorted({0, 1, 2} - {failing})
    ended.clear()
    failing = 9
    threads.run(kernel, 3, MUCH)
    assert len(ended) == 3


def test_more_threads_than_before():
    for count in (2, 5, 3):
        torch.set_num_threads(count)
        barrier = threading.Barrier(count, timeout=20)
        threads.run(lambda first, stop, barrier=barrier: barrier.wait() and None, count, MUCH)


def test_several_callers_at_once():
    torch.set_num_threads(2)
    results: dict[int, list] = {k: [] for k in range(4)}

    def call(k: int) -> None:
        for _ in range(50):
            threads.run(lambda first, stop: results[k].extend(range(first, stop)), 7, MUCH)

    callers = [threading.Thread(target=call, args=(k,)) for k in results]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert all(sorted(r) == sorted(list(range(7)) * 50) for r in results.values())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_a_forked_child_has_threads_of_its_own():
    torch.set_num_threads(2)
    threads.run(lambda first, stop: None, 2, MUCH)
    assert threads._pool is not None
    child = os.fork()
    if child == 0:
        code = 1
        try:
            barrier = threading.Barrier(2, timeout=20)
            threads.run(lambda first, stop: barrier.wait() and None, 2, MUCH)
            code = 0
        finally:
            os._exit(code)
    deadline = time.monotonic() + 60
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.05)
    if ended == (0, 0):
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert ended == (child, 0)


NESTED = """
import torch
from snnctl.kernels import threads
torch.set_num_threads(2)
done = []
inner = lambda first, stop: done.extend(range(first, stop))
threads.run(lambda first, stop: threads.run(inner, 2, threads.ALONE), 2, threads.ALONE)
print(sorted(done))
"""


def test_a_call_inside_a_call_does_not_wait_for_itself():
    process = subprocess.Popen([sys.executable, "-c", NESTED], stdout=subprocess.PIPE, text=True)
    try:
        assert process.communicate(timeout=15)[0] == "[0, 0, 1, 1]\n"
    finally:
        process.kill()
        process.wait()
