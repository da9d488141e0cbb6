"""The largest eigenvalues in training, against whole Hessians, and against the edge where training ends."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch.nn.functional import mse_loss

import samdyn as sd
from samdyn import networks, symbolic
from samdyn.checks import InputError

QUADRATIC = sd.landscapes.quadratic([3.0, 1.0, 0.5, 0.4, 0.3, 0.2])


def test_a_look_is_what_hessian_and_gradient_say() -> None:
    x = torch.linspace(-1, 1, 6)[:, None]
    net = networks.Network(networks.models.mlp((1, 3, 1), activation="tanh"), mse_loss, x, x**2)
    starts = net.vector(networks.models.mlp((1, 3, 1), activation="tanh", seed=seed) for seed in (1, 2))
    map_ = sd.Map(net, sd.SAM(torch.tensor([0.0, 0.1])), lr=0.1)
    data = networks.track_curvature(map_, starts, 5, 2, top=3, device="cpu")
    assert data.step.values.tolist() == [0, 2, 4, 5]
    assert data.eigenvalue.dims == ("run", "step", "order")
    *_, (_, ends) = networks.train(map_, starts, 5, device="cpu")
    np.testing.assert_array_equal(data.w, ends.T)
    for step, points in ((0, starts.float()), (5, ends.T)):
        for run, w in enumerate(points):
            seen = data.sel(step=step).isel(run=run)
            values, vectors = np.linalg.eigh(net.hessian(w).numpy())
            g = net.grad(w).numpy()
            np.testing.assert_allclose(seen.eigenvalue, values[:-4:-1], rtol=1e-5)
            np.testing.assert_allclose(seen.share, (g @ vectors)[:-4:-1] ** 2 / (g @ g), atol=1e-4)
            assert float(seen.gradient_norm) == pytest.approx(float(np.linalg.norm(g)), rel=1e-5)
            assert float(seen.loss) == pytest.approx(float(net.value(w)), rel=1e-5)


def test_a_network_that_diverged_is_nan_among_others() -> None:
    map_ = sd.Map(QUADRATIC, sd.GD(), lr=torch.tensor([0.1, 1e30]))
    data = networks.track_curvature(map_, torch.full((2, 6), 0.3), 4, 2, top=2, device="cpu").isel(step=-1)
    for name in ("loss", "gradient_norm", "eigenvalue", "share"):
        finite = np.isfinite(data[name].values.reshape(2, -1))
        assert finite[0].all()
        assert not finite[1].any()


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_on_a_quadratic_sam_ends_where_the_edge_is_the_curvature(momentum: float) -> None:
    map_ = sd.Map(QUADRATIC, sd.SAM(0.05), lr=0.2 * (1 + momentum), momentum=momentum)
    data = networks.track_curvature(map_, torch.full((1, 6), 0.3), 1001, 1001, device="cpu").isel(run=0, step=-1)
    np.testing.assert_allclose(data.eigenvalue, [3.0, 1.0, 0.5, 0.4, 0.3], rtol=1e-6)
    assert float(symbolic.edge_at_gradient(map_, data.gradient_norm)) == pytest.approx(3.0, rel=1e-5)  # float32
    assert float(data.share[0]) == pytest.approx(1.0, rel=1e-5)


def looks(curvature: list[list[float]]) -> xr.Dataset:
    eigenvalue = np.array(curvature)[:, :, None]
    dims = ("init", "step")
    return xr.Dataset(
        {
            "eigenvalue": ((*dims, "order"), eigenvalue),
            "share": ((*dims, "order"), np.full(eigenvalue.shape, 0.25)),
            "edge": (dims, np.full(eigenvalue.shape[:2], 2.0)),
            "loss": (dims, np.arange(eigenvalue[..., 0].size).reshape(eigenvalue.shape[:2])),
        },
        coords={"step": np.arange(eigenvalue.shape[1]) * 3, "order": [1]},
    )


def test_the_edge_is_reached_early_and_compared_late() -> None:
    about = networks.against_edge(looks([[1.0, 2.0, 1.0, 3.0], [1.0, 1.9, 1.0, 1.0]]))
    np.testing.assert_array_equal(about["first"], [3, np.nan])
    np.testing.assert_allclose(about.ratio, [1.0, 0.5])  # steps 6 and 9 are the last third
    np.testing.assert_allclose(about.deviation, [np.sqrt(0.5), 0.0])
    np.testing.assert_allclose(about.above, [0.5, 0.0])
    np.testing.assert_allclose(about.lam, [2.0, 1.0])
    np.testing.assert_allclose(about.top_share, 0.25)
    np.testing.assert_allclose(about.loss, [3, 7])
    np.testing.assert_allclose(networks.against_edge(looks([[4.0, 4.0, 4.0, 2.0]]), last=1.0).ratio, [1.75])
    with pytest.raises(InputError, match="must lie in"):
        networks.against_edge(looks([[1.0]]), last=0.0)
