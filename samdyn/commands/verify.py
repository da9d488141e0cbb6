"""``samdyn verify``: measure claims and print their verdicts."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option

from .. import checks
from ..claims.catalogue import check_unique, from_file, located
from ..claims.claim import Claim
from ..claims.mutation import Mutation
from ..claims.page import page
from ..claims.processes import Outcome, judgements
from ..claims.report import Report
from ..claims.tables import LEGEND, cases, details, long_cases, markdown, remarks, summary, table
from ..claims.verify import check_budget
from ..output.terminal import Console
from ..simulation.progress import progress_bar

QUICK, USUAL, FULL = 0.1, 1.0, 10.0  # budgets: factors on the number of simulated runs
DETAILED = 3  # largest number of claims by name whose cases are printed


def verify(
    claims: Annotated[
        list[str] | None, Argument(help="Ids of claims, or Python files with claims; none for all.")
    ] = None,
    quick: Annotated[bool, Option("--quick", help="A tenth of the runs.")] = False,
    full: Annotated[bool, Option("--full", help="Ten times the runs.")] = False,
    mutate: Annotated[bool, Option("--mutate", help="Also judge wrong formulas, which must be caught.")] = False,
    json: Annotated[Path | None, Option(help="Write the report as JSON to this file.")] = None,
    html: Annotated[Path | None, Option(help="Write the report as one web page to this file.")] = None,
    junit: Annotated[Path | None, Option(help="Write the verdicts as JUnit's XML to this file.")] = None,
    markdown_: Annotated[Path | None, Option("--markdown", help="Write the report as Markdown to this file.")] = None,
    seed: Annotated[int, Option(help="Seed of the noise.")] = 0,
    limit: Annotated[float, Option(help="Seconds that a claim may take; it is undecided if it takes longer.")] = 60.0,
    processes: Annotated[int, Option(help="Number of processes; 0 for one on each core.")] = 0,
) -> None:
    """Measure claims on the dynamics of SAM, and print what each predicts, what is measured, and the verdict.

    Exits with status 1 if a verdict is another than the recorded one.
    """
    if quick and full:
        checks.reject("--quick", True, "contradicts --full", "Use one of them")
    if processes < 0:
        checks.reject("--processes", processes, "must be 0 or more", "Use e.g. --processes 2")
    budget = QUICK if quick else FULL if full else USUAL
    check_budget(budget, seed, limit)
    pairs = selected(claims or [])
    files = {claim.id: path for claim, path in pairs}
    writers: dict[Path, Callable[[Report], str]] = {}
    for path, write in (
        (json, Report.json),
        (html, lambda report: page(report, files)),
        (junit, Report.junit),
        (markdown_, lambda report: markdown(report, files)),
    ):
        if path is not None:
            check_writable(path)
            path = path.resolve()
            if path in writers or path in files.values():
                rule = "another report goes there" if path in writers else "is a file of claims"
                checks.reject("path", str(path), rule, "Give each report a file of its own")
            writers[path] = write
    count = min(processes or os.cpu_count() or 1, len(pairs))
    results, interrupt = _judged(pairs, budget, seed, limit, count, mutate)
    found = [results[number] for number in sorted(results)]
    report = Report([pairs[number][0] for number in sorted(results)], [j for j, _ in found], budget, seed)
    console = Console()
    if claims and len(pairs) <= DETAILED:
        for claim, judgement in report.pairs:
            console.print(details(claim, judgement), "", cases(judgement), "")
            console.print("\n\n".join(text for text in (long_cases(judgement), judgement.traceback) if text))
    else:
        console.print(table(report, files), LEGEND)
    console.print("\n".join(text for text in (remarks(report), summary(report)) if text))
    if interrupt:
        console.print(f"stopped after {len(results)} of {len(pairs)} claims; no report is written")
        raise interrupt
    survivors = _print_mutations(console.print, [(j.id, mutations) for j, mutations in found]) if mutate else 0
    failed = _write(writers, report)
    # A mutation of an undecided claim was not judged.
    if failed:
        raise Exit(2)
    if report.changed or survivors or (mutate and report.undecided):
        raise Exit(1)


def _judged(
    pairs: Sequence[tuple[Claim, Path]], budget: float, seed: int, limit: float, processes: int, mutate: bool
) -> tuple[dict[int, Outcome], KeyboardInterrupt | None]:
    """Return the outcomes by the number of their claim, and the interrupt that came before all were judged."""
    results: dict[int, Outcome] = {}
    try:
        with progress_bar("claims", len(pairs)) as show:
            for number, outcome in judgements(pairs, budget, seed, limit, processes, mutate):
                results[number] = outcome
                show(len(results))
    except KeyboardInterrupt as error:
        if not results:
            raise
        return results, error
    return results, None


def _write(writers: dict[Path, Callable[[Report], str]], report: Report) -> int:
    """Write the reports, each whatever becomes of the others. Return the number of those that cannot be written."""
    failed = 0
    for path, write in writers.items():
        try:
            path.write_text(write(report), encoding="utf-8")
        except OSError as error:  # the disk is full, or the folder is gone
            failed += 1
            rule = f"cannot be written: {error.strerror}. The verdicts are printed above"
            print(f"error: path = {str(path)!r}: {rule}. Make room, or give another path", file=sys.stderr)
    return failed


def selected(names: Sequence[str]) -> list[tuple[Claim, Path]]:
    """Return the claims of these ids and files, each with its file; those of the literature if there are no names.

    Raises:
        InputError: an unknown id, a file without claims, or two claims with one id.
    """
    if not names:
        return list(located())
    pairs: list[tuple[Claim, Path]] = []
    for name in names:
        if name.endswith(".py") or os.sep in name:
            pairs += from_file(Path(name))
            continue
        known = {claim.id: (claim, path) for claim, path in located()}
        if name not in known and Path(f"{name}.py").is_file():
            checks.reject("claim", name, "no claim has this name, but there is a file", f"Did you mean {name}.py?")
        pairs.append(known[checks.known("claim", name, known)])
    check_unique(pairs)
    return pairs


def check_writable(path: Path) -> None:
    """Refuse a path that cannot be written, before any work."""
    fix = "Give a file in a folder that exists and that you may write to"
    if path.is_dir():
        checks.reject("path", str(path), "is a folder", fix)
    if not path.parent.is_dir():
        checks.reject("path", str(path), f"there is no folder {path.parent}", fix)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        checks.reject("path", str(path), "cannot be written", fix)


def _print_mutations(write: Callable[[str], None], found: Sequence[tuple[str, Sequence[Mutation]]]) -> int:
    """Print how many mutations were caught, and those that were not. Return the number of these."""
    effective = [(name, mutation) for name, group in found for mutation in group if mutation.caught is not None]
    unchanged = sum(len(group) for _, group in found) - len(effective)
    survivors = [(name, mutation) for name, mutation in effective if not mutation.caught]
    for name, mutation in survivors:
        write(f"survived: {name}: {mutation.description}")
    caught = len(effective) - len(survivors)
    write(f"mutations: {caught} of {len(effective)} caught; {unchanged} further ones change no predicted value")
    return len(survivors)
