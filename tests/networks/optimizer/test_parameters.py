"""Parameters as one vector: read, written back, and never the same memory."""

import pytest
import torch

import samdyn as sd
from samdyn.networks.optimizer.parameters import Parameters, weights


def some(*dtypes: torch.dtype) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 3 + i, generator=generator).to(dtype) for i, dtype in enumerate(dtypes)]


@pytest.mark.parametrize(
    ("dtypes", "wide"),
    [
        ([torch.float64], torch.float64),
        ([torch.float64] * 2, torch.float64),
        ([torch.bfloat16] * 2, torch.float32),  # in which a method computes
        ([torch.float16, torch.bfloat16], torch.float32),
        ([torch.bfloat16, torch.float64], torch.float64),
    ],
)
def test_reading_and_writing_back_loses_nothing(dtypes: list[torch.dtype], wide: torch.dtype) -> None:
    tensors = some(*dtypes)
    parameters = Parameters([(str(i), p) for i, p in enumerate(tensors)])
    w = parameters.read()
    assert w.dtype == wide
    assert w.tolist() == [float(x) for p in tensors for x in p.flatten()]
    before = [p.clone() for p in tensors]
    parameters.write(torch.zeros_like(w))
    assert not any(p.any() for p in tensors)
    assert w.any()  # a copy
    parameters.write(w)
    assert all(map(torch.equal, tensors, before))


def test_gradients_are_copied_too() -> None:
    (p,) = some(torch.float64)
    p.grad = torch.ones_like(p)
    parameters = Parameters([("p", p)])
    g = parameters.gradient()
    parameters.set_gradient(2 * g)
    assert (g == 1).all()
    assert (p.grad == 2).all()


@pytest.mark.parametrize("parameters", [torch.zeros(2), [torch.zeros(2)], [("weight", 3)], ["ab"]])
def test_weights_are_of_a_model_or_of_pairs(parameters: object) -> None:
    with pytest.raises(sd.InputError, match=r"^parameters = .*is no pair of a name and a tensor"):
        weights(parameters)
