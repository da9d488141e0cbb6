"""The same iterates as the implementations people run, on a network's loss: pytorch_optimizer, and ASAM's authors'.

The rival adds a tiny number to the norm it divides by (``perturb_eps``, 1e-12), so that a vanishing gradient does not
divide by zero; samdyn defines unit(0) = 0 instead. It is set to 0 here, no gradient of these runs being small.
The rival also rounds the norm, and nothing else, to float32, whatever the parameters' type: one test takes it as it is,
to the precision of float32; the others let it run its own lines with a norm in double precision.
"""

import copy

import pytest
import pytorch_optimizer
import torch

import samdyn as sd
from samdyn.oracle import Oracle

STEPS = 20
LR = 0.1
BASES = [
    pytest.param({}, id="plain"),
    pytest.param({"momentum": 0.9}, id="heavy ball"),
    pytest.param({"momentum": 0.9, "nesterov": True}, id="Nesterov"),
]
METHODS = [
    pytest.param(sd.SAM(0.05), {"rho": 0.05, "adaptive": False}, id="SAM"),
    pytest.param(sd.ASAM(0.5), {"rho": 0.5, "adaptive": True}, id="ASAM"),
]

GENERATOR = torch.Generator().manual_seed(0)
INPUTS = torch.randn(16, 3, generator=GENERATOR, dtype=torch.float64)
TARGETS = torch.randn(16, 1, generator=GENERATOR, dtype=torch.float64)


def network():
    net = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1)).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=torch.float64))
    return net


def loss_of(net):
    return torch.nn.functional.mse_loss(net(INPUTS), TARGETS)


def flat(net):
    return torch.nn.utils.parameters_to_vector(net.parameters()).detach().clone()


class NetworkLoss(sd.Landscape):
    """What a Map asks of a landscape: the dimension and the gradient, here those of a network's loss."""

    def __init__(self, net):
        self.net = copy.deepcopy(net)
        self.shapes = {name: p.shape for name, p in self.net.named_parameters()}
        self.dim = len(flat(net))
        gradient = torch.func.grad(self.value)
        self.grad = Oracle(gradient, lambda w, v: torch.func.jvp(gradient, (w,), (v,))[1])

    def value(self, w):
        parts = w.split([shape.numel() for shape in self.shapes.values()])
        parameters = {name: p.reshape(shape) for p, (name, shape) in zip(parts, self.shapes.items(), strict=True)}
        output = torch.func.functional_call(self.net, parameters, (INPUTS,))
        return torch.nn.functional.mse_loss(output, TARGETS)


def ours(method, **momentum):
    """Return samdyn's iterates from the network's initial weights, (step, coord)."""
    net = network()
    iterate = sd.Map(NetworkLoss(net), method, lr=LR, **momentum)
    state = iterate.start(flat(net))
    found = []
    for number in range(1, STEPS + 1):
        state = iterate.step(state, number=number)
        found.append(state[0])
    return torch.stack(found)


def rivals(momentum, **kwargs):
    """Return pytorch_optimizer's iterates, (step, coord)."""
    net = network()
    optimizer = pytorch_optimizer.SAM(net.parameters(), torch.optim.SGD, lr=LR, perturb_eps=0.0, **momentum, **kwargs)
    found = []
    for _ in range(STEPS):

        def closure():
            optimizer.zero_grad()
            loss = loss_of(net)
            loss.backward()
            return loss

        closure()
        optimizer.step(closure)
        found.append(flat(net))
    return torch.stack(found)


class Constant:
    """A schedule of the rival's radius."""

    def __init__(self, rho):
        self.rho = rho

    def step(self):
        return self.rho


def variants_of_rival(name, momentum, **kwargs):
    """Return the iterates of pytorch_optimizer's variants of SAM, (step, coord), with every tiny number set to 0."""
    net = network()
    if name == "GSAM":
        base = torch.optim.SGD(net.parameters(), lr=LR, **momentum)
        rho = Constant(kwargs.pop("rho"))
        optimizer = pytorch_optimizer.GSAM(net.parameters(), base, net, rho, perturb_eps=0.0, **kwargs)
        optimizer.set_closure(torch.nn.functional.mse_loss, INPUTS, TARGETS)
    elif name == "WSAM":
        options = {"lr": LR, "eps": 0.0, **momentum, **kwargs}
        optimizer = pytorch_optimizer.WSAM(net, net.parameters(), torch.optim.SGD, **options)
    else:
        options = {"lr": LR, "perturb_eps": 0.0, **momentum, **kwargs}
        optimizer = pytorch_optimizer.FriendlySAM(net.parameters(), torch.optim.SGD, **options)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(net)
        loss.backward()
        return loss

    found = []
    for _ in range(STEPS):
        if name == "FriendlySAM":
            closure()
        optimizer.step(None if name == "GSAM" else closure)
        found.append(flat(net))
    return torch.stack(found)


def authors(rho, eta, momentum):
    """Return the iterates of ASAM as its authors publish it [A21 and its code], (step, coord).

    For parameters named weight T = |w| + η, for the others 1; the perturbation is ρ T²g/‖Tg‖ with one norm over all.
    """
    net = network()
    base = torch.optim.SGD(net.parameters(), lr=LR, **momentum)
    found = []
    for _ in range(STEPS):
        base.zero_grad()
        loss_of(net).backward()
        with torch.no_grad():
            scales = [p.abs() + eta if "weight" in name else torch.ones_like(p) for name, p in net.named_parameters()]
            scaled = [t * p.grad for t, p in zip(scales, net.parameters(), strict=True)]
            norm = torch.stack([s.norm() for s in scaled]).norm() + 1e-16  # theirs; below the rounding of norms > 1
            moves = [rho * t * s / norm for t, s in zip(scales, scaled, strict=True)]
            torch._foreach_add_(list(net.parameters()), moves)
        base.zero_grad()
        loss_of(net).backward()
        with torch.no_grad():
            torch._foreach_sub_(list(net.parameters()), moves)
        base.step()
        found.append(flat(net))
    return torch.stack(found)


def close(actual, expected, atol):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


def test_the_loss_is_the_networks():
    net = network()
    loss = loss_of(net)
    loss.backward()
    gradient = torch.cat([p.grad.flatten() for p in net.parameters()])
    stand_in = NetworkLoss(net)
    # Two ways through the same operations: rounding of numbers below 10.
    close(stand_in.value(flat(net)), loss.detach(), atol=1e-14)
    close(stand_in.grad(flat(net)), gradient, atol=1e-14)


@pytest.mark.parametrize("momentum", BASES)
@pytest.mark.parametrize(("method", "kwargs"), METHODS)
def test_same_iterates_as_pytorch_optimizer(monkeypatch, method, kwargs, momentum):
    # In double precision throughout (see above). 1e-12: 20 steps on numbers below 10, each rounded to 1e-15, with room
    # for what the steps magnify.
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    expected = rivals(momentum, **kwargs)
    monkeypatch.undo()
    close(ours(method, **momentum), expected, atol=1e-12)
    assert (expected[-1] - expected[0]).abs().max() > 0.1  # they went somewhere


@pytest.mark.parametrize(
    ("method", "kwargs", "reach"), [(*p.values, r) for p, r in zip(METHODS, (1, 3.6), strict=True)]
)
def test_same_iterates_as_pytorch_optimizer_as_it_is(method, kwargs, reach):
    # The norm's relative error, 6e-8 in float32, moves the perturbed point by 6e-8 ρ (times |w| < 3.6, adaptive), its
    # gradient by that times a curvature below 30, and the iterates by 0.1 of that in each of 20 steps.
    close(ours(method), rivals({}, **kwargs), atol=6e-8 * kwargs["rho"] * reach * 30 * LR * STEPS)


@pytest.mark.parametrize("momentum", BASES)
def test_same_iterates_as_asams_authors(momentum):
    net = network()
    weights = tuple("weight" in name for name, p in net.named_parameters() for _ in range(p.numel()))
    assert 0 < sum(weights) < len(weights)
    method = sd.ASAM(0.5, shift=0.01, weights=weights)
    expected = authors(0.5, 0.01, momentum)
    close(ours(method, **momentum), expected, atol=1e-12)  # as above
    # The two published forms differ by far more than the tolerance, and so do the two ways to get it wrong.
    for other in (sd.ASAM(0.5), sd.ASAM(0.5, shift=0.01), sd.ASAM(0.5, weights=weights)):
        assert (ours(other, **momentum)[-1] - expected[-1]).abs().max() > 1e-4


def test_a_radius_off_by_a_hundredth_is_seen():
    # What the comparison can tell apart: an error of 1e-2 in the radius is 1e9 times the tolerance.
    assert (ours(sd.SAM(0.0505)) - rivals({}, rho=0.05)).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("method", "kwargs", "momentum"),
    [
        (sd.methods.GSAM(0.05, alpha=0.3), {"rho": 0.05, "alpha": 0.3}, {}),
        (sd.methods.GSAM(0.05, alpha=0.3), {"rho": 0.05, "alpha": 0.3}, {"momentum": 0.9}),
        # With momentum the decoupled form subtracts the sharpness after the step of the base, which a map does not.
        (sd.methods.WSAM(0.05, gamma=0.6), {"rho": 0.05, "gamma": 0.6, "decouple": True}, {}),
        (sd.methods.WSAM(0.05, gamma=0.6), {"rho": 0.05, "gamma": 0.6, "decouple": False}, {"momentum": 0.9}),
        (sd.methods.FriendlySAM(0.05, sigma=0.7, decay=0.8), {"rho": 0.05, "sigma": 0.7, "lmbda": 0.8}, {}),
        (sd.methods.FriendlySAM(0.05), {"rho": 0.05, "sigma": 1.0, "lmbda": 0.9}, {"momentum": 0.9}),
    ],
)
def test_variants_of_pytorch_optimizer(monkeypatch, method, kwargs, momentum):
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    expected = variants_of_rival(type(method).__name__, momentum, **kwargs)
    monkeypatch.undo()
    close(ours(method, **momentum), expected, atol=1e-12)  # as above
    assert (ours(sd.SAM(0.05), **momentum)[-1] - expected[-1]).abs().max() > 1e-4  # it is not SAM
