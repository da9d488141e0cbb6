"""A loss that is a mean over samples, with the gradient of any mini-batch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import sympy
import torch

from .. import checks
from ..ops import Point, halves
from .formulas.code import Code
from .formulas.compile import Compiled
from .formulas.degree import degree_at_most_2
from .formulas.parse import parameter_symbols, rational, read, symbols
from .landscape import Landscape
from .values import like, read_values

BLOCK = 16  # number of samples added at once; the order of the additions, and so the bits of a mean, depend on it


class Sampled(Landscape, ABC):
    """The base class of losses L(w) = (1/N) Σᵢ ℓ(w; sample i), from which ``noise.FiniteSum`` draws mini-batches.

    Attributes:
        data: the samples, s numbers each, ``(s, N)``.

    >>> import samdyn as sd
    >>> line = sd.SampleLandscape("(a*x - y)**2/2", "a", {"x": [1, 2], "y": [0, 1]})
    >>> isinstance(line, sd.landscapes.Sampled), line.samples
    (True, 2)
    """

    data: torch.Tensor

    @property
    def samples(self) -> int:
        """The number N of samples."""
        return self.data.shape[1]

    @abstractmethod
    def batch_gradient(self, w: torch.Tensor, data: torch.Tensor) -> Point:
        """Return the mean gradient over B samples: w ``(d, …)``, data ``(s, B, …)`` -> ``(d, …)``.

        The trailing axes of w and of data broadcast.
        """

    @abstractmethod
    def batch_hvp(self, w: torch.Tensor, data: torch.Tensor, v: torch.Tensor) -> Point:
        """Return the mean Hessian over B samples times v: w and v ``(d, …)``, data ``(s, B, …)`` -> ``(d, …)``."""


class SampleLandscape(Sampled):
    """The mean of one formula over samples.

    The formula may have parameters, as that of a ``Landscape``.

    Attributes:
        loss: the loss ℓ of one sample, a SymPy expression in the coordinates, the names of the data and the parameters.
        data: the samples, one row per name, float64 ``(s, N)``.
        names: the names of the data.

    >>> import samdyn as sd
    >>> sd.SampleLandscape("(a*x - y)**2/2", "a", {"x": [1, 2], "y": [0, 1]}).expr
    a**2/4 + (2*a - 1)**2/4
    >>> ridge = sd.SampleLandscape("(w*x - y)**2 + c*w**2", "w", {"x": [1], "y": [2]}, parameters={"c": 1})
    >>> ridge.with_parameters(c=[0, 1]).value([[2.0, 1.0]])
    tensor([0., 2.], dtype=torch.float64)
    """

    def __init__(
        self,
        loss: str | sympy.Expr,
        coordinates: str | Sequence[str],
        data: Mapping[str, Sequence[float]],
        *,
        parameters: Mapping[str, Any] | None = None,
        box: Sequence[tuple[float, float]] | None = None,
        name: str | None = None,
    ) -> None:
        """Read the formula and the samples.

        Args:
            loss: ℓ in the coordinates, the names of the data and the parameters: a text, or a SymPy expression of real
                symbols.
            coordinates: the names of the components of w, as in ``Landscape``.
            data: N ≥ 1 finite numbers for every name of data in the formula.
            parameters: the value of every other name in the formula, as in ``Landscape``.
            box: one (low, high) pair per coordinate, as in ``Landscape``.
            name: the name, as in ``Landscape``.

        Raises:
            InputError: what ``Landscape`` refuses; no data, or data of different lengths or not finite; a coordinate
                or a parameter with the name of data.
        """
        self._set_coordinates(coordinates, box)
        fix = 'Give as many finite numbers for every name, e.g. data={"x": [1.0, 2.0], "y": [0.0, 1.0]}'
        if not isinstance(data, Mapping):
            checks.reject("data", data, "must be a dictionary of samples by name", fix)
        self.names = tuple(map(str, symbols(list(data))))
        shared = [n for n in self.names if n in map(str, self.symbols)]
        if shared:
            checks.reject("data", shared[0], "is a coordinate and a name of data", "Choose different names")
        rows = []
        for key, values in data.items():
            try:
                row = np.array(values, dtype=float)
            except (TypeError, ValueError, OverflowError):
                row = np.array(np.nan)
            if row.ndim != 1 or not row.size or not np.isfinite(row).all():
                checks.reject("data", key, "must be one or more finite numbers", fix)
            rows.append(row)
        if len({len(row) for row in rows}) > 1:
            checks.reject("data", {k: len(r) for k, r in zip(data, rows, strict=True)}, "lengths that differ", fix)
        self.data = torch.tensor(np.array(rows))
        of_parameters = read_values({} if parameters is None else parameters, self.symbols)
        own = parameter_symbols(list(of_parameters), self.symbols)
        if shared := [s.name for s in own if s.name in self.names]:
            checks.reject("parameters", shared[0], "is a parameter and a name of data", "Choose different names")
        of_data = symbols(self.names)
        self.loss = read(loss, (*self.symbols, *of_data), own)
        self._check_use(self.loss, own)
        self._code = Code(self.loss, self.symbols, (*of_data, *own))
        self._name = self._check_name(name)
        if of_parameters:
            self._values = dict(zip(map(str, own), of_parameters.values(), strict=True))
        self._check_values()
        self._code.value, self._code.gradient  # noqa: B018 (compile now, as Landscape does)

    @property
    def _own(self) -> tuple[sympy.Symbol, ...]:
        return self._code.parameters[len(self.names) :]

    def _describe(self) -> str:
        return f"mean of {self.loss} over {self.samples} samples"

    @property
    def formula(self) -> str:
        """The name, since the formula has N terms."""
        return self.name

    @cached_property
    def is_quadratic(self) -> bool:
        """Whether the loss of one sample is a polynomial of degree 2 or less in the coordinates."""
        return degree_at_most_2(self.loss, self.symbols)

    @cached_property
    def expr(self) -> sympy.Expr:
        """The formula of the mean over the samples, with N terms."""
        names, rows = symbols(self.names), [[rational(v) for v in row] for row in self.data.T.tolist()]
        loss = self._at_values()
        terms = [loss.xreplace(dict(zip(names, sample, strict=True))) for sample in rows]
        return sympy.Add(*terms) / len(terms)

    def is_family_of(self, other: Landscape) -> bool:
        """Return whether another landscape has the same formula and samples, and differs in its parameters alone."""
        if not isinstance(other, SampleLandscape):
            return False
        return super().is_family_of(other) and torch.equal(self.data, other.data)

    def restrict(self, fixed: Mapping[str, Any]) -> "SampleLandscape":
        """Return the landscape on a slice, with the same samples; see ``Landscape.restrict``."""
        values, free = self._slice(fixed)
        box = [self.box[self.symbols.index(s)] for s in free]
        data = dict(zip(self.names, self.data.tolist(), strict=True))
        loss = self.loss.xreplace(values)
        pairs = zip(self._own, self._values.items(), strict=True)
        parameters = {name: value for symbol, (name, value) in pairs if loss.has(symbol)}
        return SampleLandscape(loss, list(map(str, free)), data, parameters=parameters, box=box)

    def batch_gradient(self, w: torch.Tensor, data: torch.Tensor) -> Point:
        return self._mean(self._code.gradient, w, data)

    def batch_hvp(self, w: torch.Tensor, data: torch.Tensor, v: torch.Tensor) -> Point:
        hessian = self._mean(self._code.hessian, w, data)
        return (hessian.reshape(self.dim, self.dim, *hessian.shape[1:]) * v).sum(1)

    def _mean(self, function: Compiled, w: torch.Tensor, data: torch.Tensor) -> torch.Tensor:
        """Return the mean of a function of coordinates, data and parameters over the samples, ``(entries, …)``."""
        number, trailing = data.shape[1], data.shape[2:]
        aligned = data.to(w).reshape(*data.shape[:2], *[1] * (w.ndim - 1 - len(trailing)), *trailing)
        values = [like(name, value, w) for name, value in self._values.items()]
        total: torch.Tensor | None = None
        for first in range(0, number, BLOCK):
            arguments = torch.broadcast_tensors(*w[:, None], *aligned[:, first : first + BLOCK], *values)
            part = halves(torch.stack(function(*arguments)), 1)
            total = part if total is None else total + part
        assert total is not None  # a batch has at least one sample
        return total / number

    def _over_all(self, function: Compiled) -> Compiled:
        return lambda *w: tuple(self._mean(function, torch.stack(w[: self.dim]), self.data))

    @property
    def _value(self) -> Compiled:
        return self._over_all(self._code.value)

    @property
    def _gradient(self) -> Compiled:
        return self._over_all(self._code.gradient)

    @property
    def _hessian(self) -> Compiled:
        return self._over_all(self._code.hessian)
