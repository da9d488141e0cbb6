"""The compiled search for surfaces finds what the one in torch does."""

from importlib import import_module

import torch

import samdyn as sd

jumps, search = (import_module(f"samdyn.simulation.discontinuities.{name}") for name in ("jumps", "search"))


def test_compiled_and_eager_searches_find_the_same_surfaces() -> None:
    flow = sd.Flow(sd.Landscape("(x**2 + y**2 + z**2 - 1)**2", "x y z"), sd.SAM(0.05))
    way = torch.randn(3, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    way /= way.norm(dim=0)
    height = torch.linspace(-0.02, 0.02, 40, dtype=torch.float64)
    height[::4] = 0.4  # too far away to be found
    w = ((1 - height) * way)[:, None].expand(3, 2, 40)
    reach = torch.tensor([[1e-9], [2e-9]], dtype=torch.float64).expand(2, 40)
    compiled, eager = search.SurfaceSearch(flow, "compiled"), search.SurfaceSearch(flow, "eager")
    (s, exists), (true_s, true_exists) = (one(w, way, reach, attempts=6) for one in (compiled, eager))
    assert (exists == (height < 0.1)).all()  # the search reaches 32⁵ times as far as at first
    assert (true_exists == exists).all()
    torch.testing.assert_close(s[exists], height.expand(2, 40)[exists], rtol=0, atol=1e-14)
    torch.testing.assert_close(true_s[exists], s[exists], rtol=0, atol=1e-14)
