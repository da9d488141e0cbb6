"""The loss of a fixed network as a function of its inputs."""

from collections.abc import Callable
from functools import cached_property
from math import prod
from typing import Any

import torch
from torch.func import grad

from ... import checks
from ...oracle import Oracle
from ...simulation.starts import noise_indices
from ..landscape.network import Network

ROWS = 2**12  # number of inputs that the network computes at once
ALIKE = 1e-9  # difference of a sample's output alone and beside another, relative to the largest; rounding makes 1e-15


class InputLoss:
    """The losses ℓᵢ(x) = criterion(network(x; w), targetᵢ) of n samples as functions of the input, for a fixed w.

    Every sample is a point of its own. Points x ``(d, n, …)`` have the d features of an input along the first axis and
    the samples along the second one; further axes are more points for the same samples. So ``grad`` is an oracle like
    that of a landscape, and every method works on inputs: ``SAM(eps).perturbed(loss.x, loss.grad)`` is one step of
    ascent in the ℓ2 norm. The dtype and device of the computation are those of w.

    Attributes:
        network: the network and its criterion.
        w: its parameters, ``(d_w,)``.
        x: the inputs as points, ``(d, n)``.
        targets: the targets, ``(n, …)``.
        runs: the indices of the samples, ``(n,)``, of which the numbers of ``AdditiveNoise`` are a function.

    >>> import samdyn as sd
    >>> from torch.nn.functional import cross_entropy
    >>> from samdyn.networks import Network, attacks, digits, models
    >>> data, model = digits(), models.mlp((64, 16, 10), activation="tanh")
    >>> network = Network(model, cross_entropy, data.train_inputs, data.train_targets)
    >>> loss = attacks.InputLoss(network, network.vector(model), data.test_inputs, data.test_targets)
    >>> higher = sd.SAM(rho=0.5).perturbed(loss.x, loss.grad)
    >>> loss.x.shape, bool((loss.value(higher) > loss.value(loss.x)).all())
    (torch.Size([64, 359]), True)
    """

    def __init__(
        self, network: Network, w: torch.Tensor, inputs: torch.Tensor, targets: torch.Tensor, *, runs: Any = None
    ) -> None:
        """Take a network and samples, which need not be those that it is trained on.

        Args:
            network: the network. A model in training mode stays in it, since a Network has a copy.
            w: the parameters of one network, ``(d_w,)``.
            inputs: n ≥ 1 inputs ``(n, …)``.
            targets: their targets ``(n, …)``.
            runs: integers in [0, 2³²), ``(n,)``. A sample with the same integer has the same noise in every batch.
                None: 0, 1, …, n − 1.

        Raises:
            InputError: no Network; w that is not the parameters of one; inputs that are not real numbers, or of another
                shape than the network's; targets that are not one per input, or that the criterion does not take, as a
                class that does not exist; a loss that is not finite; a network that mixes the samples of a batch, as
                batch norm in training mode does; runs that are not one integer per input.
        """
        if not isinstance(network, Network):
            fix = "Use samdyn.networks.Network(model, criterion, inputs, targets)"
            checks.reject("network", network, "must be a Network", fix)
        if not torch.is_tensor(w) or not w.is_floating_point() or w.shape != (network.dim,):
            shape = tuple(w.shape) if torch.is_tensor(w) else w
            rule = f"must be the parameters of one network, a tensor ({network.dim},) of real numbers"
            checks.reject("w", shape, rule, "Use e.g. network.vector(model)")
        if not torch.is_tensor(inputs) or not inputs.is_floating_point() or not inputs.ndim or not inputs.numel():
            kind = f"{inputs.dtype} {tuple(inputs.shape)}" if torch.is_tensor(inputs) else inputs
            rule = "must be a tensor of real numbers, with samples along its first axis: integers have no gradient"
            checks.reject("inputs", kind, rule, "Give the inputs as the network takes them, e.g. data.test_inputs")
        if inputs.shape[1:] != network.inputs.shape[1:]:
            rule = f"the inputs of this network are (n, {', '.join(map(str, network.inputs.shape[1:]))})"
            checks.reject("inputs", tuple(inputs.shape), rule, "Give inputs of that shape")
        self.network, self.w = network, w.detach()
        self._shape = inputs.shape[1:]
        self.x = inputs.detach().to(self.w).reshape(len(inputs), -1).T
        self.targets = torch.as_tensor(targets, device=w.device)
        number = len(inputs)
        self.runs = torch.arange(number) if runs is None else noise_indices(runs, number, "samples")
        self._check()

    def __repr__(self) -> str:
        return f"InputLoss({self.network.name!r}, {self.x.shape[1]} samples of {len(self.x)} features)"

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """Return the losses: ``(d, n, …) -> (n, …)``."""
        return self._over_rows(self._losses, x).reshape(x.shape[1:])

    @cached_property
    def grad(self) -> Oracle:
        """The oracle that methods call: ``grad(x)``, and ``grad.hvp(x, v)`` with the Hessian in x of each sample."""
        return Oracle(self._grad, self._hvp)

    def inputs(self, x: torch.Tensor) -> torch.Tensor:
        """Return points ``(d, n)`` in the shape of the inputs, ``(n, …)``."""
        return x.T.reshape(-1, *self._shape)

    def _grad(self, x: torch.Tensor) -> torch.Tensor:
        return self._points(self._over_rows(self._slopes, x), x)

    def _hvp(self, x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        # Two backward passes, since some layers have no forward derivative.
        def product(rows: torch.Tensor, v: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return grad(lambda rows: (self._slopes(rows, targets) * v).sum())(rows)

        return self._points(self._over_rows(product, x, v.expand_as(x)), x)

    def _losses(self, rows: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self.network.losses(self.w, rows.reshape(-1, *self._shape), targets)

    def _slopes(self, rows: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the gradient of every loss. One pass has all, since no loss depends on another sample's input."""
        return grad(lambda rows: self._losses(rows, targets).sum())(rows)

    def _over_rows(self, function: Callable[..., torch.Tensor], *points: torch.Tensor) -> torch.Tensor:
        """Return a function of rows ``(k, d)`` and targets for all points ``(d, n, …)``, some at a time."""
        shape = points[0].shape
        if shape[:2] != self.x.shape:
            rule = f"points of these samples are ({', '.join(map(str, self.x.shape))}, …)"
            checks.reject("x", tuple(shape), rule, "Start at the attribute x")
        targets = self.targets.repeat_interleave(prod(shape[2:]), 0)
        rows = [p.movedim(0, -1).reshape(-1, len(self.x)) for p in points]
        return torch.cat([function(*part) for part in zip(*(t.split(ROWS) for t in (*rows, targets)), strict=True)])

    def _points(self, rows: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return rows.reshape(*x.shape[1:], len(x)).movedim(-1, 0)

    @torch.no_grad()
    def _check(self) -> None:
        """Check the loss, and that a sample's output does not depend on the batch.

        Raises:
            InputError: as ``__init__``.
        """
        losses = self.network.losses(self.w, self.inputs(self.x), self.targets)
        if not losses.isfinite().all():
            worst = int((~losses.isfinite()).nonzero()[0])
            fix = "Leave out networks that diverged, and targets that the criterion ignores"
            checks.reject("inputs", f"sample {worst}", f"has the loss {float(losses[worst])}", fix)
        w, one = self.w.double(), self.inputs(self.x[:, :1]).double()
        alone = self.network.outputs(w, one)[0]
        beside = self.network.outputs(w, torch.cat([one, 2 * one + 1]))[0]
        if not torch.allclose(alone, beside, rtol=0, atol=ALIKE * float(beside.abs().max())):
            rule = "has outputs of a sample that depend on the rest of its batch, as with batch norm in training mode"
            checks.reject("network", self.network.name, rule, "Use model.eval()")
