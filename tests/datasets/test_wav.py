"""Sound files as events: reading, labels and splits from names or folders, and the front end's arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import wavfile

from snnctl.datasets.wav import WavEvents, read_wav
from snnctl.errors import UserError

FSDD = r"(?P<label>[0-9])_(?P<speaker>[^_]+)_(?P<index>[0-9]+)[.]wav"
RATE = 8000


def tone(path, hz=440.0, seconds=0.3, channels=1):
    t = np.arange(round(seconds * RATE)) / RATE
    sound = (np.sin(2 * np.pi * hz * t) * np.hanning(len(t)) * 20_000).astype(np.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, RATE, sound if channels == 1 else np.stack([sound] * channels, 1))
    return path


def source(root, **changed):
    return WavEvents(root, **{"name": "tones", "folders": ["."], "channels": 16, **changed})


@pytest.fixture
def digits(tmp_path):
    for label in (0, 1):
        for speaker in ("ann", "bob"):
            for index in (0, 4, 5, 10):
                tone(tmp_path / f"{label}_{speaker}_{index}.wav", 300 + 300 * label)
    (tmp_path / "readme.wav").write_bytes(b"no digit")
    return tmp_path


def test_labels_and_the_official_split_from_names(digits):
    made = source(digits, pattern=FSDD, test={"index": [0, 1, 2, 3, 4]})
    assert made.classes == ("0", "1") and made.shape == (32,)
    assert {part: labels.tolist() for part, labels in made.parts().items()} == {
        "train": [0] * 4 + [1] * 4,
        "test": [0] * 4 + [1] * 4,
    }
    names = ["0_ann_5", "0_ann_10", "0_bob_5", "0_bob_10", "1_ann_5"]
    assert [path.stem for path in made.files("train")[:5]] == names
    assert made.where("test", 1) == str(digits / "0_ann_4.wav")
    held_out = source(digits, pattern=FSDD, test={"speaker": ["bob"]})
    assert {path.stem.split("_")[1] for path in held_out.files("test")} == {"bob"}
    assert list(source(digits, pattern=FSDD).parts()) == ["train"]


def test_folders(tmp_path):
    for label in ("yes", "no"):
        tone(tmp_path / "train" / label / "a.wav")
        tone(tmp_path / "test" / label / "b.wav")
    made = source(tmp_path)
    assert made.classes == ("no", "yes")
    assert {part: labels.tolist() for part, labels in made.parts().items()} == {"train": [0, 1], "test": [0, 1]}


def test_events_of_a_tone(tmp_path):
    """It swells and fades: the channel at 440 Hz rises by floor(max / theta) thetas and falls back, over 30 frames."""
    tone(tmp_path / "a" / "x.wav"), tone(tmp_path / "b" / "x.wav")
    made = source(tmp_path, theta=2.0)
    found = made.read("train", 0)
    events = found.events
    assert (found.start, found.stop) == (0, 300_000) and (np.diff(events["t"]) >= 0).all()
    assert set(events["p"]) == {0} and set(events["t"] % 10_000) == {0} and events["x"].max() < 32
    assert events["x"][0] >= 16  # the first event is upward
    up, down = np.bincount(events["x"], minlength=32).reshape(2, 16)[::-1]
    loudest = int(np.argmax(up))
    assert up[loudest] == np.floor(np.log1p(1e4) / 2.0) == 4
    assert (up - down >= 0).all() and (up - down <= 1).all()  # silence at the end: within one theta of where it began
    assert np.array_equal(made.read("train", 1).events, events)
    assert source(tmp_path, theta=1.0).fingerprint() != made.fingerprint()


def test_stereo_is_averaged(tmp_path):
    one, two = tone(tmp_path / "one.wav"), tone(tmp_path / "two.wav", channels=2)
    assert np.array_equal(read_wav(one)[0], read_wav(two)[0]) and read_wav(two)[1] == RATE


def test_damage(tmp_path):
    raw = tone(tmp_path / "a" / "x.wav").read_bytes()
    path = tmp_path / "b" / "x.wav"
    tone(path)
    made = source(tmp_path)
    for damaged, said in [
        (raw[:-1000], "truncated: 3844 bytes, by its header 4844"),
        (b"", "first bytes are missing"),
        (b"%" + raw[1:], "begins as a Prophesee file"),
        (raw[:20] + b"\x77\x77" + raw[22:], "encoding that is not read"),
        (raw[:32] + bytes(2) + raw[34:], "corrupt"),  # no bytes a sample
        (raw[:22] + bytes(2) + raw[24:], "corrupt"),  # no channels
        (raw[:4] + (36).to_bytes(4, "little") + raw[8:40] + bytes(4), "holds no sound"),
    ]:
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=said) as caught:
            made.read("train", 1)
        assert str(path) in caught.value.problem
    wavfile.write(path, RATE, np.zeros(800, np.int16))
    with pytest.raises(UserError, match=r"sends no event at theta 1\.0: silence"):
        made.read("train", 1)


def test_settings_that_do_not_fit(digits):
    for changed, said in [
        ({"pattern": "(?P<label>"}, "no regular expression"),
        ({"pattern": r"(\d)_.*"}, "no group 'label'"),
        ({"pattern": FSDD, "test": {"take": [1]}}, "no group 'take'"),
    ]:
        with pytest.raises(UserError, match=said):
            source(digits, **changed)
    with pytest.raises(UserError, match="whose name fits"):
        source(digits, pattern="x(?P<label>.)").parts()
    with pytest.raises(UserError, match="'0' is no class"):
        source(digits, pattern=FSDD, classes=["1", "2"]).parts()


def test_missing(tmp_path):
    fetch = [{"url": "https://example.org/tones.zip", "path": "tones/tones.zip"}]
    with pytest.raises(UserError, match="tones is not in") as caught:
        source(tmp_path, folders=["tones/recordings", "tones/v*/recordings"], fetch=fetch).parts()
    assert (
        "https://example.org/tones.zip" in caught.value.hint
        and str(tmp_path / "tones" / "tones.zip") in caught.value.hint
    )
    tone(tmp_path / "tones" / "v1" / "recordings" / "a" / "x.wav")
    tone(tmp_path / "tones" / "v1" / "recordings" / "b" / "x.wav")
    assert source(tmp_path, folders=["tones/recordings", "tones/v*/recordings"]).classes == ("a", "b")


@pytest.mark.data
def test_fsdd(shared_data):
    made = source(
        shared_data / "fsdd",
        folders=["fsdd/recordings", "recordings"],
        pattern=FSDD,
        test={"index": range(5)},
        channels=64,
    )
    parts = made.parts()
    assert np.bincount(parts["train"]).tolist() == [270] * 10 and np.bincount(parts["test"]).tolist() == [30] * 10
    found = made.read("test", 0)
    assert len(found.events) > 100 and found.stop == pytest.approx(
        1e6 * len(read_wav(made.files("test")[0])[0]) / 8000, abs=1
    )
