"""A claim's check can fail both ways."""

from samdyn.theory import Claim

CLAIM = Claim("twice", "here", formula=lambda x: 2 * x, rival=lambda x: 3 * x, rival_reason="miscounting")


def test_agreement_that_rejects_the_rival_is_true() -> None:
    assert CLAIM.check(2.001, 0.01, x=1.0)


def test_disagreement_is_false() -> None:
    assert not CLAIM.check(2.1, 0.01, x=1.0)


def test_a_check_too_wide_to_reject_the_rival_is_false() -> None:
    verdict = CLAIM.check(2.4, 0.4, x=1.0)
    assert verdict.agrees
    assert not verdict
