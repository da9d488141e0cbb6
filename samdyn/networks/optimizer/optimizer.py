"""Any method as a torch optimizer."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch.amp import GradScaler

from ... import checks
from ...interrupts import HeldSignals
from ...methods import Method
from .buffers import Buffers
from .descent import Descent
from .parameters import ParameterBlocks, Parameters
from .passes import Closure, ClosureOracle, Overflow, Passes, no_hvp
from .rounding import Rounding
from .states import arrange, check_settings


class NotFinite(ArithmeticError):
    """A loss or a gradient is not finite. The step that computed it has changed nothing.

    >>> import samdyn as sd
    >>> from samdyn.networks import NotFinite, Optimizer
    >>> w = torch.nn.Parameter(torch.tensor([-1.0]))
    >>> def closure():
    ...     loss = w.log().sum()
    ...     loss.backward()
    ...     return loss
    >>> try:
    ...     Optimizer([w], sd.GD(), lr=0.1).step(closure)
    ... except NotFinite as error:
    ...     print(error)
    step 1: losses [nan] in its passes, ... Lower lr or rho.
    """


class Optimizer(torch.optim.Optimizer):
    """Training by a method F with the update of ``samdyn.Map``, whose gradients a closure computes.

    The update is v ← γv + F(w) + δw, w ← w − ηv from v = 0, with weight decay δ, or Nesterov's form as in
    ``torch.optim.SGD``. F sees the trainable parameters of all groups as one vector w.

    The optimizer calls the closure once for every gradient that the method needs, with the parameters at the point of
    that gradient. It clears the gradients before each call. Whatever the closure does to the gradients, such as
    clipping, or accumulating those of several batches, is part of the gradient that F sees. Buffers of modules in
    training mode, such as running statistics, change only in the first pass, the one at w. After a step the ``grad`` of
    the parameters is F (with Nesterov's form, what torch makes of it). The optimizer undoes any change that a closure
    makes to the parameters.

    A step happens completely or not at all: after an exception, such as Ctrl-C, the parameters, momentum and buffers
    are all as before the step, or all as after it. Signals wait while these change, and are handled during a closure.

    To save and resume, use ``state_dict``. ``torch.distributed.checkpoint`` does not work, since it steps without a
    closure.

    Groups may have their own lr, momentum, weight_decay and nesterov. All groups have the same method.

    Parameters in float16 and bfloat16 round the points of the gradients, and the updates, as with every optimizer. They
    lose a perturbation of the size of the rounding. If a perturbation loses more than a tenth, a ``RoundingWarning``
    says so, once. Keep parameters in float32 and compute under autocast.

    Attributes:
        method: the method F.
        steps: the number of steps, without those that a scaler skipped.

    >>> import samdyn as sd
    >>> from samdyn.networks import Optimizer, models
    >>> model, x, y = models.mlp((2, 4, 1)), torch.ones(8, 2), torch.zeros(8, 1)
    >>> optimizer = Optimizer(model.parameters(), sd.SAM(rho=0.05), lr=0.1, momentum=0.9)
    >>> def closure():
    ...     loss = torch.nn.functional.mse_loss(model(x), y)
    ...     loss.backward()
    ...     return loss
    >>> losses = [float(optimizer.step(closure)) for _ in range(50)]
    >>> losses[-1] < losses[0]
    True
    """

    def __init__(
        self,
        params: Any,
        method: Method,
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        """Take the parameters to train.

        Args:
            params: parameters, (name, parameter) pairs, or groups of them as dictionaries, as for all torch optimizers.
                Parameters that do not require gradients stay as they are.
            method: the method F. ``DNSAM`` and ``ExactSAM`` need more than a closure computes.
            lr: the learning rate η > 0.
            momentum: the momentum γ in [0, 1).
            weight_decay: the weight decay δ ≥ 0.
            nesterov: whether to use Nesterov's form of momentum.

        Raises:
            InputError: a setting out of its range, here or in a group; parameters that are not real numbers.
        """
        if not isinstance(method, Method):
            checks.reject("method", method, "is no method", "Use e.g. samdyn.SAM(rho=0.05)")
        self.method, self.steps = method, 0
        self._buffers, self._rounding = Buffers(), Rounding()
        checks.numeric(self)
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
        try:
            super().__init__(params, defaults)
        except checks.InputError:
            raise
        except (TypeError, ValueError) as error:  # torch's message says what is wrong
            checks.reject("params", params, str(error), "Give model.parameters(), or groups of them")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters.

        Raises:
            InputError: what the constructor refuses, or a setting that groups do not have.
        """
        if not isinstance(param_group, dict) or "params" not in param_group:
            fix = 'Give e.g. {"params": model.parameters(), "lr": 0.1}'
            checks.reject("param_group", param_group, "must be a dictionary with params", fix)
        for key, value in param_group.items():
            if key == "method" or hasattr(self.method, key):
                rule = "groups of parameters have no such setting: the method is one of all of them"
                checks.reject(key, value, rule, f"Use {', '.join(self.defaults)}")
        check_settings({**self.defaults, **param_group}, lowest="> 0")
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if not p.is_floating_point():
                self.param_groups.pop()
                checks.reject("params", p.dtype, "parameters must be real floating-point numbers", "Leave this one out")

    def step(  # type: ignore[override]  # torch's step returns a float
        self, closure: Closure | Sequence[Closure] | None = None, scaler: GradScaler | None = None
    ) -> torch.Tensor:
        """Take one step.

        Args:
            closure: a function that computes the loss, calls ``backward`` on it and returns it. Several closures, one
                per micro-batch, make m-SAM: F is then the mean of F over the micro-batches. [Foret et al. 2021, sec.
                4.1]
            scaler: the GradScaler of mixed precision. The closure calls ``scaler.scale(loss).backward()`` and returns
                the loss, and the caller calls ``scaler.update()`` after the step. This method unscales the gradients,
                and skips the step if one has overflowed. Inside the closure the gradients are still scaled: clip them
                at ``scaler.get_scale()`` times the norm.

        Returns:
            The loss at w, a scalar: the mean over the micro-batches.

        Raises:
            InputError: no closure; a closure that does not return a loss, or that leaves a trainable parameter without
                gradient; a method that needs more than gradients; a setting out of its range.
            NotFinite: a loss or gradient that is not finite.
        """
        batches = [closure] if callable(closure) else closure
        if scaler is not None and not isinstance(scaler, GradScaler):
            checks.reject("scaler", scaler, "is none", "Use torch.amp.GradScaler(), or several closures in a list")
        if not isinstance(batches, Sequence) or not batches or not all(map(callable, batches)):
            fix = "Give a function that computes the loss, calls backward on it and returns it"
            checks.reject("closure", closure, "there is nothing to take gradients with", fix)
        for group in self.param_groups:
            check_settings(group)  # a scheduler may have changed them
        with HeldSignals() as signals, torch.no_grad():
            return self._step(batches, scaler, signals)

    def _step(self, batches: Sequence[Closure], scaler: GradScaler | None, signals: HeldSignals) -> torch.Tensor:
        parameters = self._parameters()
        w, overflow = parameters.read(), False
        passes = [Passes(batch, parameters, w, self._buffers, signals, self._rounding, scaler) for batch in batches]
        self._buffers.begin_step()
        try:
            try:
                update = self._mean_gradient(w, parameters, passes)
            except Overflow:
                overflow = True
            else:
                self._check_finite([loss for one in passes for loss in one.losses], update)
                parameters.set_gradient(update if scaler is None else update * scaler.get_scale())
            descents = self._prepare(parameters.tensors)
            if scaler is not None:
                scaler.unscale_(self)  # the scaler notices an overflow too, and will lower the scale
        except BaseException:
            self._undo(parameters, w)
            raise
        if overflow:
            self._undo(parameters, w)
        else:
            parameters.write(w)
            self._descend(descents)
        return torch.stack([one.losses[0] for one in passes if one.losses]).mean()

    def _undo(self, parameters: Parameters, w: torch.Tensor) -> None:
        """Restore parameters and buffers to their values at the beginning of the step."""
        parameters.write(w)
        self.zero_grad()
        self._buffers.undo_step()

    def state_dict(self) -> dict[str, Any]:
        """Return what a resume needs, including the method's name and the number of steps."""
        return {**super().state_dict(), "method": repr(self.method), "steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a state. The following steps are bit for bit those that would have followed the state.

        If both the optimizer and the state have names of parameters, as from ``model.named_parameters()``, momentum
        goes to the parameter of the same name. Otherwise the parameters must be in the same order as in the state.

        Raises:
            InputError: the state of another method, or of another optimizer. This optimizer is then unchanged.
        """
        # Without the copy, torch would share the velocities with the state, and so with the optimizer that it came
        # from.
        super().load_state_dict(deepcopy(arrange(state_dict, repr(self.method), self.param_groups)))
        self.steps = state_dict["steps"]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "method": self.method, "steps": self.steps}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._buffers, self._rounding = Buffers(), Rounding()

    def _parameters(self) -> Parameters:
        """Return the trainable parameters of all groups.

        Raises:
            InputError: all parameters are frozen.
        """
        trainable: list[tuple[str, torch.Tensor]] = []
        for number, group in enumerate(self.param_groups):
            names = group.get("param_names", [f"parameter {i} of group {number}" for i in range(len(group["params"]))])
            trainable += [(name, p) for name, p in zip(names, group["params"], strict=True) if p.requires_grad]
        if not trainable:
            fix = "Leave at least one with requires_grad"
            checks.reject("params", sum(len(g["params"]) for g in self.param_groups), "parameters, all frozen", fix)
        return Parameters(trainable)

    def _mean_gradient(self, w: torch.Tensor, parameters: Parameters, passes: list[Passes]) -> torch.Tensor:
        """Return the mean of F at w over the batches. The parameters must be at w."""
        total: Any = None
        at, method = w, _for_parameters(self.method, parameters)
        for one in passes:
            one.at = at
            update = method(w, ClosureOracle(one.gradient, no_hvp))
            total = update if total is None else total + update
            at = one.at
        return total / len(passes)

    def _check_finite(self, losses: list[torch.Tensor], update: torch.Tensor) -> None:
        """Raise NotFinite if a loss or an entry of the update is not finite."""
        values = torch.stack([loss.to(update.device, update.dtype) for loss in losses])
        ends = torch.stack(update.aminmax())  # nan if any entry is nan
        if not bool(torch.cat([values, ends]).isfinite().all()):
            raise NotFinite(
                f"step {self.steps + 1}: losses {values.tolist()} in its passes, {int((~update.isfinite()).sum())} of "
                f"{len(update)} entries of the update not finite. The parameters are those from before the step. Lower "
                "lr or rho."
            )

    def _prepare(self, moved: list[torch.Tensor]) -> list[Descent]:
        """Return the steps of all groups, for the parameters in ``moved``."""
        movable = set(map(id, moved))  # a closure may have unfrozen further parameters
        groups = [(group, [p for p in group["params"] if id(p) in movable]) for group in self.param_groups]
        return [Descent.prepare(group, params, self.state) for group, params in groups if params]

    def _descend(self, descents: list[Descent]) -> None:
        """Take the steps of all groups."""
        for descent in descents:
            descent.take()
            for p, velocity in zip(descent.params, descent.velocities, strict=False):
                self.state[p]["momentum_buffer"] = velocity
        self.steps += 1


def _for_parameters(method: Method, parameters: Parameters) -> Method:
    """Return a method whose ``weights``, if it has any of parameters, are in the order of these parameters."""
    weights = getattr(method, "weights", None)
    if not isinstance(weights, ParameterBlocks):
        return method
    return replace(method, weights=weights.of(parameters))  # type: ignore[call-arg]
