"""The programs of steps compute the steps of maps."""

from typing import Any

import pytest
import torch

import samdyn as sd
from samdyn.compiler.web import step_program

KINDS = {
    "plain": (False, False, 0.0),
    "heavy ball": (True, False, 0.8),
    "Nesterov": (True, True, 0.8),
}


@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_those_of_a_map(kind: str, evaluate: Any, agrees: Any) -> None:
    has_velocity, nesterov, momentum = KINDS[kind]
    w, v = torch.randn(2, 2, 20, generator=torch.Generator().manual_seed(0)).double()
    beale = sd.landscapes.beale()
    map_ = sd.Map(beale, sd.GD(), lr=0.03, momentum=momentum, nesterov=nesterov)
    state = (w, v) if has_velocity else (w,)
    expected = torch.cat([*map_.step(state), *([] if has_velocity else [v])])
    update = beale.grad(w)
    values = [*w, *v, *update, torch.full_like(w[0], 0.03), torch.full_like(w[0], momentum)]
    program = step_program(has_velocity, nesterov)
    agrees(evaluate(program, dict(zip(program["inputs"], values, strict=True))), expected, 1e-14)
