"""Closed forms are the predictions of claims. ``samdyn verify`` measures all; here are a few that take little time."""

import re
from collections.abc import Callable

import pytest

import samdyn as sd
from samdyn.catalogues import is_published
from samdyn.claims.catalogue import located
from samdyn.theory.closed_form import REGISTER

QUICK = [
    *["usam-map-threshold", "usam-beale", "momentum-escape-rate", "usam-edge", "usam-largest-lr"],
    *["sam-edge-identity", "heavy-ball-two-cycle", "inflated-sharpness", "usam-diffusion"],
]
# The closed forms that the other tests of this folder compare with exact recursions, runs and each other.
TESTED_HERE = {"theorem_3_excess", "heavy_ball_msd", "largest_lr", "gaussian_noise_threshold", "noisy_escape_rate"}
TESTED_HERE |= {"fisher_distance", "look_sam_half_width", "adam_sam_threshold"}


@pytest.mark.parametrize("name", QUICK)
def test_it_is_as_recorded(name: str, verify: Callable[..., None]) -> None:
    verify(sd.claims.named(name))


def test_every_closed_form_is_predicted_by_a_claim() -> None:
    named = {name for _, path in located() for name in re.findall(r"theory\.(\w+)", path.read_text(encoding="utf-8"))}
    own = {form.__name__ for form in REGISTER if is_published(form)}  # other tests register some too
    assert own - named == TESTED_HERE
