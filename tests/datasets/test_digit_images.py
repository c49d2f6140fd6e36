"""The embedded digits as images: those that the events are made of, in the same split."""

from __future__ import annotations

import numpy as np

from snnctl.datasets.digit_images import DigitImages
from snnctl.datasets.digits import Digits


def test_images_are_those_of_the_events():
    images, events = DigitImages("unused"), Digits("unused")
    assert {k: v.tolist() for k, v in images.parts().items()} == {k: v.tolist() for k, v in events.parts().items()}
    first = images.read("test", 0)
    assert first.values.shape == (1, 1, 28, 28)
    assert first.values.dtype == np.uint8
    digit = images._images[int(events._digits["test"][0])]
    assert np.array_equal(first.values[0, 0], np.rint(255 * digit).astype(np.uint8))
    assert first.values.max() > 200
