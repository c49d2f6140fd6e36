"""The inertial front end: filters, rotations, spikes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import butter, lfilter

from snnctl.datasets.encodings import IMU
from snnctl.datasets.encodings.imu import BandPass, _filtered
from snnctl.datasets.encodings.rotation import TABLE, _alike, _diagonalised, without_rotation
from snnctl.errors import UserError

DT = 5e-3


@pytest.mark.parametrize("band", [(1.0, 2.0), (4.0, 8.0), (16.0, 32.0)])
def test_whole_number_filters_are_near_the_real_ones(band):
    signal = np.round(np.random.default_rng(0).normal(size=400).cumsum() * 400).astype(np.int64)
    signal -= signal.mean().astype(np.int64)
    each = BandPass.between(*band, 200.0)
    b, a = butter(1, band, btype="bandpass", fs=200.0)
    scale = b[0] * 2**each.shift  # what the power of two leaves over
    both = np.concatenate([signal[::-1], signal])
    real = lfilter(b, a, both)[400:] / scale
    ours = _filtered(signal, *each)
    assert np.abs(ours - real).max() < 0.05 * np.abs(real).max()


def test_a_table_of_angles():
    sin, cos = TABLE[0] / 65535, TABLE[1] / 65535
    np.testing.assert_allclose(sin**2 + cos**2, 1, atol=1e-4)
    assert TABLE[0, 0] == 0 and abs(sin[-1] - cos[-1]) < 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_jacobi_finds_the_principal_axes(seed):
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(200, 3)) * [3000, 1000, 200] @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    covariance = np.round(data.T @ data / 200).astype(np.int64)
    rotation = _diagonalised(covariance, TABLE) / 2**31
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=5e-3)
    diagonal = rotation.T @ covariance @ rotation
    assert np.all(np.diff(np.diag(diagonal)) < 0)  # the largest first
    off = diagonal - np.diag(np.diag(diagonal))
    assert np.abs(off).max() < 0.03 * diagonal.max()


def test_signs_of_products_beyond_64_bits():
    big = np.int64((1 << 31) - 1)
    new = np.array([[big, big, 1], [big, -big, 0], [big, 0, 0]], np.int64)
    old = np.array([[big, big, 0], [big, big, 5], [big, 7, 9]], np.int64)
    assert [_alike(new, old, j) for j in range(3)] == [1, 1, 1]  # the second and third are at right angles
    old[0, 1] -= 1
    assert _alike(new, old, 1) == -1


def test_an_axis_at_rest_at_first_is_not_lost():
    t = np.arange(100)[:, None]
    signal = np.where(t < 20, 0, np.round(np.sin(t * [0.5, 0.9, 0.2]) * [4000, 1000, 100])).astype(np.int64)
    assert (np.abs(without_rotation(signal, 4, 10, TABLE)).max(0) > [1000, 200, 20]).all()


def test_a_turn_of_the_sensor_changes_little():
    t = np.arange(400)
    movement = np.stack([np.sin(0.3 * t) * 8000, np.sin(0.7 * t) * 3000, np.sin(0.11 * t) * 800], 1)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    straight, turned = (
        without_rotation(np.round(m).astype(np.int64), 6, 10, TABLE) for m in (movement, movement @ turn)
    )
    settled = slice(200, None)
    for axis in range(2):
        one, other = (np.abs(np.fft.rfft(s[settled, axis])) for s in (straight, turned))
        assert np.corrcoef(one, other)[0, 1] > 0.95
    raw = [np.abs(np.fft.rfft(m[settled, 0])) for m in (movement, movement @ turn)]
    assert np.corrcoef(*raw)[0, 1] < 0.95  # else there was nothing to remove


def test_spikes_by_scale_and_by_threshold():
    y = np.array([[0, 64], [100, 40], [1000, 10], [10, 0]])
    assert IMU(scale_bits=5)._spikes(y).tolist() == [[0, 2], [3, 1], [15, 0], [0, 0]]
    assert IMU(threshold=100)._spikes(y).tolist() == [[0, 0], [1, 1], [1, 0], [0, 0]]


def test_a_tone_fires_its_band():
    t = torch.arange(400) * DT
    values = torch.zeros(400, 1, 3)
    values[:, 0, 0] = torch.sin(2 * torch.pi * 11.0 * t) * 0.02
    x = IMU(rotation=False)(values, 400, DT, ())
    assert IMU(rotation=False).shape((3,)) == (15,) and x.shape == (400, 1, 15)
    assert x[:, 0, :5].sum(0).argmax() == 3 and not x[:, 0, 5:].any()  # 8 to 16 Hz of the first axis


def test_padding_changes_nothing():
    values = torch.randn(60, 1, 3, generator=torch.Generator().manual_seed(0)) * 0.2
    padded = torch.cat([values, torch.zeros(30, 1, 3)])
    assert torch.equal(IMU()(padded, 90, DT, ())[:60], IMU()(values, 60, DT, ()))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda: IMU(full_scale=0.0), "IMU: full_scale is 0.0\nrange          finite, above 0, unit of the values"),
        (lambda: IMU(scale_bits=40), "IMU: scale_bits is 40\nrange          0 to 31, binary digits"),
        (
            lambda: IMU(bands=[(2.0, 1.0)])(torch.zeros(4, 1, 3), 4, DT, ()),
            "a band is 2 to 1 Hz\nrange          0 <",
        ),
        (lambda: IMU()(torch.zeros(4, 1, 3), 4, 0.05, ()), "a band is 8 to 16 Hz\nrange          0 < low < high < 10"),
        (
            lambda: IMU()(torch.full((4, 1, 3), 2.5), 4, DT, ()),
            "a value is 2.5\nrange          -1.99994 to 1.99994",
        ),
        (lambda: IMU().shape((4,)), "IMU: a step is (4,)"),
    ],
)
def test_bad_settings_and_values(bad, said):
    with pytest.raises(UserError) as error:
        bad()
    assert said in str(error.value)


def test_clipping_is_asked_for():
    assert torch.isfinite(IMU(outside="clip")(torch.full((4, 1, 3), 2.5), 4, DT, ())).all()
