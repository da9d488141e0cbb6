"""Publish results in processes that are killed, interrupted, or short of disk at every step and at random moments.

Run as ``python attacked.py FOLDER``; prints how often each attack was tried and what was found wrong, as JSON. It is a
process of its own, which can be forked because it has one thread. Of samdyn it imports what writes folders alone: a
process that has torch in its memory takes ten times as long to fork.
"""

import errno
import itertools
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

bare, checks = ModuleType("samdyn"), ModuleType("samdyn.checks")
bare.__path__ = [str(Path(__file__).parents[2] / "samdyn")]
checks.InputError = type("InputError", (ValueError,), {})  # all that is asked of it here
sys.modules |= {"samdyn": bare, "samdyn.checks": checks}

from samdyn.output import OutputFolder, folder, workspace  # noqa: E402

assert "torch" not in sys.modules

FILES = ("a.txt", "b.txt")
folder.provenance = lambda parameters: {"parameters": parameters}  # without asking git: this is about the folders


def publish(place: Path, version: int) -> None:
    with OutputFolder(place, "escape", {}) as results:
        for name in FILES:
            with results.writing(name) as path:
                path.write_text(str(version))


def at_step(number: int, root: Path, attack: Callable[[], None]) -> None:
    """Attack before the n-th thing that Python asks of the system below a folder."""
    steps = itertools.count(1)

    def hook(event: str, arguments: tuple) -> None:
        named = any(isinstance(a, str | bytes | Path) and os.fsdecode(a).startswith(str(root)) for a in arguments)
        if named and event.partition(".")[0] in ("os", "open", "shutil", "tempfile") and next(steps) == number:
            attack()

    sys.addaudithook(hook)


def child(work: Callable[[], None]) -> int:
    """Fork, work, and return the process id."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # while Python itself begins anew in the child
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            work()
            status = 0
        finally:
            os._exit(status)
    return pid


def whole(place: Path) -> str | None:
    """Return the version of the result at a place; None if nothing is there."""
    if not place.exists():
        return None
    manifest = json.loads((place / "provenance.json").read_text())
    (version,) = {(place / name).read_text() for name in FILES}
    assert sorted(manifest["files"]) == list(FILES)
    assert manifest["whole"]
    return version


def check(root: Path, place: Path, allowed: set[str | None], wrong: list[str], what: str) -> None:
    """Start once more, as the next run does, and look at what is there: one whole result and nothing else."""
    try:
        OutputFolder(place, "escape", {})
        version = whole(place)
        names = {p.name for p in root.iterdir()} - {place.name, f"{place.name}.unpublished"}  # the latter: a part
        if version not in allowed or names:
            wrong.append(f"{what}: version {version}, beside it {sorted(names)}")
    except Exception as error:
        wrong.append(f"{what}: {error!r}")


ATTACKS: dict[str, Callable[[], None]] = {
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "interrupted": lambda: signal.raise_signal(signal.SIGINT),
    "full disk": lambda: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")),
}


def every_step(kind: str, base: Path, earlier: bool, exchanges: bool) -> tuple[int, list[str]]:
    """Attack at every step until a run finishes unharmed."""
    wrong: list[str] = []
    for number in itertools.count(1):
        root = base / str(number)
        root.mkdir()
        place = root / "out"
        if earlier:
            publish(place, 1)
        struck = base / f"{number}.struck"

        def work(number: int = number, root: Path = root, place: Path = place, struck: Path = struck) -> None:
            def strike() -> None:
                struck.touch()
                ATTACKS[kind]()

            at_step(number, root, strike)
            publish(place, 2)

        os.waitpid(child(work), 0)
        # A first result that is interrupted may be published in part; it is marked so, and replaced by the next.
        if kind == "interrupted" and not earlier:
            publish(place, 3)
        allowed = {"1", "2"} if earlier else {"2", "3"} if kind == "interrupted" else {None, "2"}
        if exchanges and whole(place) not in allowed:
            wrong.append(f"{kind} at step {number}: version {whole(place)} until the next start")
        check(root, place, allowed, wrong, f"{kind} at step {number}")
        if not struck.exists():
            return number - 1, wrong
    raise AssertionError


def random_moments(number: signal.Signals, base: Path, times: int, exchanges: bool) -> tuple[int, list[str]]:
    """Send a signal to a process that publishes all the time."""
    wrong: list[str] = []
    place, moment = base / "out", random.Random(0)
    publish(place, 0)

    def work() -> None:
        for version in itertools.count(1):
            publish(place, version)

    for i in range(times):
        pid = child(work)
        time.sleep(moment.uniform(0.001, 0.02))
        while os.waitpid(pid, os.WNOHANG) == (0, 0):  # one that comes too early is lost
            os.kill(pid, number)
            time.sleep(0.005)
        if exchanges:  # then there is a whole result at any time, without a next start
            check(base, place, {whole(place)} - {None}, wrong, f"{number.name} {i}")
        else:
            check(base, place, {str(v) for v in range(10_000)}, wrong, f"{number.name} {i}")
    return times, wrong


def main(base: Path) -> None:
    """Attack in every way, with paths exchanged in one step where the system can do that, and in two."""
    for name in ("one", "other"):
        (base / name).mkdir()
    found: dict = {"exchanges": workspace.exchange(base / "one", base / "other")}
    for kind, earlier in itertools.product(ATTACKS, (True, False)):
        name = f"{kind}, {'over an earlier result' if earlier else 'nothing there'}"
        (base / name).mkdir()
        found[name] = every_step(kind, base / name, earlier, found["exchanges"])
    for number, times in ((signal.SIGKILL, 60), (signal.SIGINT, 60), (signal.SIGTERM, 20)):
        (base / number.name).mkdir()
        found[number.name] = random_moments(number, base / number.name, times, found["exchanges"])
    workspace.exchange = lambda one, other: False
    for kind in ATTACKS:
        name = f"{kind}, over an earlier result, in two steps"
        (base / name).mkdir()
        found[name] = every_step(kind, base / name, earlier=True, exchanges=False)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
