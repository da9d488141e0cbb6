"""Four small networks with saddles that are known exactly."""

import torch
from torch.nn.functional import cross_entropy, mse_loss

from ... import checks
from ...analysis import CriticalPoint
from ...arguments import checked
from .. import models
from ..data.data import digits
from ..landscape.network import Network
from ..saddles import critical_point, rank_one, without_weights

LINEAR = (4, 4, 3)  # widths of the linear net
TEACHER_SAMPLES = 64
Places = dict[str, tuple[Network, CriticalPoint]]  # networks, each with a saddle of its loss, by name


@checked
def linear_teacher(widths: tuple[int, ...], seed: int = 0) -> tuple[Network, torch.Tensor, torch.Tensor]:
    """Return the mean squared error of a linear net, with Gaussian inputs and the targets of a random linear teacher.

    Args:
        widths: the widths of the net's layers, the inputs first.
        seed: the seed of inputs and teacher.

    Returns:
        The network; the inputs ``(64, widths[0])``; the targets ``(64, widths[-1])``. All are float64.

    >>> network, inputs, targets = linear_teacher((4, 4, 3))
    >>> network.dim, tuple(inputs.shape), tuple(targets.shape)
    (28, (64, 4), (64, 3))
    """
    seed = checks.word("seed", seed, "Use e.g. seed=0")
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(TEACHER_SAMPLES, widths[0], generator=generator, dtype=torch.float64)
    targets = inputs @ torch.randn(widths[0], widths[-1], generator=generator, dtype=torch.float64)
    return Network(models.deep_linear(widths, scale=0.0), mse_loss, inputs, targets), inputs, targets


@checked
def exact_saddles(hidden: int = 8, samples: int = 200, seed: int = 0) -> Places:
    """Return networks, each with a saddle of its loss, by name: a linear net twice, one neuron, a tanh net on digits.

    The linear net 4-4-3 has saddles at the origin and at its fit of rank 1 (``saddles.rank_one``). The neuron
    ``models.one_neuron`` fits x² at four points. The tanh net has no weights there (``saddles.without_weights``).

    Args:
        hidden: the number of hidden units of the tanh net.
        samples: the number of digits in its loss.
        seed: the seed of the linear net's inputs and teacher.

    Raises:
        InputError: too few samples for every digit to be among them, or more than there are.

    >>> [(name, len(saddle.w)) for name, (_, saddle) in exact_saddles(hidden=1, samples=30).items()]
    [('linear 4-4-3, origin', 28), ('linear 4-4-3, rank 1', 28), ('one neuron, (0, 1)', 2), ('tanh 64-1-10, zero', 85)]
    """
    data = digits()
    labels = data.train_targets.tolist()
    fewest = 1 + max(map(labels.index, set(labels)))
    if not fewest <= checks.count("samples", samples, "Use e.g. samples=200") <= len(labels):
        rule = f"must lie in [{fewest}, {len(labels)}], for every digit to be among them"
        checks.reject("samples", samples, rule, "Use e.g. samples=200")
    linear, inputs, targets = linear_teacher(LINEAR, seed)
    name = f"linear {'-'.join(map(str, LINEAR))}"
    x = torch.tensor([0.25, 0.5, 0.75, 1.0], dtype=torch.float64)
    neuron = Network(models.one_neuron(), mse_loss, x, x**2)
    model = models.mlp((64, hidden, 10), activation="tanh")
    tanh = Network(model, cross_entropy, data.train_inputs[:samples].double(), data.train_targets[:samples])
    places = {
        f"{name}, origin": (linear, torch.zeros(linear.dim, dtype=torch.float64)),
        f"{name}, rank 1": (linear, rank_one(inputs, targets, LINEAR[1])),
        "one neuron, (0, 1)": (neuron, torch.tensor([0.0, 1.0], dtype=torch.float64)),
        f"tanh 64-{hidden}-10, zero": (tanh, without_weights(tanh)),
    }
    return {name: (network, critical_point(network, w)) for name, (network, w) in places.items()}
