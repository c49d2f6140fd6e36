"""Cache keys: equal for equal content, different when a setting, an array, the code or a file changes."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from dataclasses import dataclass

import numpy as np
import tonic.transforms as tt
from toy import NpyEvents, ToyEvents, write_npy

from snnctl.datasets.fingerprint import describe, digest
from snnctl.datasets.pool import Pool


@dataclass(frozen=True)
class Mask:
    kept: np.ndarray
    name: str = "mask"


def test_equal_content_equal_text():
    for make in (lambda: Pool(3), lambda: Mask(np.arange(5)), lambda: tt.Denoise(10), lambda: {"b": [1, 2], "a": None}):
        assert describe(make()) == describe(make())
    assert describe([1, 2]) == describe((1, 2))
    things = [Pool(2), tt.Denoise(5), functools.partial(np.sum, axis=1), test_equal_content_equal_text]
    assert " at 0x" not in describe(things)


def test_every_setting_counts():
    big, other = np.zeros(10_000), np.zeros(10_000)
    other[5000] = 1  # their repr is the same
    different = [
        Pool(2), Pool(3), Pool(2, False), tt.Denoise(10), tt.Denoise(20), Mask(big), Mask(other), Mask(big, "b"),
        functools.partial(np.sum, axis=0), functools.partial(np.sum, axis=1), lambda e: e[1:], [Pool(2)], [],
    ]  # fmt: skip
    assert len({digest(thing) for thing in different}) == len(different)
    assert digest("a", "b") != digest("ab")


def test_a_changed_line_of_code_counts(tmp_path):
    sys.path.insert(0, str(tmp_path))
    path = tmp_path / "mytransform.py"
    try:
        texts = []
        for number in (1, 2):
            path.write_text(f"class Mine:\n    def __call__(self, events):\n        return events[{number}:]\n")
            os.utime(path, ns=(number, number * 10**9))
            sys.modules.pop("mytransform", None)
            importlib.invalidate_caches()
            texts.append(describe(importlib.import_module("mytransform").Mine()))
        assert texts[0] != texts[1]
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("mytransform", None)


def test_a_source_by_settings_not_by_place():
    assert ToyEvents("here").fingerprint() == ToyEvents("there").fingerprint()
    assert ToyEvents("here", n=31).fingerprint() != ToyEvents("here").fingerprint()
    assert ToyEvents("here", slow=1.0).fingerprint() == ToyEvents("here").fingerprint()  # _slow is no setting


def test_a_source_by_its_files(tmp_path):
    root = write_npy(tmp_path)
    first = NpyEvents(root).fingerprint()
    assert NpyEvents(root).fingerprint() == first
    touched = NpyEvents(root).files("train")[2]
    os.utime(touched, ns=(1, 1))
    second = NpyEvents(root).fingerprint()
    touched.unlink()
    assert len({first, second, NpyEvents(root).fingerprint()}) == 3
