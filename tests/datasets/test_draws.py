"""Addressed randomness: the same address, the same draws; any other address, others."""

from __future__ import annotations

import itertools

import numpy as np

from snnctl.datasets.draws import generator, uniforms


def test_one_address_one_stream():
    first = generator(1, 2, 3, "augment").random(5)
    assert np.array_equal(first, generator(1, 2, 3, "augment").random(5))
    # the stream is part of what makes a run reproducible: it must not change between versions
    np.testing.assert_allclose(first[:3], FIRST, rtol=1e-15)


FIRST = [0.7910355336665476, 0.16541321488773564, 0.0337737577038858]


def test_every_part_of_the_address_counts():
    addresses = itertools.product((0, 1, 2**40), (0, 1, 7), (-1, 0, 1), ("order", "augment"))
    draws = [tuple(generator(*address).integers(0, 2**63, 2)) for address in addresses]
    assert len(set(draws)) == len(draws)


def test_draws_of_one_sample_do_not_move_anothers():
    _ = generator(0, 0, 4, "augment").random(1000)
    after = generator(0, 0, 5, "augment").random(3)
    assert np.array_equal(after, generator(0, 0, 5, "augment").random(3))


def test_draws_are_uniform():
    first = np.array([generator(0, 0, i, "augment").random() for i in range(2000)])
    assert abs(first.mean() - 0.5) < 0.02
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.07


def test_many_at_once_are_those_of_each_generator():
    index = np.concatenate([np.arange(300), np.random.default_rng(0).integers(0, 2**40, 100), [2**62]])
    for seed, epoch in ((0, 0), (1, 7), (-5, 2**33), (2**63 + 11, 1)):
        expected = [generator(seed, epoch, int(i), "augment").random(2) for i in index]
        np.testing.assert_array_equal(uniforms(seed, epoch, index, "augment"), expected)
