"""Pooling of events and of values."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.datasets.codes import encode
from snnctl.datasets.pool import Pool
from snnctl.datasets.recording import EVENT
from snnctl.errors import UserError


def test_events_keep_their_number_but_for_the_ragged_edge():
    own = np.array([(0, 0, 0, 0), (1, 1, 1, 0), (2, 2, 3, 1), (3, 4, 0, 0)], EVENT)  # x = 4 of a width of 5 is ragged
    t, code = encode(Pool(2)(own.copy()), Pool(2).shape((2, 4, 5)))
    assert t.tolist() == [0, 1, 2] and code.tolist() == [0, 0, (1 * 2 + 1) * 2 + 1]
    merged = Pool(2, polarity=False)
    t, code = encode(merged(own.copy()), merged.shape((2, 4, 5)))
    assert code.tolist() == [0, 0, 3]


def test_values_are_averaged():
    image = np.array([[0, 51, 9], [102, 255, 9], [9, 9, 9]], np.uint8)[None, None]
    np.testing.assert_allclose(Pool(2)(image), np.full((1, 1, 1, 1), (0 + 0.2 + 0.4 + 1) / 4), rtol=1e-6)
    colours = np.stack([np.full((2, 2), 1.0), np.full((2, 2), 3.0)])[None].astype(np.float32)
    assert Pool(2, polarity=False)(colours).tolist() == [[[[2.0]]]]


def test_shapes():
    assert Pool(4).shape((2, 34, 34)) == (2, 8, 8)
    assert Pool(2).shape((700,)) == (350,)
    assert Pool(2).shape((2, 64)) == (2, 32)
    with pytest.raises(UserError, match="leaves nothing"):
        Pool(40).shape((2, 34, 34))
    with pytest.raises(UserError, match="kernel"):
        Pool(0)
