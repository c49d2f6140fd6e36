"""Sound as events: wav files, a log-mel front end, send-on-delta."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from snnctl.datasets.butter_mel import butter_mel
from snnctl.datasets.channels import signed
from snnctl.datasets.class_folders import Listing, list_folders, natural
from snnctl.datasets.formats.magic import refuse
from snnctl.datasets.formats.validity import REMEDY
from snnctl.datasets.located import LocatedSource
from snnctl.datasets.mel import log_mel
from snnctl.datasets.recording import Recording
from snnctl.datasets.send_on_delta import send_on_delta
from snnctl.errors import UserError, did_you_mean


def read_wav(path: str | Path) -> tuple[np.ndarray, int]:
    """The sound of a wav file, its channels averaged.

    Returns:
        (n,) float64 in the file's own scale, and the sampling rate in Hz.

    Raises:
        UserError: no wav file, truncated, an encoding that is not read, or no sound in it.
    """
    from scipy.io import wavfile

    path = Path(path)
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] not in (b"RIFF", b"RIFX", b"RF64") or head[8:] != b"WAVE":
        raise refuse(path, "a wav file", head)
    size = int.from_bytes(head[4:8], "big" if head[:4] == b"RIFX" else "little") + 8
    if head[:4] != b"RF64" and size > path.stat().st_size:
        raise UserError(f"{path}: truncated: {path.stat().st_size} bytes, by its header {size}", REMEDY)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks that are no sound
            rate, sound = wavfile.read(path)
    except Exception as error:  # of a damaged header scipy raises whatever its arithmetic does
        raise UserError(f"{path}: corrupt, or an encoding that is not read: {error}", REMEDY) from error
    if not sound.size or rate <= 0:
        raise UserError(f"{path}: holds no sound", REMEDY)
    sound = sound.astype(np.float64)
    return (sound.mean(1) if sound.ndim == 2 else sound), int(rate)


class WavEvents(LocatedSource):
    """Spoken words, or any sounds, as events: log-mel frames, of which each channel sends its changes.

    Labels come from the files' names (`pattern`) or from one folder a class, optionally below train/ and test/.
    Channels 0..C-1 of the result are downward changes, C..2C-1 upward ones.

    Args:
        root: the folder of data sets.
        name: as of its YAML.
        folders: where to look for the files, under root or absolute.
        pattern: regular expression for a whole file name with a group `label`, and groups that `test` names; None: one
            folder a class.
        test: {group: values} of the test files, {index: [0, 1, 2, 3, 4]} or {speaker: [theo]}; None: no test part.
        classes: names in order, as they stand in `label`; None: those found.
        channels: mel channels C.
        period: time between frames, s.
        window: length of a frame's Hann window, s.
        low, high: frequency range, Hz; high None: half the sampling rate.
        floor: energy, as a share of the recording's loudest, at which a channel begins to count.
        theta: change that is sent, in units of the log-mel value (natural log).
        initial: value of all channels before the first frame; None: the first frame itself, which then sends nothing.
        bank: what makes the channels: "fourier" spectra of windows, or "butterworth" filters as of an analog front end,
            which look backwards only and know no window and no high.
        fetch, hint: see `LocatedSource`.

    Raises:
        UserError: not there; a pattern that fits no file; later: a damaged file, or one that sends no event.
    """

    made_by = (log_mel, butter_mel, send_on_delta, signed)

    def __init__(
        self,
        root: str | Path,
        name: str,
        folders: Sequence[str],
        pattern: str | None = None,
        test: Mapping[str, Sequence] | None = None,
        classes: Sequence[str] | None = None,
        channels: int = 64,
        period: float = 10e-3,
        window: float = 25e-3,
        low: float = 50.0,
        high: float | None = None,
        floor: float = 1e-4,
        theta: float = 1.0,
        initial: float | None = 0.0,
        bank: Literal["fourier", "butterworth"] = "fourier",
        fetch: Iterable[Mapping] = (),
        hint: str = "",
    ):
        super().__init__(root, name, fetch, hint)
        self.mel = {
            "channels": channels, "period": period, "window": window, "low": low, "high": high, "floor": floor
        }  # fmt: skip
        if bank not in ("fourier", "butterworth"):
            raise UserError(f"dataset.source.bank is {bank!r}", did_you_mean(str(bank), ("fourier", "butterworth")))
        self.theta, self.initial, self.bank = theta, initial, bank
        self.shape = (2 * channels,)
        self._folders = [str(f) for f in folders]
        self._pattern = pattern
        self._test = {str(group): {str(v) for v in values} for group, values in (test or {}).items()}
        self._classes = None if classes is None else tuple(str(c) for c in classes)
        if pattern is not None:
            _check_pattern(pattern, self._test)

    @property
    def classes(self) -> tuple[str, ...]:
        """As given, else as found."""
        return self._classes or self._listing.classes

    def parts(self) -> dict[str, np.ndarray]:
        """Labels from the files' names, or their folders'."""
        self.refuse_unfinished(self.archives())
        return self._listing.labels

    def files(self, part: str) -> list[Path]:
        """One file a recording."""
        return self._listing.files[part]

    def where(self, part: str, i: int) -> str:
        """The file of recording `i`."""
        return str(self.files(part)[i])

    def read(self, part: str, i: int) -> Recording:
        """The events of recording `i`, over the length of the sound."""
        path = self.files(part)[i]
        sound, rate = read_wav(path)
        if self.bank == "fourier":
            frames = log_mel(sound, rate, **self.mel)
        else:
            frames = butter_mel(sound, rate, **{k: self.mel[k] for k in ("channels", "period", "low", "floor")})
        events = signed(send_on_delta(frames, self.theta, self.mel["period"], self.initial), self.mel["channels"])
        if not len(events):
            raise UserError(f"{path}: sends no event at theta {self.theta}: silence", REMEDY)
        return Recording(
            events=events, start=0, stop=max(int(np.ceil(len(sound) / rate * 1e6)), int(events["t"][-1]) + 1)
        )

    def there(self) -> bool:
        """Whether one of the folders is."""
        return self.locate(self._folders) is not None

    def looked(self) -> list[Path]:
        """The folders."""
        return [self.root / folder for folder in self._folders]

    @cached_property
    def _listing(self) -> Listing:
        top = self.locate(self._folders)
        if top is None:
            raise self.missing()
        if self._pattern is None:
            return list_folders(top, {".wav"})
        named = [
            (re.fullmatch(self._pattern, path.name), path) for path in top.iterdir() if path.suffix.lower() == ".wav"
        ]
        named = sorted(((match, path) for match, path in named if match), key=lambda pair: natural(pair[1].name))
        if not named:
            raise UserError(
                f"{top.absolute()}: no wav file whose name fits {self._pattern}", "dataset.source.pattern=null: folders"
            )
        classes = self._classes or tuple(sorted({match["label"] for match, _ in named}, key=natural))
        number = {name: k for k, name in enumerate(classes)}
        files: dict[str, list[Path]] = {"train": [], "test": []}
        labels: dict[str, list[int]] = {"train": [], "test": []}
        for match, path in named:
            if match["label"] not in number:
                raise UserError(
                    f"{path}: its label {match['label']!r} is no class", f"the classes: {', '.join(classes)}"
                )
            testing = self._test and all(match[group] in values for group, values in self._test.items())
            part = "test" if testing else "train"
            files[part].append(path)
            labels[part].append(number[match["label"]])
        return Listing(classes, {p: f for p, f in files.items() if f}, {p: np.array(n) for p, n in labels.items() if n})


def _check_pattern(pattern: str, test: Mapping) -> None:
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise UserError(f"dataset.source.pattern is no regular expression: {error}", pattern) from error
    for group in ("label", *test):
        if group not in groups:
            raise UserError(
                f"dataset.source.pattern has no group {group!r}", f"write it as (?P<{group}>...)\n{pattern}"
            )
