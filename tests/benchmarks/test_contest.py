from __future__ import annotations

import pytest

from snnctl.benchmarks.contest import EAGER, FLOOR, PRODUCT, measure, rows
from snnctl.benchmarks.peers import LeftOut, Peer, find
from snnctl.benchmarks.rounds import Times


def test_ratios_are_taken_within_a_round(tiny):
    # everything takes ten times as long in the second round, which no ratio shows
    times = {
        PRODUCT: Times([1, 10, 1], [1, 10, 1]),
        FLOOR: Times([0.5, 5, 0.5], [0.5, 5, 0.5]),
        "peer": Times([3, 30, 3], [5, 50, 5]),
    }
    product, floor, peer = rows(tiny("lif"), times)
    assert (product.over_floor, product.product_faster) == (2, 1)
    assert (floor.over_floor, floor.product_faster) == (1, None)
    assert (peer.over_floor, peer.product_faster) == (8, 4)
    assert peer.product_faster_quartiles == [4, 4]
    assert (peer.forward_ms, peer.backward_ms, peer.total_ms, peer.rounds) == (3000, 5000, 8000, 3)
    assert peer.quartiles_ms == [8000, 44000]


def test_without_a_floor_there_is_no_ratio_to_it(tiny):
    (row,) = rows(tiny("lif"), {EAGER: Times([1], [1])})
    assert row.over_floor is None and row.product_faster is None


def test_the_product_alone_has_rates(tiny):
    found, left_out = measure(tiny("rlif"), 1)
    assert [row.contestant for row in found] == [PRODUCT, EAGER, FLOOR] and left_out == {}
    assert [row.rates is not None for row in found] == [True, False, False]
    assert set(found[0].plain()) >= {"case", "contestant", "total_ms", "over_floor", "rates"}


@pytest.fixture
def adapters(tmp_path):
    """Write adapters; returns the peers."""

    def write(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        return find(["all"], tmp_path)

    return write


OWN = '''"""pip install nothing"""
from snnctl.benchmarks.workload import passes


def lif(case):
    return passes(case, lambda x: x * 2)
'''


def test_who_cannot_take_part_is_left_out_with_a_reason(tiny, adapters):
    peers = adapters(
        fine=OWN,
        broken=OWN.replace("x * 2", "x.nothing"),
        other=OWN.replace("def lif", "def cuba"),
        missing='"""pip install nowhere==1.0"""\nimport nowhere_to_be_found\n',
    )
    found, left_out = measure(tiny("lif"), 1, peers, own=(PRODUCT,))
    assert [row.contestant for row in found] == [PRODUCT, "fine"]
    assert set(left_out) == {"broken", "other", "missing"}
    assert "nothing" in left_out["broken"] and "AttributeError" in left_out["broken"]
    assert "lif(case)" in left_out["other"]
    assert "pip install nowhere==1.0" in left_out["missing"] and "nowhere_to_be_found" in left_out["missing"]
    assert all("\n" not in reason for reason in left_out.values())


def test_a_peer_is_built_when_it_is_asked_to(tiny, adapters):
    (peer,) = adapters(fine=OWN)
    assert isinstance(peer, Peer)
    assert peer.on(tiny("lif"))().forward().shape == (5, 2, 8)
    with pytest.raises(LeftOut):
        peer.on(tiny("cuba"))
