"""Any method as a torch optimizer: what makes the phase portraits trains networks."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.amp import GradScaler
from torch.optim.sgd import sgd

from .. import checks
from ..methods import Method
from .parameters import Parameters
from .passes import Closure, ClosureOracle, Overflow, Passes, no_hvp
from .running_statistics import RunningStatistics


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
    gradient that F sees. Running statistics of batch norm move in the first pass alone, the one at w. After a step the
    parameters' ``grad`` is F (with Nesterov's form, what torch makes of it). What a closure does to the parameters
    themselves is undone.

    Save and resume by ``state_dict``; ``torch.distributed.checkpoint`` takes steps of its own, without a closure.

    Groups may have their own lr, momentum, weight_decay and nesterov; the method is one of all parameters.

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
        self._statistics = RunningStatistics()
        checks.numeric(self)
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters.

        Raises:
            InputError: as for the constructor; a setting that groups do not have.
        """
        for key, value in param_group.items():
            if key == "method" or hasattr(self.method, key):
                rule = "groups of parameters have no such setting: the method is one of all of them"
                checks.reject(key, value, rule, f"Use {', '.join(self.defaults)}")
        settings = {**self.defaults, **param_group}
        checks.positive("lr", settings["lr"], "Use e.g. lr=0.1")
        fix = "Use e.g. momentum=0.9, or 0 for none"
        checks.number("momentum", settings["momentum"], "must lie in [0, 1)", fix, lambda gamma: 0 <= gamma < 1)
        fix = "Use e.g. weight_decay=5e-4, or 0 for none"
        checks.number(
            "weight_decay", settings["weight_decay"], "must be finite and >= 0", fix, lambda decay: decay >= 0
        )
        if settings["nesterov"] and not settings["momentum"]:
            rule = "Nesterov's form changes nothing without momentum"
            checks.reject("momentum", settings["momentum"], rule, "Use e.g. momentum=0.9, or nesterov=False")
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if not p.is_floating_point():
                self.param_groups.pop()
                checks.reject("params", p.dtype, "parameters must be real floating-point numbers", "Leave this one out")

    @torch.no_grad()
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
                that asks for more than gradients.
            NotFinite: a loss or gradient that is not finite.

        After an exception in a pass, Ctrl-C among them, parameters, momentum and running statistics are as before.
        """
        batches = [closure] if callable(closure) else closure
        if scaler is not None and not isinstance(scaler, GradScaler):
            checks.reject("scaler", scaler, "is none", "Use torch.amp.GradScaler(), or several closures in a list")
        if not isinstance(batches, Sequence) or not batches or not all(map(callable, batches)):
            fix = "Give a function that computes the loss, calls backward on it and returns it"
            checks.reject("closure", closure, "there is nothing to take gradients with", fix)
        parameters = self._parameters()
        w, left_out = parameters.read(), False
        taken = [Passes(batch, parameters, self._statistics, scaler) for batch in batches]
        self._statistics.begin_step()
        try:
            try:
                update = self._mean_gradient(w, taken)
            except Overflow:
                left_out = True
                self._statistics.forget_step()
            else:
                self._check_finite([loss for passes in taken for loss in passes.losses], update)
                parameters.set_gradient(update if scaler is None else update * scaler.get_scale())
            if scaler is not None:
                scaler.unscale_(self)  # which sees an overflow too, and will lower the scale
        except BaseException:
            self._statistics.forget_step()
            self.zero_grad()
            raise
        finally:
            parameters.write(w)
        if left_out:
            self.zero_grad()
        else:
            self._descend(parameters.tensors)
            self.steps += 1
        return torch.stack([passes.losses[0] for passes in taken if passes.losses]).mean()

    def state_dict(self) -> dict[str, Any]:
        """Return what a resume needs, the method's name and the number of steps among it."""
        return {**super().state_dict(), "method": repr(self.method), "steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state: the next steps are bit for bit those that would have followed.

        Raises:
            InputError: the state of another method, or of another optimizer; nothing is changed.
        """
        if "method" not in state_dict:
            fix = "Give what samdyn.networks.Optimizer.state_dict() returned"
            checks.reject("state_dict", sorted(state_dict), "are the keys of another optimizer's state", fix)
        if state_dict["method"] != repr(self.method):
            fix = f"Load it into an optimizer with method={state_dict['method']}"
            checks.reject("state_dict", state_dict["method"], f"is its method; this one's is {self.method!r}", fix)
        super().load_state_dict(state_dict)
        self.steps = state_dict["steps"]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "method": self.method, "steps": self.steps}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._statistics = RunningStatistics()

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

    def _mean_gradient(self, w: torch.Tensor, taken: list[Passes]) -> torch.Tensor:
        """Return the mean over batches of F at w, where the parameters are."""
        total: Any = None
        at = w
        for passes in taken:
            passes.at = at
            found = self.method(w, ClosureOracle(passes.gradient, no_hvp))
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

    def _descend(self, moved: list[torch.Tensor]) -> None:
        chosen = set(map(id, moved))  # and not what a closure thawed in the meantime
        for group in self.param_groups:
            params = [p for p in group["params"] if id(p) in chosen]
            velocities = [self.state[p].get("momentum_buffer") for p in params] if group["momentum"] else []
            sgd(
                params,
                [p.grad for p in params],
                velocities,
                weight_decay=group["weight_decay"],
                momentum=group["momentum"],
                lr=group["lr"],
                dampening=0.0,
                nesterov=group["nesterov"],
                maximize=False,
                foreach=True,
            )
            for p, velocity in zip(params, velocities, strict=False):
                self.state[p]["momentum_buffer"] = velocity
