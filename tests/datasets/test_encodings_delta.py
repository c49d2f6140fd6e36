"""Send on delta and delta modulation, by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnctl.datasets.encodings import Delta
from snnctl.errors import UserError


def series(*values):
    return torch.tensor(values).view(len(values), 1, 1)


def sent(code, *values):
    return code(series(*values), len(values), 1e-3, ()).flatten().tolist()


def test_by_hand():
    values = (0.0, 0.05, 0.1, 0.35, 0.3, 0.0)  # reference: 0, 0, 0.1, 0.3, 0.3, 0.0
    assert sent(Delta(0.1), *values) == [0, 0, 1, 2, 0, -3]
    planes = Delta(0.1, signed=False)
    x = planes(series(*values), 6, 1e-3, ())
    assert planes.shape((1,)) == (2,) and Delta(0.1).shape((1,)) == (1,)
    assert x[:, 0, 0].tolist() == [0, 0, 1, 2, 0, 0] and x[:, 0, 1].tolist() == [0, 0, 0, 0, 0, 3]


def test_thresholds_of_its_own_downwards_and_limits():
    values = (0.0, 0.5, 0.0, -0.5)
    assert sent(Delta(0.1, theta_down=0.25), *values) == [0, 5, -2, -2]
    assert sent(Delta(0.1, most=2), *values) == [0, 2, -2, -2]  # reference 0.2, 0.0, -0.2
    assert sent(Delta(0.1, down=False), *values) == [0, 5, 0, 0]
    assert sent(Delta(0.1, initial=-0.2), *values) == [2, 5, -5, -5]


def test_delta_modulation_looks_at_the_step_before():
    code = Delta(0.3, reference="last", most=1, initial=0.0)
    assert sent(code, 0.3, 0.5, 0.9, 0.5, 0.45) == [1, 0, 1, -1, 0]
    assert sent(Delta(0.3, reference="last"), 0.3, 0.5, 1.5) == [0, 0, 3]


def test_refractory_follows_silently():
    # a spike at 1, silent at 2 while the reference follows to 0.8; at 3 compared with 0.8
    assert sent(Delta(0.2, refractory=2e-3), 0.0, 0.5, 0.8, 1.1, 1.5, 1.8) == [0, 1, 0, 1, 0, 1]


@given(st.lists(st.floats(-3, 3, width=32), min_size=2, max_size=30), st.floats(0.05, 1.0))
def test_what_was_sent_is_never_a_threshold_from_the_signal(values, theta):
    spikes = torch.tensor(sent(Delta(theta), *values), dtype=torch.float64)
    received = values[0] + theta * spikes.cumsum(0)
    assert (received - torch.tensor(values, dtype=torch.float64)).abs().max() <= theta * (1 + 1e-5)


def test_bad_settings_and_values():
    for bad, said in [
        (lambda: Delta(0.0), "Delta: theta is 0.0\nrange          finite, above 0, unit of the values"),
        (lambda: Delta(theta_down=-1.0), "theta_down is -1.0"),
        (lambda: Delta(most=0), "most is 0"),
        (lambda: Delta(reference="first"), "reference is 'first'"),
        (lambda: sent(Delta(), 0.0, float("nan")), "a value is nan\nrange          finite"),
    ]:
        with pytest.raises(UserError) as error:
            bad()
        assert said in str(error.value)
