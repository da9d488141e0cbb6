"""The report on claims: as a Dataset, as tables, JSON, JUnit and Markdown."""

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from .. import html
from .claim import Claim
from .judge import Judgement

if TYPE_CHECKING:
    import xarray


class Report(Sequence[Judgement]):
    """The verdicts on claims, in the order of the claims.

    >>> import samdyn as sd
    >>> report = sd.verify(sd.claims.named("usam-threshold"), progress=False)
    >>> print(report)
    usam-threshold  holds
    >>> report[0].verdict.holds, len(report.changed)
    (True, 0)

    Attributes:
        claims: the claims.
        judgements: the judgement of each.
        budget: the factor on the number of simulated runs.
        seed: the seed of the noise.
    """

    def __init__(self, claims: Sequence[Claim], judgements: Sequence[Judgement], budget: float, seed: int) -> None:
        self.claims, self.judgements, self.budget, self.seed = list(claims), list(judgements), budget, seed

    @overload
    def __getitem__(self, index: int) -> Judgement: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Judgement]: ...
    def __getitem__(self, index: int | slice) -> Judgement | Sequence[Judgement]:
        return self.judgements[index]

    def __len__(self) -> int:
        return len(self.judgements)

    def __str__(self) -> str:
        width = max((len(judgement.id) for judgement in self), default=0)
        return "\n".join(f"{judgement.id:<{width}}  {judgement.verdict}" for judgement in self)

    def _repr_html_(self) -> str:
        from .tables import COLUMNS, example_texts, remarks, summary, verdict_text

        rows = [(c.id, *example_texts(j), verdict_text(c, j)) for c, j in self.pairs]
        return html.block(html.table(COLUMNS, rows), remarks(self), summary(self))

    @property
    def pairs(self) -> list[tuple[Claim, Judgement]]:
        """Each claim with its judgement."""
        return list(zip(self.claims, self.judgements, strict=True))

    @property
    def changed(self) -> list[str]:
        """The ids of the claims whose verdict is another than the recorded one. Undecided claims are none of them."""
        return [claim.id for claim, judgement in self.pairs if not is_as_recorded(claim, judgement)]

    @property
    def undecided(self) -> list[str]:
        """The ids of the claims that the measurement does not decide."""
        return [judgement.id for judgement in self if judgement.verdict.kind == "undecided"]

    def dataset(self) -> "xarray.Dataset":
        """Return the verdicts over ``claim`` and the values over ``row``. A value that is a word is NaN there.

        >>> import samdyn as sd
        >>> report = sd.verify(sd.claims.named("usam-threshold"), progress=False)
        >>> report.dataset().verdict.values.tolist()
        ['holds']
        """
        import xarray

        rows = [(judgement.id, row) for judgement in self for row in judgement.rows]
        per_claim = {
            "verdict": [judgement.verdict.kind for judgement in self],
            "recorded": [claim.record.kind for claim in self.claims],
            "description": [str(judgement.verdict) for judgement in self],
            "seconds": [judgement.seconds for judgement in self],
        }
        per_row = {
            "measured": [_number(row.measured) for _, row in rows],
            "standard_error": [row.standard_error for _, row in rows],
            "predicted": [_number(row.predicted) for _, row in rows],
            "rival": [_number(row.rival) for _, row in rows],
            "agrees": [row.agrees for _, row in rows],
            "rejects_rival": [row.rejects for _, row in rows],
        }
        variables: dict[str, Any] = {name: ("claim", np.array(values)) for name, values in per_claim.items()}
        variables |= {name: ("row", np.array(values)) for name, values in per_row.items()}
        coordinates = {
            "claim": [judgement.id for judgement in self],
            "row_claim": ("row", [name for name, _ in rows]),
            "case": ("row", [row.case for _, row in rows]),
        }
        return xarray.Dataset(variables, coordinates, {"budget": self.budget, "seed": self.seed})

    def json(self) -> str:
        """Return the claims, verdicts and values as JSON, with what made them. Infinite numbers are words."""
        from ..output import provenance

        entries = [
            {
                "id": claim.id,
                "statement": claim.statement,
                "formula": claim.formula,
                "source": claim.source,
                "process": claim.process,
                "verdict": judgement.verdict.kind,
                "description": str(judgement.verdict),
                "recorded": str(claim.record),
                "as_recorded": is_as_recorded(claim, judgement),
                "mistake": claim.mistake,
                "tolerance": claim.tolerance,
                "tolerance_reason": claim.reason,
                "seconds": round(judgement.seconds, 3),
                "cases": [{name: _plain(value) for name, value in vars(row).items()} for row in judgement.rows],
                "traceback": judgement.traceback,
            }
            for claim, judgement in self.pairs
        ]
        about = provenance({"budget": self.budget, "seed": self.seed})
        return json.dumps({"about": about, "claims": entries}, indent=1, ensure_ascii=False, allow_nan=False)

    def junit(self) -> str:
        """Return the verdicts as JUnit's XML: a changed verdict is a failure, an undecided one is skipped."""
        from xml.etree import ElementTree

        suite = ElementTree.Element(
            "testsuite",
            name="samdyn verify",
            tests=str(len(self)),
            failures=str(len(self.changed)),
            skipped=str(len(self.undecided)),
            time=f"{sum(judgement.seconds for judgement in self):.3f}",
        )
        for claim, judgement in self.pairs:
            case = ElementTree.SubElement(
                suite, "testcase", classname="samdyn.claims", name=claim.id, time=f"{judgement.seconds:.3f}"
            )
            if not is_as_recorded(claim, judgement):
                message = f"{judgement.verdict}; recorded: {claim.record}"
                ElementTree.SubElement(case, "failure", message=message).text = cases_text(judgement)
            elif judgement.verdict.kind == "undecided":
                ElementTree.SubElement(case, "skipped", message=str(judgement.verdict))
        return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def is_as_recorded(claim: Claim, judgement: Judgement) -> bool:
    """Return whether the verdict is the recorded one, or is undecided."""
    return judgement.verdict.agrees(claim.record, claim.tolerance)


def cases_text(judgement: Judgement) -> str:
    """Return the table of the cases as plain text.

    >>> import samdyn as sd
    >>> report = sd.verify(sd.claims.named("usam-threshold"), progress=False)
    >>> print(cases_text(report[0]).splitlines()[1])
    eigenvalues=(-2, 2)        0.5       0.5        0.25   yes     yes
    """
    if judgement.traceback:
        return judgement.traceback
    header = ("case", "measured", "predicted", "rival", "agrees", "rejects rival")
    lines = [header, *(row.texts for row in judgement.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines)


def _number(value: Any) -> float:
    return math.nan if isinstance(value, str) else float(value)


def _plain(value: Any) -> Any:
    """Return a value that JSON has."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
