from __future__ import annotations

from dataclasses import replace

import pytest

from snnctl.benchmarks.cases import CASES
from snnctl.benchmarks.contest import FLOOR
from snnctl.benchmarks.memory import peak
from snnctl.errors import RunFailed


def test_the_peak_is_that_of_the_arrays_in_use():
    case = replace(CASES["lif"], shape=(4096,), widths=(4096,), batch=8)  # 12.5 MB an array; the floor fills two
    assert 24 < peak(case, FLOOR, threads=1) < 36


def test_a_contestant_that_fails_is_an_error_in_one_line(tmp_path, tiny):
    (tmp_path / "bad.py").write_text('"""pip install x"""\n\n\ndef lif(case):\n    raise ValueError("too bad")\n')
    with pytest.raises(RunFailed, match="ValueError: too bad"):
        peak(tiny("lif"), "bad", 1, tmp_path / "bad.py")
