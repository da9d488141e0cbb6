"""Any method as a torch optimizer: what makes the phase portraits trains networks."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch.amp import GradScaler

from .. import checks
from ..methods import Method
from .buffers import Buffers
from .descent import Descent
from .parameters import ParameterBlocks, Parameters
from .passes import Closure, ClosureOracle, Overflow, Passes, no_hvp
from .rounding import Rounding
from .signals import HeldSignals
from .states import arranged, check_settings


class NotFinite(ArithmeticError):
    """A loss or a gradient that is not finite; nothing was changed by the step that met it."""


class Optimizer(torch.optim.Optimizer):
    """Training by a method F: the update of ``samdyn.Map``, with F's gradients taken by a closure.

    v ← γv + F(w) + δw,  w ← w − ηv, from v = 0, with weight decay δ; with Nesterov's form as ``torch.optim.SGD`` has
    it. F sees the trainable parameters of all groups as one vector w.

    ::

        optimizer = Optimizer(model.parameters(), SAM(rho=0.05), lr=0.1, momentum=0.9)

        def closure():
            loss = criterion(model(x), y)
            loss.backward()
            return loss

        loss = optimizer.step(closure)

    The closure is called once for every gradient that the method asks for, with the parameters where it asks. Gradients
    are cleared before. What it does to them, as clipping, or accumulating those of several batches, is part of the
    gradient that F sees. Buffers of modules in training mode, such as running statistics, move in the first
    pass alone, the one at w. After a step the parameters' ``grad`` is F (with Nesterov's form, what torch makes of it).
    What a closure does to the parameters themselves is undone.

    A step is taken as a whole or not at all: after an exception, Ctrl-C among them, parameters, momentum and buffers
    are as before it, or all as after it. While things change, signals wait; in a closure they are let through.

    Save and resume by ``state_dict``; ``torch.distributed.checkpoint`` takes steps of its own, without a closure.

    Groups may have their own lr, momentum, weight_decay and nesterov; the method is one of all parameters.

    Parameters in float16 and bfloat16 round the points where gradients are taken, and the updates, as they do with all
    optimizers: a perturbation of the size of the rounding is lost. A ``RoundingWarning`` says so, once, where more than
    a tenth of one is. Keep parameters in float32 and compute under autocast.

    Attributes:
        method: F.
        steps: how many were taken, those left out by a scaler not among them.
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
        """Take parameters.

        Args:
            params: parameters, (name, parameter) pairs, or groups of them as dictionaries, as all torch optimizers do.
                Ones that do not require gradients stay as they are.
            method: F. ``DNSAM`` and ``ExactSAM`` ask for more than closures can give.
            lr: learning rate η > 0.
            momentum: γ in [0, 1).
            weight_decay: δ ≥ 0.
            nesterov: which form of momentum.

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
        except (TypeError, ValueError) as error:  # torch says what is wrong with them
            checks.reject("params", params, str(error), "Give model.parameters(), or groups of them")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters.

        Raises:
            InputError: as for the constructor; a setting that groups do not have.
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
            closure: computes the loss, calls ``backward`` on it and returns it. Several closures, one per micro-batch,
                make m-SAM: F is the mean of the micro-batches' F.  [Foret et al. 2021, sec. 4.1]
            scaler: of mixed precision: the closure calls ``scaler.scale(loss).backward()`` and returns the loss, and
                ``scaler.update()`` follows the step. Gradients are unscaled here; should one have overflowed, the step
                is left out. In the closure they are still scaled: clip them at ``scaler.get_scale()`` times the norm.

        Returns:
            The loss at w, the mean over micro-batches: a scalar.

        Raises:
            InputError: no closure; one that returns no loss, or leaves a trainable parameter without gradient; a method
                that asks for more than gradients; a setting that is out of its range by now.
            NotFinite: a loss or gradient that is not finite.
        """
        batches = [closure] if callable(closure) else closure
        if scaler is not None and not isinstance(scaler, GradScaler):
            checks.reject("scaler", scaler, "is none", "Use torch.amp.GradScaler(), or several closures in a list")
        if not isinstance(batches, Sequence) or not batches or not all(map(callable, batches)):
            fix = "Give a function that computes the loss, calls backward on it and returns it"
            checks.reject("closure", closure, "there is nothing to take gradients with", fix)
        for group in self.param_groups:
            check_settings(group)  # which schedulers change
        with HeldSignals() as signals, torch.no_grad():
            return self._step(batches, scaler, signals)

    def _step(self, batches: Sequence[Closure], scaler: GradScaler | None, signals: HeldSignals) -> torch.Tensor:
        parameters = self._parameters()
        w, left_out = parameters.read(), False
        taken = [Passes(batch, parameters, w, self._buffers, signals, self._rounding, scaler) for batch in batches]
        self._buffers.begin_step()
        try:
            try:
                update = self._mean_gradient(w, parameters, taken)
            except Overflow:
                left_out = True
            else:
                self._check_finite([loss for passes in taken for loss in passes.losses], update)
                parameters.set_gradient(update if scaler is None else update * scaler.get_scale())
            descents = self._prepare(parameters.tensors)
            if scaler is not None:
                scaler.unscale_(self)  # which sees an overflow too, and will lower the scale
        except BaseException:
            self._undo(parameters, w)
            raise
        if left_out:
            self._undo(parameters, w)
        else:
            parameters.write(w)
            self._descend(descents)
        return torch.stack([passes.losses[0] for passes in taken if passes.losses]).mean()

    def _undo(self, parameters: Parameters, w: torch.Tensor) -> None:
        """Set everything back to where it was when the step began."""
        parameters.write(w)
        self.zero_grad()
        self._buffers.forget_step()

    def state_dict(self) -> dict[str, Any]:
        """Return what a resume needs, the method's name and the number of steps among it."""
        return {**super().state_dict(), "method": repr(self.method), "steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state: the next steps are bit for bit those that would have followed.

        Where the optimizer and the state know their parameters' names, as when they are given by
        ``model.named_parameters()``, momentum goes to the parameter of the same name; otherwise parameters must be in
        the order in which they were.

        Raises:
            InputError: the state of another method, or of another optimizer; nothing is changed.
        """
        # torch would share the velocities with the state, and so with the optimizer that it is of.
        super().load_state_dict(deepcopy(arranged(state_dict, repr(self.method), self.param_groups)))
        self.steps = state_dict["steps"]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "method": self.method, "steps": self.steps}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._buffers, self._rounding = Buffers(), Rounding()

    def _parameters(self) -> Parameters:
        """Return the trainable parameters of all groups."""
        found: list[tuple[str, torch.Tensor]] = []
        for number, group in enumerate(self.param_groups):
            names = group.get("param_names", [f"parameter {i} of group {number}" for i in range(len(group["params"]))])
            found += [(name, p) for name, p in zip(names, group["params"], strict=True) if p.requires_grad]
        if not found:
            fix = "Leave at least one with requires_grad"
            checks.reject("params", sum(len(g["params"]) for g in self.param_groups), "parameters, all frozen", fix)
        return Parameters(found)

    def _mean_gradient(self, w: torch.Tensor, parameters: Parameters, taken: list[Passes]) -> torch.Tensor:
        """Return the mean over batches of F at w, where the parameters are."""
        total: Any = None
        at, method = w, _for_parameters(self.method, parameters)
        for passes in taken:
            passes.at = at
            found = method(w, ClosureOracle(passes.gradient, no_hvp))
            total = found if total is None else total + found
            at = passes.at
        return total / len(taken)

    def _check_finite(self, losses: list[torch.Tensor], update: torch.Tensor) -> None:
        values = torch.stack([loss.to(update.device, update.dtype) for loss in losses])
        ends = torch.stack(update.aminmax())  # nan if there is one
        if not bool(torch.cat([values, ends]).isfinite().all()):
            raise NotFinite(
                f"step {self.steps + 1}: losses {values.tolist()} in its passes, {int((~update.isfinite()).sum())} of "
                f"{len(update)} entries of the update not finite. The parameters are those from before the step. Lower "
                "lr or rho."
            )

    def _prepare(self, moved: list[torch.Tensor]) -> list[Descent]:
        chosen = set(map(id, moved))  # and not what a closure thawed in the meantime
        groups = [(group, [p for p in group["params"] if id(p) in chosen]) for group in self.param_groups]
        return [Descent.prepare(group, params, self.state) for group, params in groups if params]

    def _descend(self, descents: list[Descent]) -> None:
        for descent in descents:
            descent.take()
            for p, velocity in zip(descent.params, descent.velocities, strict=False):
                self.state[p]["momentum_buffer"] = velocity
        self.steps += 1


def _for_parameters(method: Method, parameters: Parameters) -> Method:
    """Return a method with its weights, if it has some of parameters, in the order of these."""
    weights = getattr(method, "weights", None)
    if not isinstance(weights, ParameterBlocks):
        return method
    return replace(method, weights=weights.of(parameters))  # type: ignore[call-arg]
