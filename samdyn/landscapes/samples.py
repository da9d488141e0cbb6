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
from .formulas.compile import Compiled, compile_torch
from .formulas.degree import degree_at_most_2
from .formulas.derivatives import Derivatives
from .formulas.parse import rational, read, symbols
from .formulas.stable import stable
from .landscape import Landscape

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

    Attributes:
        loss: the loss ℓ of one sample, a SymPy expression in the coordinates and the names of the data.
        data: the samples, one row per name, float64 ``(s, N)``.
        names: the names of the data.

    >>> import samdyn as sd
    >>> sd.SampleLandscape("(a*x - y)**2/2", "a", {"x": [1, 2], "y": [0, 1]}).expr
    a**2/4 + (2*a - 1)**2/4
    """

    def __init__(
        self,
        loss: str | sympy.Expr,
        coordinates: str | Sequence[str],
        data: Mapping[str, Sequence[float]],
        *,
        box: Sequence[tuple[float, float]] | None = None,
        name: str | None = None,
    ) -> None:
        """Read the formula and the samples.

        Args:
            loss: ℓ in the coordinates and the names of the data: a text, or a SymPy expression of real symbols.
            coordinates: the names of the components of w, as in ``Landscape``.
            data: N ≥ 1 finite numbers for every other name in the formula.
            box: one (low, high) pair per coordinate, as in ``Landscape``.
            name: the name, as in ``Landscape``.

        Raises:
            InputError: what ``Landscape`` refuses; no data, or data of different lengths or not finite; a coordinate
                with the name of data.
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
        self.loss = read(loss, (*self.symbols, *symbols(self.names)))
        self.name = self._check_name(name) or f"mean of {self.loss} over {self.samples} samples"
        self._value, self._gradient  # noqa: B018 (compile now, as Landscape does)

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
        names, exact = symbols(self.names), [[rational(v) for v in row] for row in self.data.T.tolist()]
        terms = [self.loss.xreplace(dict(zip(names, sample, strict=True))) for sample in exact]
        return sympy.Add(*terms) / len(terms)

    def restrict(self, fixed: Mapping[str, Any]) -> "SampleLandscape":
        """Return the landscape on a slice, with the same samples; see ``Landscape.restrict``."""
        values, free = self._slice(fixed)
        box = [self.box[self.symbols.index(s)] for s in free]
        data = dict(zip(self.names, self.data.tolist(), strict=True))
        return SampleLandscape(self.loss.xreplace(values), list(map(str, free)), data, box=box)

    def batch_gradient(self, w: torch.Tensor, data: torch.Tensor) -> Point:
        return self._mean(self._sample_gradient, w, data)

    def batch_hvp(self, w: torch.Tensor, data: torch.Tensor, v: torch.Tensor) -> Point:
        hessian = self._mean(self._sample_hessian, w, data)
        return (hessian.reshape(self.dim, self.dim, *hessian.shape[1:]) * v).sum(1)

    def _mean(self, function: Compiled, w: torch.Tensor, data: torch.Tensor) -> torch.Tensor:
        """Return the mean of a function of coordinates and data over the samples, ``(entries, …)``."""
        number, trailing = data.shape[1], data.shape[2:]
        aligned = data.to(w).reshape(*data.shape[:2], *[1] * (w.ndim - 1 - len(trailing)), *trailing)
        total: torch.Tensor | None = None
        for first in range(0, number, BLOCK):
            arguments = torch.broadcast_tensors(*w[:, None], *aligned[:, first : first + BLOCK])
            part = halves(torch.stack(function(*arguments)), 1)
            total = part if total is None else total + part
        assert total is not None  # a batch has at least one sample
        return total / number

    def _over_all(self, function: Compiled) -> Compiled:
        return lambda *w: tuple(self._mean(function, torch.stack(w), self.data))

    def _compiled(self, expressions: Sequence[sympy.Expr]) -> Compiled:
        return compile_torch((*self.symbols, *symbols(self.names)), list(expressions))

    @cached_property
    def _numeric(self) -> Derivatives:
        return Derivatives(stable(self.loss), self.symbols)

    @cached_property
    def _sample_gradient(self) -> Compiled:
        return self._compiled(self._numeric.gradient)

    @cached_property
    def _sample_hessian(self) -> Compiled:
        return self._compiled(self._numeric.hessian)

    @cached_property
    def _value(self) -> Compiled:
        return self._over_all(self._compiled([self._numeric.value]))

    @cached_property
    def _gradient(self) -> Compiled:
        return self._over_all(self._sample_gradient)

    @cached_property
    def _hessian(self) -> Compiled:
        return self._over_all(self._sample_hessian)
