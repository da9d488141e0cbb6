"""Starts around a point lie where their distribution says."""

import numpy as np

import samdyn as sd


def test_a_sphere_is_the_surface_of_the_disc(origin: sd.analysis.CriticalPoint) -> None:
    disc, sphere = (sd.analysis.starts_around(origin, 400, kind, 0.3, 1) for kind in ("disc", "Sphere"))
    np.testing.assert_allclose(np.linalg.norm(sphere - origin.w, axis=1), 0.3)
    assert np.linalg.norm(disc - origin.w, axis=1).min() < 0.1
    assert abs(sphere.mean(0) - origin.w).max() < 0.05  # 400 directions; 0.3/√800 is a standard error
