"""What malloc keeps, seen as page faults."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FAULTS = """
import resource
import sys
import numpy as np
from snnctl.allocator import keep_freed_memory

print(keep_freed_memory() if sys.argv[1] == "kept" else "left")

def step():
    arrays = [np.full(750_000, 1.0, np.float32) for _ in range(4)]  # 3 MB each, 732 pages

for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str, **environment: str) -> tuple[str, int]:
    names = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, how], env={**names, **environment}, capture_output=True, text=True, check=True
    )
    said, count = done.stdout.split()
    return said, int(count)


@pytest.mark.skipif(sys.platform != "linux", reason="malloc is glibc's on Linux")
def test_freed_arrays_are_used_again():
    said, count = faults("left")
    assert said == "left" and count > 20 * 732  # of 20 * 4 * 732 = 58,560 at most
    said, count = faults("kept")
    assert said == "True" and count < 732


def test_a_malloc_that_the_user_has_set_up_is_left_alone():
    said, _ = faults("kept", MALLOC_TRIM_THRESHOLD_="65536")
    assert said == "False"
