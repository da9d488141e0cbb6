"""The loss of a neural network as a landscape of its parameters."""

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import Any, NoReturn

import numpy as np
import sympy
import torch
from torch import nn
from torch.func import functional_call, grad, jacrev, vjp, vmap

from ... import checks
from ...landscapes import Box, Sampled
from ...ops import Point, is_symbolic
from .criterion import check_mean, losses
from .functional import Functional, ThreadCopies, like
from .gradient import Gradient

Criterion = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
MAX_ASYMMETRY = 1e-9  # |vᵀHu − uᵀHv| relative to the sizes of u, v, Hu and Hv; rounding alone makes 1e-15
FEW = 4  # number of samples on which a new landscape checks the model and the criterion
NEARBY = 0.1  # standard deviation of random parameters about the model's own, in the units of the parameters
MAX_ENTRIES = 2**25  # numbers of weights and of features of samples that networks computed at once have together


class Network(Sampled):
    """The landscape L(w) = (1/N) Σᵢ criterion(network(inputᵢ; w), targetᵢ) of the trainable parameters w ``(d,)``.

    It has no formula. Otherwise it is a landscape like others, for maps, ensembles, growth rates, traps and
    ``noise.FiniteSum``. The trailing axes of w ``(d, …)`` count networks, which ``torch.func`` computes at once. A run
    is the same in every ensemble to rounding. The dtype and device of the computation are those of w.

    Batch norm in training mode normalises by the statistics of its batch and keeps no running statistics; in
    ``model.eval()`` it uses those of the model. torch has no batching rule for recurrent layers, so w must be one
    network for them.

    Attributes:
        model: a copy of the model. Its frozen parameters are constants; the values of the others are not used.
        criterion: the mean loss of outputs and targets.
        inputs: the inputs of the N samples, along the first axis.
        targets: the targets of the N samples, along the first axis.
        name: the name in tables and figures.

    >>> from torch.nn.functional import mse_loss
    >>> from samdyn.networks import Network, models
    >>> x = torch.tensor([[0.25], [0.5], [1.0]])
    >>> loss = Network(models.OneNeuron(1.0, 1.0), mse_loss, x, x**2)
    >>> loss.value([1.0, 1.0]), loss.value([0.0, 0.0])
    (tensor(0., dtype=torch.float64), tensor(0.3555, dtype=torch.float64))
    """

    has_formula = False
    is_quadratic = False

    def __init__(
        self,
        model: nn.Module,
        criterion: Criterion,
        inputs: torch.Tensor,
        targets: torch.Tensor,
        *,
        name: str | None = None,
    ) -> None:
        """Take a model and its data.

        Args:
            model: any module that ``torch.func.functional_call`` can call.
            criterion: the mean loss of outputs and targets, e.g. ``torch.nn.functional.cross_entropy``.
            inputs: N ≥ 1 inputs along the first axis.
            targets: N targets along the first axis.
            name: the name. Default: the name of the model's class.

        Raises:
            InputError: no trainable parameter; a model that draws random numbers, as dropout does, or that changes its
                buffers, as running statistics do; outputs that are not a tensor; no samples, or not one target per
                input; a criterion that cannot take them, or that is not a mean over samples, such as a sum, a mean with
                class weights, or a mean that ignores some targets.
        """
        if not isinstance(model, nn.Module):
            checks.reject("model", model, "must be a torch.nn.Module", "Use e.g. samdyn.networks.models.mlp((4, 8, 2))")
        if not callable(criterion) or isinstance(criterion, type):
            fix = "Use e.g. torch.nn.functional.cross_entropy, or torch.nn.CrossEntropyLoss()"
            checks.reject("criterion", criterion, "must be a function of outputs and targets", fix)
        inputs, targets = _samples("inputs", inputs), _samples("targets", targets)
        if len(inputs) != len(targets) or not len(inputs):
            rule = f"{len(inputs)} inputs for {len(targets)} targets"
            checks.reject("inputs", tuple(inputs.shape), rule, "Give as many, at least one of each")
        self._function = Functional(model)
        self.model, self.dim = self._function.model, self._function.dim
        self.criterion, self.inputs, self.targets = criterion, inputs, targets
        if isinstance(criterion, nn.Module):
            self._criteria = ThreadCopies(criterion)
        self.data = torch.arange(len(inputs))[None]  # noise draws batches of the samples' indices
        self.name = name or type(model).__name__
        self._function.check(inputs[:FEW])
        check_mean(self._mean_loss, self._generic_outputs(), targets)

    @torch.no_grad()
    def _generic_outputs(self) -> torch.Tensor:
        """Return the outputs for a few samples, float64 on the CPU, at random parameters near those of the model.

        At the parameters of the model itself all outputs may be equal.
        """
        w = self.vector(self.model).cpu()
        points = [w + NEARBY * torch.as_tensor(np.random.default_rng(0).standard_normal(self.dim)), w]
        outputs = [self._function(point, like(self.inputs[:FEW].cpu(), w)) for point in points]
        return next((some for some in outputs if some.isfinite().all()), outputs[-1])

    def __repr__(self) -> str:
        return f"Network({self.name!r}, {self.dim} parameters, {self.samples} samples)"

    @cached_property
    def symbols(self) -> tuple[sympy.Symbol, ...]:  # type: ignore[override]  # computed on first use
        """The names w0, w1, … of the coordinates."""
        return tuple(sympy.Symbol(f"w{i}", real=True) for i in range(self.dim))

    @cached_property
    def box(self) -> Box:  # type: ignore[override]
        """The box from −3 to 3 along every coordinate."""
        return ((-3.0, 3.0),) * self.dim

    @property
    def formula(self) -> str:
        """The name, since there is no formula."""
        return self.name

    @cached_property
    def expr(self) -> NoReturn:
        """Refuse, since there is no formula.

        Raises:
            InputError: always.
        """
        fix = "Use what needs numbers alone: simulate, growth rates, extreme_eigenpairs; or a landscape with a formula"
        checks.reject("landscape", self, "has no formula", fix)

    def vector(self, models: nn.Module | Iterable[nn.Module]) -> torch.Tensor:
        """Return the parameters of one model, float64 ``(d,)``, or of several, ``(n, d)``, as starts of runs.

        Raises:
            InputError: a model with other parameters.
        """
        return self._function.vector(models)

    def load(self, model: nn.Module, w: Any) -> None:
        """Set the trainable parameters of a model to w ``(d,)``.

        Raises:
            InputError: a model with other parameters, or w that is not one point. The model is then unchanged.
        """
        self._function.load(model, self._point(w))

    def outputs(self, w: Any, inputs: torch.Tensor) -> torch.Tensor:
        """Return the outputs of the networks for inputs ``(n, …)``: ``(d, …) -> (…, n, classes)``."""
        w = self._point(w)
        inputs = like(_samples("inputs", inputs), w)
        return self._over_columns(lambda w: self._function(w, inputs), w, out=0)

    def accuracy(self, w: Any, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the share of inputs ``(n, …)`` whose predicted class is their target ``(n,)``: ``(d, …) -> (…)``.

        Raises:
            InputError: targets that are not one class per input.
        """
        return self.correct(w, inputs, targets).double().mean(-1)

    def correct(self, w: Any, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return which inputs ``(n, …)`` have their target ``(n,)`` as predicted class: ``(d, …) -> (…, n)``, bool.

        Raises:
            InputError: targets that are not one class per input.
        """
        inputs, targets = _samples("inputs", inputs), _samples("targets", targets)
        outputs = self.outputs(w, inputs)
        if targets.shape != (len(inputs),) or outputs.shape[-1] < 2:
            rule = f"for outputs {tuple(outputs.shape[-2:])}: must be a class for each of two or more outputs"
            checks.reject("targets", tuple(targets.shape), rule, f"Give an array of shape ({len(inputs)},)")
        predicted = outputs.argmax(-1)
        return predicted == targets.to(predicted.device)

    def losses(self, w: Any, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss of each of n inputs ``(n, …)`` and its target ``(n, …)``: ``(d, …) -> (…, n)``.

        Raises:
            InputError: targets that the criterion does not take with the outputs.
        """
        w = self._point(w)
        inputs, targets = like(_samples("inputs", inputs), w), like(_samples("targets", targets), w)
        if len(inputs) != len(targets):
            rule = f"{len(targets)} targets for {len(inputs)} inputs"
            checks.reject("targets", tuple(targets.shape), rule, "Give as many")
        return self._over_columns(lambda w: losses(self._mean_loss, self._function(w, inputs), targets), w, out=0)

    def value(self, w: Any) -> torch.Tensor:
        """Return L(w): ``(d, …) -> (…)``."""
        return self._over_columns(self._loss_of_all, self._point(w), out=0)

    def hessian(self, w: Any) -> torch.Tensor:
        """Return the Hessian: ``(d, …) -> (d, d, …)``."""
        _ = self._symmetric
        w = self._point(w)
        return self._over_columns(jacrev(grad(self._loss_of_all), chunk_size=self._at_once), w)

    def batch_gradient(self, w: torch.Tensor, data: torch.Tensor) -> Point:
        def gradient(w: torch.Tensor) -> torch.Tensor:
            return self._over_columns(grad(self._loss), *self._aligned(w, data[0]))

        return Gradient.apply(w, gradient, lambda w, v: self.batch_hvp(w, data, v))

    def batch_hvp(self, w: torch.Tensor, data: torch.Tensor, v: torch.Tensor) -> Point:
        _ = self._symmetric
        w, samples = self._aligned(w, data[0])
        return self._over_columns(lambda w, n, v: _hvp(lambda w: self._loss(w, n), w, v), w, samples, v)

    def restrict(self, fixed: Any) -> NoReturn:
        """Refuse, since coordinates have no names that a user knows.

        Raises:
            InputError: always.
        """
        checks.reject(
            "fixed", fixed, "networks cannot be restricted by name", "Freeze parameters: requires_grad_(False)"
        )

    def hvp_at(self, w: Any) -> Callable[[Point], Point]:
        """Return v ↦ H(w)v at one network w ``(d,)``. The passes to the gradient are computed once for all products."""
        _ = self._symmetric
        w = self._point(w)
        if w.ndim != 1:
            return super().hvp_at(w)
        products = vjp(grad(self._loss_of_all), w.detach().contiguous())[1]  # H is symmetric, so vᵀH is Hv
        return lambda v: products(self._point(v).to(w))[0]

    def _grad(self, w: Any) -> Point:
        return Gradient.apply(self._point(w), partial(self._over_columns, grad(self._loss_of_all)), self._hvp)

    def _hvp(self, w: Any, v: Any) -> Point:
        _ = self._symmetric
        w = self._point(w)
        return self._over_columns(lambda w, v: _hvp(self._loss_of_all, w, v), w, self._point(v).to(w))

    @cached_property
    def _symmetric(self) -> bool:
        """Whether the Hessian of a few samples is symmetric at the model's own parameters.

        Raises:
            InputError: it is not symmetric, so torch's second derivatives are wrong.
        """
        w, few = self.vector(self.model), torch.arange(min(FEW, self.samples))
        u, v = torch.as_tensor(np.random.default_rng(0).standard_normal((2, self.dim))).to(w)
        of_u, of_v = (_hvp(lambda w: self._loss(w, few.to(w.device)), w, x) for x in (u, v))
        here, there, size = float(v @ of_u), float(u @ of_v), float(of_u.norm() * v.norm() + of_v.norm() * u.norm())
        if abs(here - there) > MAX_ASYMMETRY * size:
            rule = f"has a Hessian that is not symmetric, vᵀHu = {here:.6g} and uᵀHv = {there:.6g}: torch's is wrong"
            fix = "Replace the layer that makes it so, as torch's weight_norm; gradients are right"
            checks.reject("model", self.name, rule, fix)
        return True

    def _point(self, w: Any) -> Point:
        if is_symbolic(w):
            _ = self.expr
        return super()._point(w)

    def _loss_of_all(self, w: torch.Tensor) -> torch.Tensor:
        return self._mean_loss(self._function(w, like(self.inputs, w)), like(self.targets, w))

    def _loss(self, w: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        return self._mean_loss(self._function(w, like(self.inputs, w)[samples]), like(self.targets, w)[samples])

    def _mean_loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if not isinstance(self.criterion, nn.Module):
            return self.criterion(outputs, targets)
        own = {n: like(t, outputs) for n, t in self.criterion.named_buffers()}  # such as weights of outputs
        return functional_call(self._criteria.own(), own, (outputs, targets))

    def _aligned(self, w: torch.Tensor, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return w ``(d, …)`` and indices of samples ``(B, …)`` with equal trailing axes."""
        samples = samples.to(w.device, torch.int64)
        samples = samples.reshape(len(samples), *[1] * (w.ndim - samples.ndim), *samples.shape[1:])
        trailing = torch.broadcast_shapes(w.shape[1:], samples.shape[1:])
        return w.expand(-1, *trailing), samples.expand(-1, *trailing)

    @property
    def _at_once(self) -> int:
        """The number of networks that are computed at once."""
        return max(1, MAX_ENTRIES // (self.dim + self.inputs.numel()))

    def _over_columns(
        self, function: Callable[..., torch.Tensor], *points: torch.Tensor, out: int = -1
    ) -> torch.Tensor:
        """Apply a function of vectors along the trailing axes of points, which become axis ``out`` of the result."""
        trailing = points[0].shape[1:]
        if not trailing:
            return function(*(p.contiguous() for p in points))  # torch's batch norm reads strided weights wrongly
        flat = [p.reshape(len(p), -1) for p in points]
        number = flat[0].shape[1]
        if not number:  # vmap cannot run over no column
            flat = [p.new_zeros(len(p), 1) for p in flat]
        result = vmap(function, in_dims=1, out_dims=out, chunk_size=self._at_once)(*flat)
        return result.narrow(out, 0, number).unflatten(out, trailing)


def _hvp(loss: Callable[[torch.Tensor], torch.Tensor], w: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Return H(w)v by two backward passes, since some layers have no forward derivative."""
    return grad(lambda w: (grad(loss)(w) * v).sum())(w)


def _samples(name: str, values: Any) -> torch.Tensor:
    """Return samples as a tensor with a first axis.

    Raises:
        InputError: they are not an array, or one number.
    """
    fix = "Give an array, the samples along its first axis"
    try:
        samples = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        checks.reject(name, values, f"is no array: {error}", fix)
    if not samples.ndim:
        checks.reject(name, values, "is one number", fix)
    return samples
