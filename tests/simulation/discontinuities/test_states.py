"""Runs move between states as the table of transitions says."""

from typing import Any

import numpy as np
import pytest
import torch

import samdyn as sd
from samdyn.simulation.discontinuities.filippov import Filippov
from samdyn.simulation.discontinuities.states import DECISIONS, FINAL, LAST, NEXT, State

STARTS = np.random.default_rng(0).uniform(-1, 1, (6, 2))
ON_KINKS = np.array([[0.0, 0.5], [0.5, 0.0], [0.0, 0.0]])
CASES = [  # formula, method, starts, time
    ("abs(x) + x*y - y", sd.GD(), np.concatenate([STARTS, ON_KINKS]), 2.0),
    ("abs(x) + 2*abs(y)", sd.GD(), np.concatenate([STARTS, ON_KINKS]), 0.5),
    ("2*x + abs(x) + y**2/2", sd.GD(), STARTS[:1], 3.0),
    ("x**2 - y**2", sd.SAM(0.5), STARTS[:1], 10.0),
    ("1e9*(y-x**2)**2/2 + (x-1)**2/2", sd.GD(), STARTS[:2], 1.0),
    ("x**2/2 + 1e7*y**2/2", sd.GD(), STARTS[:1], 10.0),
]


def test_every_state_has_a_way_on() -> None:
    integrated = {state for state, _ in NEXT}
    assert integrated.isdisjoint(DECISIONS)
    assert integrated | set(DECISIONS) | set(FINAL) == set(State)


def test_transitions_are_those_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    follow, transitions = Filippov.follow, set()

    def record(self: Filippov, which: torch.Tensor) -> None:
        for state, move in list(self._moves.items()):

            def moves(some: torch.Tensor, state: State = state, move: Any = move) -> None:
                move(some)
                transitions.update((state, State(after)) for after in self.runs.state[some].tolist())

            self._moves[state] = moves
        follow(self, which)

    monkeypatch.setattr(Filippov, "follow", record)
    for formula, method, starts, time in CASES:
        sd.integrate(sd.Flow(sd.Landscape(formula, "x y"), method), starts, time, max_steps=3000, device="cpu")
    ways_on = {(state, after) for (state, _), after in NEXT.items()}
    ways_on |= {(state, LAST.get(state, State.END)) for state, _ in NEXT}
    ways_on |= {(state, after) for state, several in DECISIONS.items() for after in several}
    assert transitions <= ways_on
    assert {state for state, _ in transitions} == set(State) - set(FINAL)
