"""Any method as a torch optimizer."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch.amp import GradScaler

from ... import checks
from ...interrupts import HeldSignals
from ...methods import Method
from .base import BaseStep, check_finite, make_base
from .buffers import Buffers
from .descent import Descent
from .memory import Memory
from .parameters import Parameters
from .passes import Closure, ClosureOracle, Overflow, Passes, no_hvp
from .rounding import Rounding
from .states import arrange, check_settings
from .step_method import VectorDraws, for_parameters, with_values


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


WITHOUT_BASE = {"momentum": 0.0, "weight_decay": 0.0, "nesterov": False}  # default settings


class Optimizer(torch.optim.Optimizer):
    """Training by a method F, whose gradients a closure computes, with the update of SGD or of any torch optimizer.

    Without a base the update is that of ``samdyn.Map``: v ← γv + F(w) + δw, w ← w − ηv from v = 0, with weight decay δ,
    or Nesterov's form as in ``torch.optim.SGD``. With a base, such as ``torch.optim.AdamW``, F is the gradient that the
    base steps along. Its state, settings and groups are those of this object, so that schedulers of torch find them
    here. F sees the trainable parameters of all groups as one vector w.

    The optimizer calls the closure once for every gradient that the method needs, with the parameters at the point of
    that gradient. It clears the gradients before each call. Whatever the closure does to the gradients, such as
    clipping, or accumulating those of several batches, is part of the gradient that F sees. Buffers of modules in
    training mode, such as running statistics, change only in the first pass, the one at w. After a step the ``grad`` of
    the parameters is F (with Nesterov's form, what torch makes of it). The optimizer undoes any change that a closure
    makes to the parameters.

    A step happens completely or not at all: after an exception, such as Ctrl-C, the parameters, momentum, memory and
    buffers are all as before the step, or all as after it. Signals wait while these change, and are handled during a
    closure. A base may fail halfway, so each step copies its state first, which is memory for one more state during the
    update. What a base of your own stores elsewhere than in ``state`` and ``param_groups`` is not undone.

    Numbers of the method may be a ``samdyn.schedules.Schedule``. Methods may carry arrays from step to step, or draw
    random numbers, which are a function of ``seed`` and the number of the step and so the same on all ranks of
    DistributedDataParallel. With several closures in a step the arrays are means over the micro-batches, as F is.

    To save and resume, use ``state_dict``. ``torch.distributed.checkpoint`` does not work, since it steps without a
    closure.

    Groups may have their own lr, momentum, weight_decay and nesterov, or settings of the base. All groups have the same
    method.

    Parameters in float16 and bfloat16 round the points of the gradients, and the updates, as with every optimizer. They
    lose a perturbation of the size of the rounding. If a perturbation loses more than a tenth, a ``RoundingWarning``
    says so, once. Keep parameters in float32 and compute under autocast.

    Attributes:
        method: the method F.
        steps: the number of steps, without those that a scaler skipped.
        seed: the seed of the method's random numbers.

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

    SAM with AdamW, and a radius that is 0 in the first ten steps:

    >>> method = sd.SAM(rho=sd.schedules.Piecewise([0.0, 0.05], at=[10]))
    >>> optimizer = Optimizer(model.parameters(), method, lr=0.01, base=torch.optim.AdamW, betas=(0.9, 0.99))
    >>> losses = [float(optimizer.step(closure)) for _ in range(20)]
    >>> sorted(optimizer.state[model[0].weight])
    ['exp_avg', 'exp_avg_sq', 'step']
    """

    def __init__(
        self,
        params: Any,
        method: Method,
        lr: float,
        momentum: float | None = None,
        weight_decay: float | None = None,
        nesterov: bool | None = None,
        *,
        base: Callable[..., torch.optim.Optimizer] | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        """Take the parameters to train.

        Args:
            params: parameters, (name, parameter) pairs, or groups of them as dictionaries, as for all torch optimizers.
                Parameters that do not require gradients stay as they are.
            method: the method F. ``DNSAM`` and ``ExactSAM`` need more than a closure computes.
            lr: the learning rate η > 0.
            momentum: the momentum γ in [0, 1), 0 if None.
            weight_decay: the weight decay δ ≥ 0, 0 if None.
            nesterov: whether to use Nesterov's form of momentum.
            base: a class of torch optimizers, or a function that makes one from groups of parameters, lr and settings.
                None for SGD as above.
            seed: the seed of the random numbers of methods that draw any, in [0, 2³²).
            **settings: settings of the base, such as ``betas``. ``momentum``, ``weight_decay`` and ``nesterov`` are
                settings of the base too; None leaves them to it.

        Raises:
            InputError: a setting out of its range, here or in a group; parameters that are not real numbers; a base
                without such a setting, or whose step needs a closure, as that of ``torch.optim.LBFGS``.
        """
        if not isinstance(method, Method):
            checks.reject("method", method, "is no method", "Use e.g. samdyn.SAM(rho=0.05)")
        self.method, self.steps, self.seed = method, 0, checks.word("seed", seed, "Use e.g. seed=0")
        self._base: torch.optim.Optimizer | None = None
        self._memory, self._buffers, self._rounding = Memory(), Buffers(), Rounding()
        checks.numeric(self)
        with_values(method, 1)
        given = {"momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
        settings |= {name: value for name, value in given.items() if value is not None}
        try:
            if base is None:
                for name in settings.keys() - WITHOUT_BASE.keys():
                    checks.reject(name, settings[name], "is a setting of a base alone", "Give base=torch.optim.AdamW")
                super().__init__(params, {"lr": lr, **WITHOUT_BASE, **settings})
            else:
                self._base = make_base(base, params, lr, settings)
                super().__init__(self._base.param_groups, self._base.defaults)
                self._share()
        except checks.InputError:
            raise
        except (TypeError, ValueError) as error:  # torch's message says what is wrong
            checks.reject("params", params, str(error), "Give model.parameters(), or groups of them")

    def _share(self) -> None:
        """Take the state, the groups and the defaults of the base for those of this object."""
        if self._base is not None:
            self.state, self.param_groups = self._base.state, self._base.param_groups
            self.defaults = self._base.defaults

    def _check(self, group: dict[str, Any], lowest: str = ">= 0") -> None:
        """Check the settings of a group, with ``lowest`` for lr.

        Raises:
            InputError: a setting out of its range.
        """
        (check_settings if self._base is None else check_finite)(group, lowest)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters.

        Raises:
            InputError: what the constructor refuses, or a setting that groups do not have.
        """
        if not isinstance(param_group, dict) or "params" not in param_group:
            fix = 'Give e.g. {"params": model.parameters(), "lr": 0.1}'
            checks.reject("param_group", param_group, "must be a dictionary with params", fix)
        for key, value in param_group.items():
            if key not in self.defaults and (key == "method" or hasattr(self.method, key)):
                rule = "groups of parameters have no such setting: the method is one of all of them"
                checks.reject(key, value, rule, f"Use {', '.join(self.defaults)}")
        self._check({**self.defaults, **param_group}, lowest="> 0")
        if self._base is None or any(group is param_group for group in self._base.param_groups):  # in the constructor
            super().add_param_group(param_group)
        else:
            self._base.add_param_group(param_group)
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
                gradient; a method that needs more than gradients; a setting, or the value of a schedule, out of its
                range.
            NotFinite: a loss or gradient that is not finite.
            Exception: what the base raises in its step, with a note that nothing has changed.
        """
        batches = [closure] if callable(closure) else closure
        if scaler is not None and not isinstance(scaler, GradScaler):
            checks.reject("scaler", scaler, "is none", "Use torch.amp.GradScaler(), or several closures in a list")
        if not isinstance(batches, Sequence) or not batches or not all(map(callable, batches)):
            fix = "Give a function that computes the loss, calls backward on it and returns it"
            checks.reject("closure", closure, "there is nothing to take gradients with", fix)
        for group in self.param_groups:
            self._check(group)  # a scheduler may have changed them
        with HeldSignals() as signals, torch.no_grad():
            return self._step(batches, scaler, signals)

    def _step(self, batches: Sequence[Closure], scaler: GradScaler | None, signals: HeldSignals) -> torch.Tensor:
        parameters = self._parameters()
        method = for_parameters(with_values(self.method, self.steps + 1), parameters)
        w, overflow = parameters.read(), False
        memory = self._memory.read(method, parameters, w)
        passes = [Passes(batch, parameters, w, self._buffers, signals, self._rounding, scaler) for batch in batches]
        self._buffers.begin_step()
        try:
            try:
                update, *carried = self._mean(method, w, memory, passes)
            except Overflow:
                overflow = True
            else:
                self._check_finite([loss for one in passes for loss in one.losses], [update, *carried])
                parameters.set_gradient(update if scaler is None else update * scaler.get_scale())
            updates = self._prepare(parameters.tensors)
            if scaler is not None:
                scaler.unscale_(self)  # the scaler notices an overflow too, and will lower the scale
            if not overflow:
                parameters.write(w)
                for each in updates:
                    each.take()
        except BaseException:
            self._undo(parameters, w)
            raise
        if overflow:
            self._undo(parameters, w)
        else:
            self._memory.write(method, parameters, carried)
            self.steps += 1
        return torch.stack([one.losses[0] for one in passes if one.losses]).mean()

    def _undo(self, parameters: Parameters, w: torch.Tensor) -> None:
        """Restore parameters and buffers to their values at the beginning of the step."""
        parameters.write(w)
        self.zero_grad()
        self._buffers.undo_step()

    def state_dict(self) -> dict[str, Any]:
        """Return what a resume needs, including the names of the method and of the base, and the number of steps."""
        return {
            **({} if self._base is None else self._base.state_dict()),
            **super().state_dict(),
            "method": repr(self.method),
            "steps": self.steps,
            "base": self._base_name,
            "seed": self.seed,
            "memory": self._memory.packed(self.param_groups),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a state, with its seed. The following steps are bit for bit those that would have followed the state.

        If both the optimizer and the state have names of parameters, as from ``model.named_parameters()``, momentum
        goes to the parameter of the same name. Otherwise the parameters must be in the same order as in the state.

        Raises:
            InputError: the state of another method or base, or of another optimizer. This optimizer is then unchanged.
        """
        # Without the copy, torch would share the velocities with the state, and so with the optimizer that it came
        # from.
        state = deepcopy(arrange(state_dict, repr(self.method), self._base_name, self.method.memory, self.param_groups))
        if self._base is not None:
            self._base.load_state_dict(state)
        super().load_state_dict(state)
        self._share()
        self.steps, self.seed = state["steps"], state["seed"]
        places, params = (
            [p for group in groups for p in group["params"]] for groups in (state["param_groups"], self.param_groups)
        )
        self._memory.unpack(state["memory"], places, params)

    @property
    def _base_name(self) -> str | None:
        return None if self._base is None else type(self._base).__name__

    def __getstate__(self) -> dict[str, Any]:
        own = {"method": self.method, "steps": self.steps, "seed": self.seed}
        return {**super().__getstate__(), **own, "_base": self._base, "_memory": self._memory}

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

    def _mean(
        self, method: Method, w: torch.Tensor, memory: tuple[torch.Tensor, ...], passes: list[Passes]
    ) -> list[torch.Tensor]:
        """Return F at w, and the arrays that the method carries next: means over the batches.

        The parameters must be at w.
        """
        total: Any = None
        at, number = w, self.steps + 1
        draws = VectorDraws(self.seed, number, w.device) if method.is_random else None
        for one in passes:
            one.at = at
            update, carried = method.advance(w, memory, ClosureOracle(one.gradient, no_hvp, draws=draws), number)
            vectors = [update, *carried]
            total = vectors if total is None else [a + b for a, b in zip(total, vectors, strict=True)]
            at = one.at
        return total if len(passes) == 1 else [vector / len(passes) for vector in total]

    def _check_finite(self, losses: list[torch.Tensor], vectors: list[torch.Tensor]) -> None:
        """Raise NotFinite if a loss, or an entry of the update or of an array that the method carries, is not."""
        update = vectors[0]
        values = torch.stack([loss.to(update.device, update.dtype) for loss in losses])
        ends = torch.stack([end for vector in vectors for end in vector.aminmax()])  # nan if any entry is nan
        if not bool(torch.cat([values, ends]).isfinite().all()):
            raise NotFinite(
                f"step {self.steps + 1}: losses {values.tolist()} in its passes, {int((~update.isfinite()).sum())} of "
                f"{len(update)} entries of the update not finite. The parameters are those from before the step. Lower "
                "lr or rho."
            )

    def _prepare(self, moved: list[torch.Tensor]) -> list[Descent] | list[BaseStep]:
        """Return the updates of all groups, for the parameters in ``moved``."""
        if self._base is not None:
            return [BaseStep.prepare(self._base, moved)]
        movable = set(map(id, moved))  # a closure may have unfrozen further parameters
        groups = [(group, [p for p in group["params"] if id(p) in movable]) for group in self.param_groups]
        return [Descent.prepare(group, params, self.state) for group, params in groups if params]
