"""Every kind of picture of a recording."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from matplotlib.image import imread
from PIL import Image

from snnctl.errors import UserError
from snnctl.report.pictures import Sample, chosen, kinds, write
from snnctl.report.pictures.animation import _frames, _outputs
from snnctl.report.pictures.heat import colours
from snnctl.report.pictures.sample import is_events, liveliest


def recorded(steps: int = 12, maps: bool = True) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shape = (2, 6, 6) if maps else (9,)
    return {
        "input": (rng.random((steps, 2, *shape)) < 0.1).astype(np.float32),
        "lif/spikes": (rng.random((steps, 2, *shape)) < 0.2).astype(np.float32),
        "lif/v": rng.normal(size=(steps, 2, *shape)).astype(np.float32),
        "readout/v": rng.normal(size=(steps, 2, 3)).astype(np.float32),
    }


def drawn(values: dict[str, np.ndarray], tmp_path, names="all", length=(12,)) -> list:
    return write(values, length, ["sample"] * len(length), 1e-3, tmp_path, names, ("a", "b", "c"))


def test_all_there_are(tmp_path):
    paths = drawn(recorded(), tmp_path)
    assert [p.stem.removeprefix("000_") for p in paths] == kinds() == [
        "animation", "heat", "histogram", "intervals", "maps", "overview", "raster", "trace"
    ]  # fmt: skip
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    for path in paths:
        if path.suffix == ".png":
            assert imread(path)[..., :3].std() > 0.02  # something is on it


@pytest.mark.parametrize("kind", ["raster", "heat", "trace", "histogram", "maps", "overview", "intervals"])
def test_other_values_give_another_picture(kind, tmp_path):
    one, other = recorded(), recorded()
    other["lif/spikes"] = np.roll(other["lif/spikes"], 1, axis=2)
    other["lif/spikes"][3:8] = 0
    other["lif/v"] = 3 * other["lif/v"] ** 2
    (a,), (b,) = drawn(one, tmp_path / "a", kind), drawn(other, tmp_path / "b", kind)
    assert a.read_bytes() != b.read_bytes()
    (c,) = drawn(one, tmp_path / "c", kind)
    assert a.read_bytes() == c.read_bytes()


def test_what_is_past_a_samples_length_is_not_drawn(tmp_path):
    padded = recorded()
    for values in padded.values():
        values[7:, 1] = np.nan
    cut = {name: values[:7] for name, values in recorded().items()}
    ours, theirs = drawn(padded, tmp_path / "a", length=(12, 7)), drawn(cut, tmp_path / "b", length=(7, 7))
    for a, b in zip(ours[len(kinds()) :], theirs[len(kinds()) :], strict=True):
        assert a.name == b.name and a.read_bytes() == b.read_bytes()


def test_all_leaves_out_what_the_recording_has_nothing_for(tmp_path):
    names = {
        p.stem[4:] for p in drawn({"lif/v": recorded(maps=False)["lif/v"]} | {"input": np.ones((12, 2, 3))}, tmp_path)
    }
    assert names == {"animation", "heat", "histogram", "overview", "trace"}
    with pytest.raises(UserError, match="no recorded layer has maps"):
        drawn(recorded(maps=False), tmp_path, "maps")
    with pytest.raises(UserError, match="holds no spikes"):
        drawn({"lif/v": recorded()["lif/v"]}, tmp_path, ["raster"])


def test_silence_and_constants_are_drawn(tmp_path):
    still = {name: np.zeros_like(values) for name, values in recorded().items()}
    assert len(drawn(still, tmp_path)) == len(kinds())
    assert len(drawn({name: a[:1] for name, a in recorded().items()}, tmp_path, length=(1,))) == len(kinds())


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(UserError, match="no picture called 'rasters'") as error:
        chosen(["heat", "rasters"])
    assert "raster" in error.value.hint
    for nothing in ([], 3, None):
        with pytest.raises(UserError, match="names no picture"):
            chosen(nothing)
    assert chosen("heat") == ["heat"] and chosen(["heat", "all"]) == ["all"]


def test_an_animation_has_a_frame_a_step_and_few_of_long_samples(tmp_path):
    for steps, frames in ((12, 12), (300, 100)):
        (path,) = drawn(recorded(steps), tmp_path, "animation", length=(steps,))
        assert Image.open(BytesIO(path.read_bytes())).n_frames == frames


def test_steps_taken_together():
    values = np.arange(5.0)[:, None, None]
    assert _frames(values, 2, events=True).ravel().tolist() == [1, 5, 4]
    assert _frames(values, 2, events=False).ravel().tolist() == [0.5, 2.5, 4]
    spikes = np.array([[1, 0], [1, 1], [0, 0], [1, 0], [0, 1]])
    name, bars = _outputs(Sample({"input": spikes, "out/spikes": spikes, "out/v": spikes}, 1e-3), 2)
    assert name == "out: spikes so far" and bars.tolist() == [[2, 1], [3, 1], [3, 2]]


def test_what_counts_as_events():
    assert is_events("lif/spikes", np.ones((3, 2))) and not is_events("lif/v", np.zeros((3, 2)))
    sparse = np.array([[0, 0, 1], [0, 2, 0]])
    assert is_events("input", sparse)
    assert not is_events("input", 1 - sparse) and not is_events("input", sparse / 4)


def test_colours_and_columns():
    assert colours(np.array([-1.0, 3.0]))["vmin"] == pytest.approx(-3, rel=0.01)
    assert colours(np.array([0.0, 2.0]))["vmin"] == 0
    assert liveliest(np.array([[0, 5, 1], [0, -5, 0]]), 2).tolist() == [1, 2]
