"""Words of memory, and which layer goes on which core."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.targets.speck.cores import Words, assign, words
from tests.targets.speck.chip import speck

CORES = speck().cores


def test_the_words_of_the_vendors_example():
    # 16 to 32 channels, 3x3, a map of 64x64: 16 x 2^(4 + 5), and 32 x 2^(6 + 6).
    assert words(16, (32, 64, 64), 3, False) == (8 * 1024, 128 * 1024, 0)


def test_sizes_count_as_powers_of_two():
    assert words(3, (5, 9, 17), 3, True) == (3 * 16 * 8, 5 * 16 * 32, 5)
    assert words(7, (1, 1, 1), 1, True) == (7, 1, 1)


def test_layers_move_so_that_the_last_one_gets_a_core():
    small, large = Words(100, 100, 0), Words(60000, 100, 0)
    found, without = assign({"a": small, "b": small, "c": large, "d": large}, CORES)
    assert not without and {found["c"], found["d"]} == {5, 6} and len(set(found.values())) == 4


def test_a_layer_that_is_too_large_says_of_what():
    needs = {"a": Words(70000, 1, 0), "b": Words(1, 70000, 0), "c": Words(1, 1, 1025), "d": Words(60000, 60000, 0)}
    needs["e"] = Words(65537, 65537, 0)
    found, without = assign(needs, CORES)
    assert not found
    assert [f"{m.layer}: {m.problem}: {m.hint.split(';')[0]}" for m in without] == [
        "a: 70,000 words of kernel memory: the largest core has 65,536",
        "b: 70,000 words of neuron memory: the largest core has 65,536",
        "c: 1,025 words of bias memory: the largest core has 1,024",
        "d: 60,000 words of kernel memory, 60,000 of neuron memory, and no core has both: "
        "cores 5, 6 would hold the kernel, cores 0, 1, 2 the neurons",
        "e: 65,537 words of kernel memory: the largest core has 65,536",
        "e: 65,537 words of neuron memory: the largest core has 65,536",
    ]


def test_layers_that_compete_name_each_other_and_their_cores():
    large, other = Words(60000, 1, 0), Words(1, 1, 0)
    found, without = assign({"a": large, "b": large, "small": other, "c": large}, CORES)
    assert len(found) == 3 and len(without) == 1
    left = without[0].layer
    rivals = ", ".join(name for name in "abc" if name != left)
    assert without[0].problem == (
        "60,000 words of kernel memory, 1 of neuron memory; "
        f"large enough are only cores 5, 6, and {rivals} need them too"
    )
    found, without = assign({f"l{i}": other for i in range(10)}, CORES)
    assert len(found) == 9 and without[0].hint == "fewer layers"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(*2 * [st.integers(1, 4)]), max_size=4), st.lists(st.tuples(*2 * [st.integers(1, 4)]), max_size=4)
)
def test_there_is_a_matching_where_one_of_all_orders_is_one(needs, cores):
    named = {str(i): Words(k, n, 0) for i, (k, n) in enumerate(needs)}
    there = [Words(k, n, 0) for k, n in cores] or [Words(0, 0, 0)]
    found, without = assign(named, there)
    exists = any(
        all(k <= core.kernel and n <= core.neuron for (k, n), core in zip(needs, order, strict=False))
        for order in permutations(there, len(needs))
    )
    assert exists == (not without) and set(named) == {*found, *(misfit.layer for misfit in without)}
    assert len(set(found.values())) == len(found)
    assert all(named[name].kernel <= there[core].kernel for name, core in found.items())
