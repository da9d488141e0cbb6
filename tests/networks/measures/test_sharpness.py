"""Sharpness beside what a quadratic and a dense grid say, and rescaling, which adaptive sharpness does not see."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

import samdyn as sd
from samdyn import networks

POINTS = torch.tensor([[0.3, -0.2], [1.0, 2.0]], dtype=torch.float64)


def test_a_rise_on_a_quadratic() -> None:
    w = torch.tensor([[0.4, 0.0], [0.0, 0.5]], dtype=torch.float64)
    # 0.1 up from 0.4 along the first axis, and down the slope towards 0 along the second.
    expected = [1.5 * (0.5**2 - 0.4**2), 0.5 * (0.5**2 - 0.4**2)]
    assert networks.rise(sd.landscapes.quadratic([3, -1]), w, sd.SAM(0.1)).tolist() == pytest.approx(expected)
    # Four steps lead as far as one, straight away from 0; each network has its own radius.
    bowl, radii = sd.landscapes.quadratic([1, 1]), torch.tensor([0.5, 1.0], dtype=torch.float64)
    rises = networks.rise(bowl, w, sd.SAM(radii, ascent_steps=4))
    assert rises.tolist() == pytest.approx([0.5 * (0.9**2 - 0.4**2), 0.5 * (1.5**2 - 0.5**2)])


@pytest.mark.parametrize("adaptive", [False, True])
def test_the_largest_rise_in_a_ball(adaptive: bool) -> None:
    landscape = sd.landscapes.quadratic([4.0, 1.0])
    angle = torch.linspace(0, 2 * torch.pi, 100001, dtype=torch.float64)
    ball = 0.5 * torch.stack([angle.cos(), angle.sin()])[:, :, None]
    around = POINTS[:, None] + (POINTS.abs() if adaptive else torch.ones_like(POINTS))[:, None] * ball
    highest = landscape.value(around).amax(0) - landscape.value(POINTS)
    rise = networks.max_rise(landscape, POINTS, 0.5, adaptive=adaptive, ascent_steps=100)
    # A path of 2ρ does not reach the top, but comes so close to it here.
    assert (rise <= highest).all()
    assert (rise > 0.99 * highest).all()
    method = sd.ASAM(0.5) if adaptive else sd.SAM(0.5)
    assert (rise > networks.rise(landscape, POINTS, method)).all()


def test_the_highest_point_counts_not_the_last() -> None:
    wave, w = sd.Landscape("sin(x)", "x"), torch.tensor([[0.3]], dtype=torch.float64)
    # The first step of 2 leads over the top to 2.3, and the second back to 0.3.
    assert float(networks.max_rise(wave, w, 2.0, ascent_steps=2)) == pytest.approx(np.sin(2.3) - np.sin(0.3))


def test_eigenvalues_of_networks_that_diverged_are_missing() -> None:
    w = torch.cat([POINTS, torch.full((2, 1), torch.nan)], 1)
    np.testing.assert_allclose(networks.largest_eigenvalue(sd.landscapes.quadratic([3, -1]), w), [3, 3, np.nan])
    assert networks.rise(sd.landscapes.quadratic([3, -1]), w, sd.SAM(0.1)).isnan().tolist() == [False, False, True]


def test_rescaling_leaves_the_function_and_adaptive_sharpness() -> None:
    data = networks.digits()
    models = [networks.models.mlp((64, 5, 5, 10), seed=3)]
    network = networks.Network(models[0], cross_entropy, data.train_inputs[:40], data.train_targets[:40])
    w = network.vector(models[0])
    other = networks.rescale(network.model, w, 4.0)
    outputs = network.outputs(w, network.inputs)
    torch.testing.assert_close(network.outputs(other, network.inputs), outputs, rtol=1e-12, atol=1e-13)
    both = torch.stack([w, other], 1)
    for rises in (networks.rise(network, both, sd.ASAM(0.5)), networks.max_rise(network, both, 0.5, adaptive=True)):
        assert float(rises[1] / rises[0]) == pytest.approx(1, rel=1e-10)
    for rises in (networks.rise(network, both, sd.SAM(0.05)), networks.max_rise(network, both, 0.05)):
        assert abs(float(rises[1] / rises[0]) - 1) > 0.01


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: networks.max_rise(sd.landscapes.saddle(), POINTS, 0.0), "radius = 0.0"),
        (lambda: networks.max_rise(sd.landscapes.saddle(), POINTS, 0.1, ascent_steps=1), "must be at least 2"),
        (lambda: networks.rescale(networks.models.mlp((1, 1, 1)), POINTS[0], 2.0), "the model has 4 parameters"),
        (lambda: networks.rescale(networks.models.mlp((1, 1, 1)), torch.ones(4), -2.0), "factor = -2.0"),
        (lambda: networks.rescale(networks.models.mlp((1, 1)), torch.ones(2), 2.0), "'Linear': must begin with"),
        (
            lambda: networks.rescale(networks.models.mlp((1, 1, 1), activation="tanh"), torch.ones(4), 2.0),
            "'Linear, Tanh, Linear': must begin with",
        ),
    ],
)
def test_bad_input(call, rule: str) -> None:
    with pytest.raises(sd.InputError, match=rule):
        call()
