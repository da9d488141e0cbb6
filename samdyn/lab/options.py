"""The options of experiments, each declared once: its type, its help and what it must be.

An option is a parameter of ``main``: ``rho: lab.Radii = (0.1, 0.5)``. One thing has one name in every script; the
sections below name it. A default of None leaves the choice to the script: ``rho: lab.Radii | None = None``.
``Annotated[lab.Radii, "Radii ρ of SAM."]`` gives another help, and ``Annotated[lab.Runs, lab.at_least(100)]`` a further
reader. An option of no alias is ``Annotated[float, "Length of a path.", checks.positive]``. An option whose type is not
int, float, str, bool or Path is typed as a text, which its first reader reads.
"""

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from .. import checks
from ..methods import Method
from ..noise import COUPLINGS
from . import readers
from .readers import Reader, as_typed

PLAIN = (int, float, str, bool, Path)  # types that Typer reads


@dataclass(frozen=True)
class Kind:
    """What an alias declares.

    Attributes:
        help: the help of the option.
        readers: functions that check its value, see ``readers``.
        example: a value for messages where the option has no default.
    """

    help: str
    readers: tuple[Reader, ...] = ()
    example: str = ""


def _kind(help: str, *read: Reader, example: str = "") -> Kind:
    return Kind(help, read, example)


# Landscapes and methods: landscape, coordinates, saddle, methods; see ``objects``. Saddles: eigenvalue, coupling.
LandscapeText = Annotated[str, _kind("A name from the catalogue, or a formula like 'x**2 - y**2'.")]
Coordinates = Annotated[str, _kind("The coordinates of a formula.")]
SaddleText = Annotated[str, _kind("Which saddle: the one nearest to this point. Default: the lowest.")]
Methods = Annotated[
    tuple[type[Method], ...], _kind("Names, separated by commas.", readers.methods, example="GD,USAM,SAM")
]

Eigenvalue = Annotated[
    float,
    _kind(
        "Eigenvalue λ < 0 of the way out of a saddle.",
        readers.where(lambda value: value < 0, "must be a finite number < 0"),
        example="-1",
    ),
]
Coupling = Annotated[
    str,
    _kind("shared, independent or clean noise in a step.", readers.choice("coupling", COUPLINGS), example="shared"),
]

# Parameters of a map, one (rho, lr, momentum, batch_size, ascent_steps) or several (the same, batch_sizes).
Radius = Annotated[
    float, _kind("Radius ρ.", readers.where(lambda rho: rho >= 0, "must be a finite number >= 0"), example="0.1")
]
Radii = Annotated[
    tuple[float, ...],
    _kind(
        "Radii ρ, separated by commas.",
        readers.numbers(lambda rho: 0 <= rho < float("inf"), "must be finite numbers >= 0"),
        example="0.1,0.5",
    ),
]
# Radii of SAM where SGD, which is SAM with the radius 0, is always among the methods.
PositiveRadii = Annotated[Radii, readers.each(lambda rho: rho > 0, "must be finite numbers > 0")]
LearningRate = Annotated[float, _kind("Learning rate η.", checks.positive, example="0.01")]
LearningRates = Annotated[
    tuple[float, ...],
    _kind(
        "Learning rates η, separated by commas.",
        readers.numbers(lambda eta: 0 < eta < float("inf"), "must be finite numbers > 0"),
        example="0.01,0.1",
    ),
]
Momentum = Annotated[float, _kind("Heavy-ball momentum γ.", readers.momentum, example="0.9")]
Momenta = Annotated[
    tuple[float, ...], _kind("Heavy-ball momenta γ, separated by commas.", readers.momenta, example="0,0.9")
]
BatchSize = Annotated[int, _kind("Batch size B.", checks.count, example="16")]
BatchSizes = Annotated[
    tuple[int, ...], _kind("Batch sizes B, separated by commas.", readers.integers(), example="16,64")
]
AscentSteps = Annotated[int, _kind("Number n of ascent steps.", checks.count, example="1")]
AscentStepCounts = Annotated[
    tuple[int, ...], _kind("Numbers n of ascent steps, separated by commas.", readers.integers(), example="2,10")
]
Numbers = Annotated[  # in the order in which they are typed; the lists above are ascending
    tuple[float, ...],
    _kind("Numbers, separated by commas.", readers.numbers(ascending=False), example="0.1,0.5"),
]
Limits = Annotated[
    tuple[float, float], _kind("Lowest and highest value, separated by a comma.", readers.limits, example="0.1,2")
]
Positive = Annotated[float, _kind("A number > 0.", checks.positive, example="1")]

# How much is measured: steps, time, starts, runs, seeds, samples, epochs, width, resolution.
Count = Annotated[int, _kind("A number of things.", checks.count, example="10")]
Steps = Annotated[int, _kind("Number of steps of every run.", checks.count, example="1000")]
Time = Annotated[float, _kind("Length of a run in time t = kη.", checks.positive, example="1")]
Starts = Annotated[int, _kind("Number of runs that start around the saddle.", checks.count, example="1000")]
Runs = Annotated[
    int,
    _kind(
        "Number of simulated runs of every setting.",
        checks.count,
        readers.at_least(2, "a standard error needs two or more"),
        example="1000",
    ),
]
Seeds = Annotated[
    int,
    _kind(
        "Networks of every setting; docs/networks.md has more.",
        checks.count,
        readers.at_least(2, "an interval needs two or more"),
        example="4",
    ),
]
Samples = Annotated[int, _kind("Number of samples to train on.", checks.count, example="200")]
Epochs = Annotated[int, _kind("Number of epochs.", checks.count, example="20")]
Width = Annotated[int, _kind("Width of the hidden layers.", checks.count, example="32")]
Resolution = Annotated[
    int, _kind("Number of values along each axis.", checks.count, readers.at_least(2), example="100")
]

# How it is computed: seed, processes, device, dtype.
Seed = Annotated[int, _kind("Seed of all random numbers.", checks.word, example="0")]
Processes = Annotated[int, _kind("Number of processes; results do not depend on it.", checks.count, example="2")]
Device = Annotated[str, _kind("auto (CUDA where there is one), cpu, cuda or cuda:N.", readers.device, example="cpu")]
Dtype = Annotated[str, _kind("float64 or float32.", readers.dtype, example="float64")]


@dataclass(frozen=True)
class Option:
    """An option of an experiment, from a parameter of its ``main``."""

    parameter: str
    type: Any  # of the value that main receives
    help: str
    readers: tuple[Reader, ...]
    example: str
    default: Any
    typer: Any = field(default=None)  # Typer's own declaration, if the parameter has one

    @property
    def name(self) -> str:
        """The option as it is typed: ``--batch-sizes`` for the parameter ``batch_sizes``."""
        return f"--{self.parameter.replace('_', '-')}"

    @property
    def is_required(self) -> bool:
        """Whether the parameter has no default."""
        return self.default is Parameter.empty

    @property
    def is_text(self) -> bool:
        """Whether the option is typed as a text that its first reader reads."""
        return self.type not in PLAIN

    @property
    def default_as_typed(self) -> Any:
        """The default as the user would type it, which the help shows."""
        return as_typed(self.default) if self.is_text and not self.is_required else self.default

    def typer_parameter(self) -> Parameter:
        """Return the parameter from which Typer makes the option."""
        import typer

        plain: Any = str if self.is_text else self.type
        info = self.typer
        if info is None:
            is_flag = self.type is bool and self.default is False
            info = typer.Option(*([self.name] if is_flag else []), help=self.help)
        if self.default is None:
            plain = plain | None
        return Parameter(
            self.parameter, Parameter.KEYWORD_ONLY, default=self.default_as_typed, annotation=Annotated[plain, info]
        )

    def read(self, value: Any) -> Any:
        """Return the value that ``main`` receives. An empty text means a default of None.

        Raises:
            InputError: a value that a reader refuses.
        """
        if (not self.is_required and value == self.default_as_typed) or (self.default is None and value == ""):
            return self.default
        for reader in self.readers:
            value = reader(self.name, value, self.fix)
        return value

    @property
    def fix(self) -> str:
        """What to give instead of a value that is refused, for messages."""
        usual = self.example if self.is_required or self.default is None else str(self.default_as_typed)
        separator = "=" if usual.startswith("-") else " "  # an option's value may begin with - only after =
        return f"Use e.g. {self.name}{separator}{usual}"


def option(parameter: Parameter, annotation: Any) -> Option:
    """Return the option of a parameter of ``main``, from its annotation."""
    metadata = _metadata(annotation)
    kinds = [item for item in metadata if isinstance(item, Kind)]
    kind = kinds[-1] if kinds else Kind("")
    texts = [item for item in metadata if isinstance(item, str)]
    own = tuple(item for item in metadata if callable(item) and not _is_typers(item))
    declared = [item for item in metadata if _is_typers(item)]
    return Option(
        parameter.name,
        _plain(annotation),
        texts[-1] if texts else kind.help,
        (*kind.readers, *own),
        kind.example,
        parameter.default,
        declared[-1] if declared else None,
    )


def options_of(main: Callable[..., Any]) -> list[Option]:
    """Return the options of an experiment's ``main``, without ``report``.

    A parameter whose default is a dataclass has an option for each field instead; see ``groups``.
    """
    result: list[Option] = []
    for parameter in inspect.signature(main).parameters.values():
        group: Any = parameter.default
        if is_dataclass(group):
            result += _options(type(group), {one.name: getattr(group, one.name) for one in fields(group)})
        elif parameter.name != "report":
            result += _options(inspect.unwrap(main), {parameter.name: parameter.default})
    return result


def _options(annotated: Any, defaults: Mapping[str, Any]) -> list[Option]:
    """Return the options of some parameters of a function, or fields of a class, with these defaults."""
    hints = get_type_hints(annotated, include_extras=True)
    parameters = (Parameter(name, Parameter.KEYWORD_ONLY, default=default) for name, default in defaults.items())
    return [option(parameter, hints[parameter.name]) for parameter in parameters]


def _is_typers(item: Any) -> bool:
    return type(item).__module__.startswith("typer")


def _alternatives(annotation: Any) -> list[Any]:
    """Return the members of a union but None, or the annotation itself."""
    if get_origin(annotation) in (Union, types.UnionType):
        return [member for member in get_args(annotation) if member is not type(None)]
    return [annotation]


def _metadata(annotation: Any) -> list[Any]:
    """Return the metadata of an annotation and of the members of a union in it, innermost first."""
    if get_origin(annotation) is Annotated:
        base, *metadata = get_args(annotation)
        return [*_metadata(base), *metadata]
    members = _alternatives(annotation)
    return [] if members == [annotation] else [item for member in members for item in _metadata(member)]


def _plain(annotation: Any) -> Any:
    """Return the type without metadata and None."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    (member,) = _alternatives(annotation)
    return member if member is annotation else _plain(member)
