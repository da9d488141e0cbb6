"""Mutations of predictions: a claim whose verdict survives a wrong formula says nothing about the formula."""

import ast
import copy
import inspect
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType, ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from .claim import Claim
from .judge import judge
from .report import is_as_recorded
from .values import AtLeast, AtMost, Bound, Estimate

SAME = 1e-12  # relative change of a prediction below which a mutation has changed nothing
SLOWER, PATIENCE = 100.0, 2.0  # a mutation that takes 100 times the time of the formula, and 2 s, has no value
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
Predict = Callable[..., Any]


@dataclass(frozen=True)
class Mutation:
    """A mutation of a claim, and whether its verdict changed.

    Attributes:
        description: what was changed.
        caught: whether the verdict is no longer the recorded one; None if no predicted value changed.
    """

    description: str
    caught: bool | None


def mutations(claim: Claim, estimates: Sequence[Estimate]) -> list[Mutation]:
    """Judge a claim's measurements against changed predictions.

    Every predicted value is multiplied by 1.01 and by −1, and a bound is turned round. In the code of the prediction,
    and of the closed forms that it calls, every + and −, × and / are exchanged, and every exponent is raised by 1.
    Measurements that are the rival's values are judged too.

    Args:
        claim: the claim.
        estimates: the measurement of each of its cases.
    """
    result = []
    start = time.monotonic()
    plain = [claim.evaluate(claim.predict, case) for case in claim.cases]
    patience = SLOWER * (time.monotonic() - start) + PATIENCE
    for description, predict, patches in _mutants(claim):
        with patches(), _alarm(patience):
            result.append(Mutation(description, _is_caught(claim, estimates, predict, plain)))
    rivals = [_as_measured(claim.evaluate(claim.rival, case)) for case in claim.cases]
    verdict = judge(claim, rivals)
    caught = not is_as_recorded(claim, verdict) or verdict.verdict.kind == "undecided"
    return [*result, Mutation("measured values are the rival's", caught)]


class _TooLong(Exception):
    """A changed formula does not end."""


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise ``_TooLong`` in the block after some seconds, where Python has signals and the signal is free."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooLong

    in_main = threading.current_thread() is threading.main_thread()  # Python handles signals only there
    if not in_main or not hasattr(signal, "SIGALRM") or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _is_caught(claim: Claim, estimates: Sequence[Estimate], predict: Predict, plain: Sequence[Any]) -> bool | None:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            return _changes(claim, estimates, predict, plain)
    except Exception:  # a changed formula may have no value, or not end
        return True


def _changes(claim: Claim, estimates: Sequence[Estimate], predict: Predict, plain: Sequence[Any]) -> bool | None:
    values = [claim.evaluate(predict, case) for case in claim.cases]
    if all(_same(value, original) for value, original in zip(values, plain, strict=True)):
        return None
    judgement = judge(claim, estimates, predict)
    return judgement.verdict.kind == "undecided" or not is_as_recorded(claim, judgement)


def _as_measured(value: Any) -> Estimate:
    """Return a predicted value as a measurement; that of a bound is the bound."""
    return Estimate(value.bound if isinstance(value, Bound) else value)


def _same(value: Any, original: Any) -> bool:
    if type(value) is not type(original) and isinstance(original, Bound):
        return False
    if isinstance(original, Bound):
        value, original = value.bound, original.bound
    value, original = np.asarray(value), np.asarray(original)
    if value.shape != original.shape or value.dtype.kind == "U" or original.dtype.kind == "U":
        return bool(np.array_equal(value, original))
    with np.errstate(invalid="ignore"):
        close = np.abs(value - original) <= SAME * np.abs(original)
    return bool(np.all(close | (value == original)))


def _mutants(claim: Claim) -> Iterator[tuple[str, Predict, Callable[[], Any]]]:
    """Yield descriptions of mutants, their predictions, and contexts in which to evaluate them."""
    for description, change in (("1.01 × predicted", _scaled), ("−1 × predicted", _negative)):
        yield description, _with(claim.predict, change), _nothing
    for function, module in _formulas(claim.predict):
        tree = _tree(function)
        if tree is None:
            continue
        for description, changed in _changed(tree):
            mutant = _compiled(changed, function)
            label = f"{description} in {getattr(function, '__name__', 'predict')}"
            if function is inspect.unwrap(claim.predict):
                yield label, mutant, _nothing
            else:
                yield label, claim.predict, partial(_patched, module, function, mutant)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _patched(module: ModuleType, function: Predict, mutant: Predict) -> Iterator[None]:
    """Replace a function wherever the modules of samdyn name it."""
    name = function.__name__
    places = [m for m in list(sys.modules.values()) if getattr(m, "__name__", "").startswith("samdyn")]
    originals = [m for m in places if _is_it(vars(m).get(name), function)]
    patches = [patch.object(m, name, mutant) for m in originals or [module]]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in reversed(patches):
            one.stop()


def _is_it(value: Any, function: Predict) -> bool:
    return callable(value) and inspect.unwrap(value) is function


def _with(predict: Predict, change: Callable[[Any], Any]) -> Predict:
    signature = inspect.signature(predict)

    def mutant(**parameters: Any) -> Any:
        return change(predict(**parameters))

    mutant.__signature__ = signature  # type: ignore[attr-defined]
    return mutant


def _scaled(value: Any) -> Any:
    if isinstance(value, Bound):
        return value  # a bound that is 1 % off is no fault: the value need not be near it
    array = np.asarray(value)
    return value if array.dtype.kind == "U" else 1.01 * array.astype(float)


def _negative(value: Any) -> Any:
    if isinstance(value, AtLeast):
        return AtMost(value.bound)
    if isinstance(value, AtMost):
        return AtLeast(value.bound)
    array = np.asarray(value)
    return np.where(array == "", "", "other") if array.dtype.kind == "U" else -array.astype(float)


def _formulas(predict: Predict) -> Iterator[tuple[Predict, ModuleType]]:
    """Yield the function of a prediction, and the functions of its file and of samdyn.theory that it calls."""
    to_visit, seen = [inspect.unwrap(predict)], set()
    while to_visit:
        function = to_visit.pop()
        if function in seen or not inspect.isfunction(function):
            continue
        seen.add(function)
        module = sys.modules.get(function.__module__)
        if module is None:
            continue
        yield function, module
        for called in _called(function):
            where = getattr(called, "__module__", "") or ""
            if where.startswith("samdyn.theory") or where == function.__module__:
                to_visit.append(called)


def _called(function: Predict) -> Iterator[Predict]:
    """Yield the functions that a function names, directly or as attributes of modules."""
    tree = _tree(function)
    for node in ast.walk(tree) if tree is not None else ():
        value = _resolved(node, function.__globals__)
        if callable(value) and not inspect.isclass(value):
            yield inspect.unwrap(value)


def _resolved(node: ast.AST, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _resolved(node.value, names)
        return getattr(owner, node.attr, None) if isinstance(owner, ModuleType) else None
    return None


def _tree(function: Predict) -> ast.Lambda | ast.FunctionDef | None:
    """Return the syntax tree of a function or lambda."""
    code = function.__code__
    try:
        lines, _ = inspect.findsource(function)
    except (OSError, TypeError):
        return None
    arguments = list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    try:
        module = ast.parse("".join(lines))
    except SyntaxError:  # the file has changed since, or is a cell of a notebook with its commands
        return None
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        elif isinstance(node, ast.Lambda) and code.co_name == "<lambda>":
            first = node.lineno
        else:
            continue
        names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        if first == code.co_firstlineno and names == arguments:
            return node
    return None


def _changed(tree: ast.Lambda | ast.FunctionDef) -> Iterator[tuple[str, ast.Lambda | ast.FunctionDef]]:
    """Yield copies of a tree with one operator changed."""
    for number, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.BinOp):
            before = ast.unparse(node)
            changed = copy.deepcopy(tree)
            twin = list(ast.walk(changed))[number]
            assert isinstance(twin, ast.BinOp)
            if type(node.op) in OPERATORS:
                twin.op = OPERATORS[type(node.op)]()
            elif isinstance(node.op, ast.Pow):
                twin.right = ast.BinOp(twin.right, ast.Add(), ast.Constant(1))
            else:
                continue
            yield f"{before} → {ast.unparse(twin)}", changed


def _compiled(tree: ast.Lambda | ast.FunctionDef, function: Predict) -> Predict:
    """Return the function of a changed tree, in the module of the original."""
    names = function.__globals__
    if isinstance(tree, ast.Lambda):
        code = compile(ast.fix_missing_locations(ast.Expression(tree)), "<mutant>", "eval")
        mutant: Predict = eval(code, names)
        return mutant
    tree.decorator_list = []
    local: dict[str, Any] = {}
    exec(compile(ast.fix_missing_locations(ast.Module([tree], [])), "<mutant>", "exec"), names, local)
    result: Predict = local[tree.name]
    return result
