"""NIR files that are missing, cut off, damaged, too large, old, or of another kind."""

from __future__ import annotations

import h5py
import nir
import numpy as np
import pytest
import torch

from snnctl.errors import UserError
from snnctl.interchange import circuit_of, read, write


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def small(**nodes) -> nir.NIRGraph:
    """input to a linear layer of 3 inputs to 2 LIF to output."""
    lif = nir.LIF(ones(2) * np.float32(2e-3), ones(2), 0 * ones(2), ones(2) / 2, 0 * ones(2))
    named = {"input": nir.Input({"input": np.array([3])}), "fc": nir.Linear(ones(2, 3)), "lif": lif}
    named |= {"output": nir.Output({"output": np.array([2])}), **nodes}
    return nir.NIRGraph(named, [("input", "fc"), ("fc", "lif"), ("lif", "output")], type_check=False)


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "a.nir", small())
    return tmp_path / "a.nir"


def refused(path, problem: str, hint: str = "") -> None:
    with pytest.raises(UserError) as raised:
        read(path)
    assert problem in raised.value.problem and "\n" not in raised.value.problem
    assert hint in raised.value.hint


def test_it_is_whole_and_any_reader_of_nir_opens_it(path):
    theirs = nir.read(path)
    assert list(theirs.nodes) == ["fc", "input", "lif", "output"] and np.array_equal(
        theirs.nodes["fc"].weight, ones(2, 3)
    )
    assert [p.name for p in path.parent.iterdir()] == ["a.nir"]
    before = path.read_bytes()
    write(path, small())
    assert path.read_bytes() == before  # and nothing of the time it was written at


def test_what_is_there_stays_when_a_graph_cannot_be_written(path):
    before = path.read_bytes()
    with pytest.raises(UserError, match="nir cannot write this graph"):
        write(path, small(fc=nir.Linear(np.array([[object()]]))))
    assert path.read_bytes() == before


def test_no_file(tmp_path, path):
    refused(tmp_path / "b.nir", "no NIR file at", "did you mean   a.nir")
    refused(tmp_path / "c" / "b.nir", "no NIR file at", "snnctl deploy")
    refused(tmp_path, "no NIR file at")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_file(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    refused(path, "a.nir is truncated", "copy it again")


@pytest.mark.parametrize(("content", "problem"), [(b"", "is empty"), (b"PK\3\4 no graph" * 99, "is no HDF5 file")])
def test_another_kind_of_file(tmp_path, content, problem):
    (tmp_path / "a.nir").write_bytes(content)
    refused(tmp_path / "a.nir", problem, "as nir.write makes it")


def test_a_file_with_a_hole(path):
    """Bytes of the structure overwritten: whatever is found, it is one line."""
    whole = path.read_bytes()
    seen = set()
    for start in range(0, len(whole) - 64, 512):
        path.write_bytes(whole[:start] + b"\xff" * 64 + whole[start + 64 :])
        try:
            circuit_of(read(path), 1e-3, backend="eager")
        except UserError as error:
            assert "\n" not in error.problem
            seen.add(error.problem)
    assert len(seen) > 2


def test_hdf5_of_something_else(tmp_path):
    with h5py.File(tmp_path / "a.nir", "w") as file:
        file["weights"] = np.ones(3)
    refused(tmp_path / "a.nir", "is HDF5, but no NIR graph")
    with h5py.File(tmp_path / "a.nir", "w") as file:
        file["node"] = np.ones(3)
    refused(tmp_path / "a.nir", "is HDF5, but no NIR graph")
    nir.write(tmp_path / "a.nir", nir.Linear(np.ones((2, 3))))
    refused(tmp_path / "a.nir", "holds a single node, Linear", "a NIRGraph")


def test_a_huge_file_is_told_before_it_is_read(path):
    """1 TiB declared in some KB: chunks that were never written take no room in the file."""
    with h5py.File(path, "a") as file:
        del file["node/nodes/fc/weight"]
        file["node/nodes/fc"].create_dataset("weight", (2**20, 2**18), np.float32, chunks=(1024, 1024))
    assert path.stat().st_size < 1e5
    refused(path, "is too large: arrays of 1.02e+03 GiB, with /node/nodes/fc/weight", "up to 4 GiB")


def test_a_file_does_not_read_other_files(path):
    with h5py.File(path.parent / "other.h5", "w") as other:
        other["secret"] = ones(2, 3)
    for link in (h5py.ExternalLink("other.h5", "secret"), h5py.SoftLink("/node/nodes/lif/tau")):
        with h5py.File(path, "a") as file:
            del file["node/nodes/fc/weight"]
            file["node/nodes/fc/weight"] = link
        refused(path, "weight is a link to somewhere else")
    with h5py.File(path, "a") as file:
        del file["node/nodes/fc/weight"]
        layout = h5py.VirtualLayout((2, 3), np.float32)
        layout[...] = h5py.VirtualSource(path.parent / "other.h5", "secret", (2, 3))
        file["node/nodes/fc"].create_virtual_dataset("weight", layout)
    refused(path, "weight lies in another file")


def test_groups_without_end(path):
    with h5py.File(path, "a") as file:
        file["node/nodes/fc/again"] = file["node"]
    refused(path, "groups within groups")


@pytest.mark.parametrize(
    ("name", "value", "problem", "hint"),
    [
        ("node/nodes/fc/type", "Lineal", "node fc is 'Lineal', which nir", "did you mean   Linear"),
        ("node/nodes/fc/type", "LIF", "nir cannot read this graph", "damaged"),
        ("node/nodes/fc", None, "the edge input to fc names no node 'fc'", "choose from"),
        ("node/nodes", None, "graph at the top has no nodes", "not whole"),
        ("node/edges", None, "graph at the top has no edges", "not whole"),
        ("node/nodes/lif/tau", None, "nir cannot read this graph", "damaged"),
    ],
)
def test_a_part_that_is_missing_or_wrong(path, name, value, problem, hint):
    with h5py.File(path, "a") as file:
        del file[name]
        if value is not None:
            file[name] = value
    with pytest.raises(UserError) as raised:
        circuit_of(read(path), 1e-3, backend="eager")
    assert problem in raised.value.problem and hint in raised.value.hint


def test_an_old_file_without_v_reset_runs(path):
    with h5py.File(path, "a") as file:
        del file["node/nodes/lif/v_reset"]
    circuit = circuit_of(read(path), 1e-3, backend="eager")
    out, _, _ = circuit.trace(torch.full((4, 1, 3), 0.4))  # 1.2 (1 - exp(-1 / 2)) = 0.472, then 0.759: over 0.5
    assert out[:, 0, 0].tolist() == [0, 1, 0, 1] and "reset: value, to v_reset (LIF)" in circuit.assumed


def test_a_graph_that_nirs_own_check_of_shapes_refuses(tmp_path):
    """nir 1.0.8 counts the inputs of a grouped convolution without its groups."""
    graph = small(fc=nir.Conv2d((4, 4), ones(2, 1, 3, 3), 1, 1, 1, 2, ones(2)))
    graph.nodes["lif"] = nir.IF(ones(2, 4, 4), ones(2, 4, 4))
    graph.nodes["input"], graph.nodes["output"] = (
        nir.Input({"input": np.array([2, 4, 4])}),
        nir.Output({"output": np.array([2, 4, 4])}),
    )
    write(tmp_path / "a.nir", graph)
    with pytest.raises(ValueError, match="mismatch"):
        nir.read(tmp_path / "a.nir")
    circuit = circuit_of(read(tmp_path / "a.nir"), 1e-3, backend="eager")
    assert circuit(torch.ones(2, 1, 2, 4, 4))[0].shape == (2, 1, 2, 4, 4)


def test_metadata_of_every_node_comes_back(tmp_path):
    nodes = {"delay": nir.Delay(ones(2) * 1e-3), "pool": nir.AvgPool2d(*np.array([[2, 2], [2, 2], [0, 0]]))}
    graph = small()
    for name, node in nodes.items():
        node.metadata = {"who": "me"}
        graph.nodes[name] = node
    write(tmp_path / "a.nir", graph)
    back = read(tmp_path / "a.nir")
    assert {name: back.nodes[name].metadata for name in nodes} == {name: {"who": "me"} for name in nodes}
