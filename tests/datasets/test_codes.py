"""Flat pixel codes: there and back, 2 bytes where they fit, nothing from outside the sensor."""

from __future__ import annotations

import numpy as np
import pytest
from toy import events

from snnctl.datasets.codes import code_type, decode, encode, in_order, inside, planes
from snnctl.datasets.recording import EVENT
from snnctl.errors import UserError


def test_code_is_row_major():
    one = np.array([(7, 3, 2, 1)], EVENT)
    t, code = encode(one, (2, 5, 6))
    assert (t[0], code[0]) == (7, (1 * 5 + 2) * 6 + 3)
    assert encode(np.array([(7, 3, 0, 0)], EVENT), (9,))[1][0] == 3
    assert encode(np.array([(7, 3, 0, 1)], EVENT), (2, 9))[1][0] == 12


@pytest.mark.parametrize("shape", [(2, 5, 6), (2, 200, 300), (1, 1, 700), (700,), (2, 64)])
def test_there_and_back(shape):
    own = events(np.random.default_rng(0), 300, planes(shape))
    t, code = encode(own, shape)
    assert t.dtype == np.int32 and code.dtype == code_type(shape)
    assert np.array_equal(decode(t, code, shape), own)


def test_sixteen_bits_where_they_fit():
    assert code_type((2, 128, 256)) == np.uint16  # 65,536 places
    assert code_type((2, 128, 257)) == np.uint32


def test_what_lies_outside_is_left_out():
    kept = np.array([(9, 0, 0, 0), (9, 5, 4, 1)], EVENT)
    outside = np.array([(9, -1, 0, 0), (9, 6, 0, 0), (9, 0, -1, 0), (9, 0, 5, 0), (9, 0, 0, 2), (9, 0, 0, -1)], EVENT)
    early = np.array([(4, 0, 0, 0)], EVENT)
    both = np.concatenate([early, outside, kept])
    t, code = encode(both, (2, 5, 6), start=5)
    assert t.tolist() == [4, 4] and code.tolist() == [0, 59]
    assert inside(kept, (2, 5, 6)) and inside(kept[:0], (2, 5, 6))
    assert not any(inside(outside[i : i + 1], (2, 5, 6)) for i in range(len(outside)))


def test_order():
    own = events(np.random.default_rng(0), 50)
    assert in_order(own) and in_order(own[:1]) and in_order(own[:0])
    assert not in_order(own[::-1].copy())


def test_four_dimensions_are_refused():
    with pytest.raises(UserError, match="shape"):
        planes((1, 2, 3, 4))
