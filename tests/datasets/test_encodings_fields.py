"""Front ends: population codes, spatial and temporal receptive fields."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnctl.datasets.draws import generator
from snnctl.datasets.encodings import (
    BandFilters,
    Delta,
    Latency,
    Population,
    Rate,
    Rows,
    SpatialFields,
    TemporalFields,
)
from snnctl.datasets.encodings.spatial_fields import spatial_field
from snnctl.errors import UserError


def test_population_by_hand():
    code = Population(3, 0.0, 2.0, width=0.5)
    x = code(torch.tensor([[[0.0, 1.5]]]), 2, 1e-3, ())
    e = math.exp
    assert x.shape == (2, 1, 6) and code.shape((2,)) == (6,) and code.shape((2, 4, 5)) == (6, 4, 5)
    expected = [1, e(-2), e(-8), e(-4.5), e(-0.5), e(-0.5)]
    torch.testing.assert_close(x[0, 0], torch.tensor(expected))
    assert torch.equal(x[0], x[1])


def test_population_beyond_the_ends():
    code = Population(5, -1.0, 2.0, spacing="beyond")  # steps of 1, from half a step below
    assert code.centres().tolist() == [-1.5, -0.5, 0.5, 1.5, 2.5]
    x = code(torch.tensor([[[0.5]]]), 1, 1e-3, ())[0, 0]  # width 3 / 4.5
    assert x[2] == 1 and x[1].item() == pytest.approx(math.exp(-0.5 * 1.5**2)) and x[1] == x[3]


def test_population_spikes_by_another_encoding():
    values = torch.tensor([[[0.0], [0.5]]])
    code = Population(5, width=0.1, then=Rate())
    rngs = [generator(0, 0, i, "encoding") for i in range(2)]
    rates = code(values, 4000, 1e-3, rngs).mean(0)
    torch.testing.assert_close(rates, Population(5, width=0.1)(values, 1, 1e-3, ())[0], atol=0.02, rtol=0)
    tuned = Population(5, spacing="beyond", then=Latency(threshold=0.0))(values, 20, 1e-3, ())
    assert (tuned.sum(0) <= 1).all() and tuned[:, 1].argmax(0)[2] == 0


@given(st.floats(-1, 3, width=32))
def test_the_nearest_neuron_is_the_most_active(value):
    code = Population(9, -1.0, 3.0)
    x = code(torch.tensor([[[value]]]), 1, 1e-3, ())[0, 0]
    assert (code.centres() - value).abs()[x.argmax()] <= 0.25 + 1e-6 and 0 <= x.min() <= x.max() <= 1


def test_a_round_field_is_symmetric_and_adds_up_to_one():
    g = spatial_field(2.0, 0.3, 1.0, 9)
    torch.testing.assert_close(g, g.T)
    torch.testing.assert_close(g, g.flip(0))
    assert g.sum().item() == pytest.approx(1) and g.argmax() == 40
    long = spatial_field(2.0, 0.0, 2.0, 9, domain=6.0)
    assert long[4, 8] > long[8, 4]  # stretched along the rows
    turned = spatial_field(2.0, math.pi / 2, 2.0, 9, domain=6.0)
    torch.testing.assert_close(turned, long.T)


def test_a_derived_field_answers_to_edges_only():
    # dx goes with the columns' index down (rows), as the angle 0 does
    code = SpatialFields(5, [2.0], [0.0], [1.0], [[1, 0], [0, 1]], domain=3.0)
    flat, edge = torch.ones(1, 1, 1, 9, 9), torch.zeros(1, 1, 1, 9, 9)
    edge[..., 5:, :] = 1
    assert code(flat, 1, 1e-3, ()).abs().max() < 1e-6
    answers = code(edge, 1, 1e-3, ())[0, 0]
    assert answers[0].abs().max() > 0.1 and answers[1].abs().max() < 1e-6


def test_spatial_fields_shapes_and_sums_over_channels():
    code = SpatialFields(3, [1.0, 2.0], [0.0, 1.0], [1.0], [[0, 0]], then=Delta(signed=False))
    assert code.shape((2, 8, 6)) == (8, 6, 4)
    x = torch.rand(4, 2, 2, 8, 6)
    plain = SpatialFields(3, [1.0, 2.0], [0.0, 1.0], [1.0], [[0, 0]])
    torch.testing.assert_close(plain(x, 4, 1e-3, ()), plain(x.sum(2, keepdim=True), 4, 1e-3, ()))


def test_temporal_fields_by_hand():
    code = TemporalFields(2, shortest=2e-3, spread=2.0, decay="euler")
    step = torch.ones(3, 1, 1)
    assert code.taus() == [2e-3, 4e-3] and code.shape((5,)) == (10,)
    x = code(step, 3, 1e-3, ())[:, 0]
    torch.testing.assert_close(x[:, 0], torch.tensor([0.5, 0.75, 0.875]))
    torch.testing.assert_close(x[:, 1], torch.tensor([0.25, 0.4375, 0.578125]))
    exact = TemporalFields(1, shortest=2e-3)(step, 3, 1e-3, ())[:, 0, 0]
    torch.testing.assert_close(exact, 1 - torch.exp(-torch.tensor([0.5, 1.0, 1.5])))


def test_temporal_fields_keep_scales_first():
    values = torch.rand(6, 2, 3, 4)
    x = TemporalFields(2)(values, 6, 1e-3, ())
    assert x.shape == (6, 2, 6, 4)
    one = TemporalFields(1)(values, 6, 1e-3, ())
    torch.testing.assert_close(x[:, :, :3], one)


def test_rows_of_an_image_are_its_time_steps():
    image = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).view(1, 1, 1, 2, 3)  # H = 2, W = 3
    x = Rows()(image, 2, 1e-3, ())
    assert x[:, 0, 0].tolist() == [[1, 2, 3], [4, 5, 6]] and Rows().shape((1, 2, 3)) == (1, 3)
    slow = Rows()(image, 5, 1e-3, ())  # floor(t 2 / 5) = 0, 0, 0, 1, 1
    assert slow[:, 0, 0, 0].tolist() == [1, 1, 1, 4, 4]


def test_rows_as_spikes_follow_their_own_row():
    image = torch.zeros(1, 3, 2, 28, 5)
    image[:, :, :, ::2] = 1.0
    x = Rows(then=Rate())(image, 28, 1e-3, [generator(0, 0, i, "encoding") for i in range(3)])
    assert x.shape == (28, 3, 2, 5) and (x[::2] == 1).all() and not x[1::2].any()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda: Rows()(torch.rand(1, 1, 1, 28, 28), 10, 1e-3, ()), "Rows: 10 time steps for 28 rows\nset   "),
        (lambda: Rows()(torch.rand(2, 1, 1, 4, 4), 4, 1e-3, ()), "Rows encodes still images"),
        (lambda: Rows().shape((5,)), "Rows takes images, and a step of this set is (5,)"),
        (lambda: Population(2), "Population: count is 2\nrange          finite, 3 or more, neurons a value"),
        (lambda: Population(low=1.0, high=1.0), "Population: high is 1.0\nrange          finite, above 1"),
        (lambda: Population(1, width=0.0), "Population: width is 0.0"),
        (lambda: Population()(torch.tensor([[[1.5]]]), 1, 1e-3, ()), "a value is 1.5\nrange          0 to 1, unit of"),
        (lambda: SpatialFields(scales=[0.0]), "SpatialFields: scales is 0.0\nrange          finite, above 0, grid"),
        (lambda: SpatialFields(derivatives=[[1]]), "derivatives holds [1]"),
        (lambda: SpatialFields(9).shape((1, 8, 20)), "size is 9 pixels, a step is (1, 8, 20)"),
        (lambda: TemporalFields(spread=0.5), "spread is 0.5\nrange          finite, 1 or more"),
        (lambda: TemporalFields(shortest=1e-3)(torch.ones(2, 1, 1), 2, 5e-3, ()), "shortest is 0.001 s\nrange  "),
    ],
)
def test_bad_settings_and_values(bad, said):
    with pytest.raises(UserError) as error:
        bad()
    assert said in str(error.value)


@pytest.mark.parametrize(("centre", "band"), [(5.0, 0), (20.0, 1), (60.0, 2)])
def test_a_tone_excites_its_band(centre, band):
    code = BandFilters(centres=(5.0, 20.0, 60.0), widths=(4.0, 10.0, 20.0))
    tone = torch.sin(2 * math.pi * centre * torch.arange(4000) * 1e-3).view(-1, 1, 1)
    x = code(torch.cat([tone, torch.zeros_like(tone)], 2), 4000, 1e-3, ())
    assert x.shape == (4000, 1, 6) and code.shape((2,)) == (6,)
    assert x[2000:, 0].mean(0).argmax() == 2 * band and not x[:, 0, 1::2].any()  # the second channel is silent
    assert x[3000, 0, 2 * band].item() == pytest.approx(2 / math.pi, rel=0.1)  # the mean of |sin|


@pytest.mark.parametrize(("make", "said"), [
    (lambda: BandFilters(centres=(0.0,)), "centres is 0.0\nrange          finite, above 0, Hz"),
    (lambda: BandFilters(centres=(2.0,), widths=(4.0,)), "centres - widths / 2 is 0.0\nrange"),
    (lambda: BandFilters(widths=(1.0, 2.0)), "4 centres, 2 widths"),
    (lambda: BandFilters(order=0), "order is 0\nrange          finite, 1 or more, whole"),
    (lambda: BandFilters()(torch.zeros(4, 1, 2), 4, 25e-3, ()), "a band reaches 24 Hz\nrange          below 1"),
    (lambda: BandFilters()(torch.full((4, 1, 2), math.nan), 4, 1e-3, ()), "a value is nan"),
])  # fmt: skip
def test_bands_that_are_none(make, said):
    with pytest.raises(UserError) as caught:
        make()
    assert said in str(caught.value)
