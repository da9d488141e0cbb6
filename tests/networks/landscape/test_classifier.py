"""The loss of a classifier is that of its module on the first samples."""

import numpy as np
import pytest
from torch.nn.functional import cross_entropy

import samdyn as sd
from samdyn import networks


def test_it_is_the_loss_of_the_module() -> None:
    data = networks.digits(test=0.5)
    network = networks.classifier(data, (4, 3), samples=30, activation="tanh")
    model = networks.models.mlp((64, 4, 3, 10), activation="tanh", seed=1).double()
    outputs = model(data.train_inputs[:30].double()).detach()
    loss = network.value(network.vector(model))
    assert float(loss) == pytest.approx(float(cross_entropy(outputs, data.train_targets[:30])))
    assert network.samples == 30
    assert networks.classifier(data, (4,)).samples == len(data.train_targets)


def test_initial_weights_do_not_depend_on_their_number() -> None:
    data = networks.digits(test=0.5)
    few, many = (networks.initial_weights(data, (4,), count, seed=7) for count in (2, 5))
    assert (many[:2] == few).all()
    assert len({float(w.norm()) for w in many}) == 5
    model = networks.models.mlp((64, 4, 10), seed=int(np.random.SeedSequence(7).generate_state(2)[1]))
    assert (networks.classifier(data, (4,)).vector(model) == few[1]).all()


def test_more_samples_than_there_are() -> None:
    with pytest.raises(sd.InputError, match="there are 899 to train on"):
        networks.classifier(networks.digits(test=0.5), (4,), samples=900)


def test_squared_loss() -> None:
    data = networks.digits(test=0.5)
    model = networks.models.mlp((64, 4, 10), activation="tanh", seed=1).double()
    network = networks.classifier(data, (4,), samples=30, activation="tanh", loss="squared")
    outputs = model(data.train_inputs[:30].double()).detach().numpy()
    outputs[np.arange(30), data.train_targets[:30].numpy()] -= 1
    assert float(network.value(network.vector(model))) == pytest.approx((outputs**2).sum() / 60)
    with pytest.raises(sd.InputError, match="hinge"):
        networks.classifier(data, (4,), loss="hinge")


def test_a_task_is_its_loss_and_initial_weights() -> None:
    data = networks.digits(test=0.5)
    task = networks.Task(data, (4,), 2, seed=7)
    assert (task.starts == networks.initial_weights(data, (4,), 2, seed=7)).all()
    assert (task.network.value(task.starts.T) == networks.classifier(data, (4,)).value(task.starts.T)).all()
