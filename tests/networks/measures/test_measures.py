"""Measurements at networks beside what quadratics say, and beside the networks one by one."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

import samdyn as sd
from samdyn import networks


def test_the_step_back_to_a_saddle() -> None:
    w = torch.tensor([[0.05, 1.0, 0.05], [0.12, 0.5, 0.12]], dtype=torch.float64)
    rho = torch.tensor([0.5, 0.5, 0.1], dtype=torch.float64)
    step = networks.escape_step(sd.landscapes.quadratic([2, -1]), w, sd.SAM(rho))
    norm = np.hypot(*(np.array([[2], [-1]]) * w.numpy()))
    np.testing.assert_allclose(step["eigenvalue"], -1)
    np.testing.assert_allclose(step["gradient_norm"], norm)
    np.testing.assert_allclose(step["step_ratio"], 1 - rho.numpy() / norm)  # of a quadratic, F = (1 + ρλ/‖g‖) g
    assert (step["step_ratio"] < 0).tolist() == [True, False, False]
    none = networks.escape_step(sd.landscapes.quadratic([2, -1]), w[:, :0], sd.SAM(0.5))
    assert {name: len(values) for name, values in none.items()} == {
        "eigenvalue": 0,
        "gradient_norm": 0,
        "step_ratio": 0,
    }


def test_training_ends_at_a_loss() -> None:
    bowl = sd.landscapes.quadratic([2.0, 2.0])
    drawn = []

    def saves():
        for saved in networks.train(sd.Map(bowl, sd.GD(), lr=0.25), [[0.1, 0], [1, 0], [3, 4]], 10, save_every=1):
            drawn.append(saved[0])
            yield saved

    w, step = networks.first_at_loss(bowl, saves(), 0.3)
    assert step.tolist() == [0, 1, 4]  # distances are halved
    np.testing.assert_allclose(w.norm(dim=0), [0.1, 0.5, 5 / 16], rtol=1e-6)
    assert drawn == [0, 1, 2, 3, 4]  # the other steps are not taken
    late, step = networks.first_at_loss(bowl, networks.train(sd.Map(bowl, sd.GD(), lr=0.25), [[3, 4]], 2), 0.3)
    assert np.isnan(step).tolist() == [True]
    assert float(late.norm()) == pytest.approx(1.25)
    with pytest.raises(sd.InputError, match="there is no save"):
        networks.first_at_loss(bowl, iter([]), 0.3)


def test_performance_is_that_of_each_network_alone() -> None:
    data = networks.digits(test=0.5)
    models = [networks.models.mlp((64, 4, 10), seed=seed) for seed in range(2)]
    network = networks.Network(models[0], cross_entropy, data.train_inputs[:30], data.train_targets[:30])
    w = torch.cat([network.vector(models).T, torch.full((network.dim, 1), torch.nan)], 1)
    measured = networks.performance(network, w, data)
    for number, model in enumerate(models):
        model = model.double()
        for name, inputs, targets in (
            ("train", data.train_inputs[:30], data.train_targets[:30]),
            ("test", data.test_inputs, data.test_targets),
        ):
            outputs = model(inputs.double()).detach()
            assert measured[f"{name}_loss"][number] == pytest.approx(float(cross_entropy(outputs, targets)))
            right = float((outputs.argmax(1) == targets).double().mean())
            assert measured[f"{name}_accuracy"][number] == pytest.approx(right)
    assert measured["train_loss"][2] == measured["test_loss"][2] == np.inf


def test_the_plane_of_an_ascent_on_a_quadratic() -> None:
    landscape, w = sd.landscapes.quadratic([1, 4]), torch.tensor([1.0, 0.5], dtype=torch.float64)
    plane = networks.ascent_plane(landscape, w, sd.SAM(0.2, ascent_steps=4, average=True))
    u = np.array([1, 2]) / 5**0.5  # along ∇L(w) = (1, 2)
    v = np.array([-2, 1]) / 5**0.5  # ∇L(wᵖ) turns towards the steeper axis
    at = w.numpy() + 0.2 * (plane.u.values[3] * u + plane.v.values[30] * v)
    assert float(plane.loss[30, 3]) == pytest.approx(0.5 * at[0] ** 2 + 2 * at[1] ** 2)
    assert float(plane.loss[20, 20]) == pytest.approx(float(plane.start_loss)) == pytest.approx(1.0)
    steps = np.diff(plane.ascent.values, axis=0)
    assert steps[0] == pytest.approx([0.25, 0])
    assert np.hypot(*steps.T) == pytest.approx(np.full(4, 0.25))  # n steps of ρ/n
    assert (np.diff(steps[:, 1]) > 0).all()
    top = w.numpy() + 0.2 * (plane.ascent.values[-1] @ np.stack([u, v]))
    assert float(plane.end_loss) == pytest.approx(0.5 * top[0] ** 2 + 2 * top[1] ** 2)
    assert float(plane.off) == pytest.approx(0, abs=1e-12)  # in two dimensions there is no other plane
    curved = networks.ascent_plane(sd.landscapes.quadratic([1, 4, 9]), w.new_ones(3), sd.SAM(0.9, ascent_steps=3))
    assert 1e-4 < float(curved.off) < 0.2
    with pytest.raises(sd.InputError, match="rho = 0"):
        networks.ascent_plane(landscape, w, sd.SAM(0.0))


def test_only_chosen_points_are_looked_at() -> None:
    w = torch.tensor([[0.05, torch.nan, 0.05], [0.12, torch.nan, 0.2]], dtype=torch.float64)
    scene, method = sd.landscapes.quadratic([2, -1]), sd.SAM(torch.tensor([0.5, 0.5, 0.1]))
    chosen = networks.escape_step(scene, w, method, where=np.array([True, False, False]))
    (alone,) = (networks.escape_step(scene, w[:, :1], sd.SAM(0.5)),)
    for name, values in chosen.items():
        np.testing.assert_allclose(values, [alone[name][0], np.nan, np.nan])


def test_accuracy_in_training_and_the_sharpness_of_every_kind() -> None:
    data = networks.digits(test=0.5)
    task = networks.Task(data, (4,), 2)
    map_ = sd.Map(task.network, sd.GD(), lr=0.2)
    saves = dict(networks.train(map_, task.starts, 4, save_every=2))
    w, accuracy = networks.accuracy_at_saves(task.network, saves.items(), data)
    assert (w == saves[4]).all()
    for step, there in saves.items():
        expected = networks.performance(task.network, there, data)["test_accuracy"]
        assert accuracy.sel(step=step).values.tolist() == expected.tolist()
    w = w.double()
    rises = networks.sharpnesses(task.network, w, 0.1, 0.5, ascent_steps=3)
    torch.testing.assert_close(rises["adaptive, 1 step"], networks.rise(task.network, w, sd.ASAM(0.5)))
    expected = networks.max_rise(task.network, w, 0.5, adaptive=True, ascent_steps=3)
    torch.testing.assert_close(rises["adaptive, n steps"], expected)
    assert (rises["plain, 1 step"] == networks.rise(task.network, w, sd.SAM(0.1))).all()
    assert (rises["plain, n steps"] == networks.max_rise(task.network, w, 0.1, ascent_steps=3)).all()
