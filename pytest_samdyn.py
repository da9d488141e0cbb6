"""The pytest plugin of samdyn: the fixture ``verify``. Here pytest finds it without importing torch."""

from collections.abc import Callable

import pytest


@pytest.fixture
def verify() -> Callable[..., None]:
    """Return a function that fails the test if a claim's verdict is not the recorded one.

    It takes a claim, and optionally ``budget`` and ``seed``. The message has the table of the cases.
    """
    from samdyn.claims.testing import verifier

    return verifier()
