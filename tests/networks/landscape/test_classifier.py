"""The loss of a classifier is that of its module on the first samples."""

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


def test_more_samples_than_there_are() -> None:
    with pytest.raises(sd.InputError, match="there are 899 to train on"):
        networks.classifier(networks.digits(test=0.5), (4,), samples=900)
