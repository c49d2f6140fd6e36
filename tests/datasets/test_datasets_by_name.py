"""`snnctl.datasets.<Class>` finds a class in whichever file it is, and importing the package loads nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import snnctl.datasets
from snnctl.datasets.augment import Shift
from snnctl.datasets.datamodule import DataModule

ROOT = str(Path(__file__).resolve().parents[2])


def test_classes_by_name():
    assert snnctl.datasets.Shift is Shift and snnctl.datasets.DataModule is DataModule
    with pytest.raises(AttributeError, match="no class 'Shfit'"):
        _ = snnctl.datasets.Shfit


def test_facts_and_the_list_of_caches_are_light():
    code = (
        "import sys, snnctl.datasets, snnctl.datasets.facts\n"
        "light = [m for m in ('torch', 'numpy', 'tonic', 'numba') if m in sys.modules]\n"
        "import snnctl.datasets.cache_list\n"
        "print(light, [m for m in ('torch', 'tonic', 'lightning') if m in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": ROOT}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.split("\n")[0] == "[] []", done.stderr
