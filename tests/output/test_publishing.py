"""Nothing vanishes: publishing over an earlier result, whatever happens meanwhile."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import samdyn as sd
from samdyn.output import OutputFolder, folder, signals, workspace


@pytest.fixture(autouse=True)
def _without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "provenance", lambda parameters: {"parameters": parameters})


def publish(place: Path, text: str = "new", then: Callable[[OutputFolder], object] = lambda _: None) -> OutputFolder:
    """Write one file; before the folder is published, do ``then``."""
    with OutputFolder(place, "escape", {}) as results:
        write(results, "a.txt", text)
        then(results)
    return results


def interrupt(results: OutputFolder) -> None:
    raise KeyboardInterrupt


def write(results: OutputFolder, name: str, text: str) -> None:
    with results.writing(name) as path:
        path.write_text(text)


def texts(root: Path) -> dict[str, str]:
    """Return what stands in all results below a folder, hidden ones too."""
    return {str(p.relative_to(root)): p.read_text() for p in root.rglob("*.txt")}


@pytest.mark.slow
def test_killed_interrupted_or_without_disk_at_every_step_and_at_random_moments(tmp_path: Path) -> None:
    script = Path(__file__).with_name("attacked.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    found.pop("exchanges")
    tried = {name: times for name, (times, _) in found.items()}
    assert all(times >= 15 for times in tried.values())
    assert sum(tried.values()) >= 250
    assert not [line for _, wrong in found.values() for line in wrong]


# A part of a result, and a whole one.


def test_a_part_does_not_replace_a_whole_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(tmp_path / "out", "whole")
    for text in ("part", "another part"):  # the second replaces the first
        with pytest.raises(KeyboardInterrupt):
            publish(tmp_path / "out", text, interrupt)
        assert texts(tmp_path) == {"out/a.txt": "whole", "out.unpublished/a.txt": text}
        told = capsys.readouterr().err
        assert told.startswith("interrupted: the earlier, whole result")
        assert "out.unpublished" in told


def test_a_whole_result_replaces_a_part(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path / "out", "part", interrupt)
    assert texts(tmp_path) == {"out/a.txt": "part"}
    publish(tmp_path / "out", "whole")
    assert texts(tmp_path) == {"out/a.txt": "whole"}


def test_an_experiment_may_say_itself_that_it_was_interrupted(tmp_path: Path) -> None:
    publish(tmp_path / "out", "whole")
    with OutputFolder(tmp_path / "out", "escape", {}) as results:
        write(results, "a.txt", "part")
        results.interrupted = True
    assert results.published == tmp_path / "out.unpublished"
    assert texts(tmp_path) == {"out/a.txt": "whole", "out.unpublished/a.txt": "part"}


def test_a_part_replaces_nothing_else_either(tmp_path: Path) -> None:
    publish(tmp_path / "out", "whole")
    (tmp_path / "out.unpublished").mkdir()
    (tmp_path / "out.unpublished" / "mine.txt").write_text("mine")
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path / "out", "part", interrupt)
    expected = {"out/a.txt": "whole", "out.unpublished/mine.txt": "mine", "out.unpublished-2/a.txt": "part"}
    assert texts(tmp_path) == expected


def test_results_of_before_parts_were_marked_are_whole(tmp_path: Path) -> None:
    publish(tmp_path / "out", "whole")
    manifest = tmp_path / "out" / "provenance.json"
    about = json.loads(manifest.read_text())
    del about["whole"]
    manifest.write_text(json.dumps(about))
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path / "out", "part", interrupt)
    assert texts(tmp_path)["out/a.txt"] == "whole"


# What others do meanwhile.


def test_results_are_kept_in_sight_if_the_place_is_taken_meanwhile(tmp_path: Path) -> None:
    with pytest.raises(sd.InputError, match=r"holds other things \(mine\).*are kept in '.*out\.unpublished'"):
        publish(tmp_path / "out", then=lambda _: (tmp_path / "out" / "mine").mkdir(parents=True))
    assert texts(tmp_path) == {"out.unpublished/a.txt": "new"}
    assert {p.name for p in tmp_path.iterdir()} == {"out", "out.unpublished"}


@pytest.mark.parametrize("where", ["out", "results"])
def test_a_folder_removed_meanwhile(where: str, tmp_path: Path) -> None:
    """The earlier result alone, or with all around it, hidden folder included."""
    place = tmp_path / "results" / "out"
    publish(place, "old")
    with OutputFolder(place, "escape", {}) as results:
        shutil.rmtree(place if where == "out" else tmp_path / "results")
        write(results, "a.txt", "new")
    assert texts(tmp_path) == {"results/out/a.txt": "new"}
    assert [p.name for p in place.parent.iterdir()] == ["out"]


def test_finished_results_removed_meanwhile_are_named(tmp_path: Path) -> None:
    place = tmp_path / "results" / "out"

    def remove(results: OutputFolder) -> None:
        shutil.rmtree(place.parent)
        write(results, "b.txt", "new")

    with pytest.warns(UserWarning, match=r"removed results while others were made: a\.txt"):
        publish(place, "lost", remove)
    assert texts(place) == {"b.txt": "new"}
    assert json.loads((place / "provenance.json").read_text())["whole"] is False


@pytest.mark.parametrize("where", [(OutputFolder, "_write_manifest"), (workspace.Workspace, "publish")])
def test_a_disk_that_is_full_in_the_last_second(
    where: tuple[type, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path / "out", "old")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill(_: OutputFolder) -> None:
        monkeypatch.setattr(*where, full)

    with pytest.raises(sd.InputError, match=r"No space left on device.*are kept in '.*out\.unpublished'"):
        publish(tmp_path / "out", "new", fill)
    assert texts(tmp_path) == {"out/a.txt": "old", "out.unpublished/a.txt": "new"}
    assert {p.name for p in tmp_path.iterdir()} == {"out", "out.unpublished"}


# Left-over folders.


def hidden(root: Path) -> list[str]:
    return [p.name for p in root.iterdir() if p.name.startswith(".")]


def test_what_a_killed_process_left_is_collected_and_nothing_else(tmp_path: Path) -> None:
    for name in (".out.abcdefgh.samdyn", ".out.more.abcdefgh.samdyn", ".out.notes", ".out", ".other.abcdefgh.samdyn"):
        (tmp_path / name / "new").mkdir(parents=True)
    with OutputFolder(tmp_path / "out", "escape", {}):
        (mine,) = (name for name in hidden(tmp_path) if re.fullmatch(r"\.out\.[^.]{8}\.samdyn", name))
        assert mine != ".out.abcdefgh.samdyn"
        OutputFolder(tmp_path / "out", "escape", {})  # another start leaves alone what is being worked on
        assert mine in hidden(tmp_path)
    assert set(hidden(tmp_path)) == {".out.more.abcdefgh.samdyn", ".out.notes", ".out", ".other.abcdefgh.samdyn"}


def test_names_too_long_for_a_hidden_one(tmp_path: Path) -> None:
    name = "ρ" * 120  # 240 bytes
    publish(tmp_path / name)
    assert texts(tmp_path) == {f"{name}/a.txt": "new"}


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(workspace.fcntl, "flock", refuse)
    return


@pytest.mark.usefixtures("no_locks")
def test_without_locks_nothing_is_collected(tmp_path: Path) -> None:
    (tmp_path / ".out.abcdefgh.samdyn").mkdir()
    publish(tmp_path / "out")
    assert texts(tmp_path) == {"out/a.txt": "new"}
    assert hidden(tmp_path) == [".out.abcdefgh.samdyn"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_publication_in_two_steps_killed_between_them(whole: bool, tmp_path: Path) -> None:
    left = tmp_path / ".out.abcdefgh.samdyn"
    for name in ("new", "old"):
        publish(left / name, name)
    if not whole:
        (left / "new" / "provenance.json").unlink()
    OutputFolder(tmp_path / "out", "escape", {})
    assert texts(tmp_path) == {"out/a.txt": "new" if whole else "old"}
    assert not hidden(tmp_path)


# Whose results they are, and where they may go.


@pytest.mark.parametrize(("mask", "rights"), [(0o077, 0o700), (0o022, 0o755), (0o027, 0o750)])
def test_the_umask_is_respected(mask: int, rights: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        publish(tmp_path / "out", "old")
        publish(tmp_path / "out", "new")
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == rights
    assert (tmp_path / "out" / "a.txt").stat().st_mode & 0o777 == rights & 0o666


def test_the_working_folder_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for place in (Path("."), tmp_path):
        with pytest.raises(sd.InputError, match=r"working folder.*Give a folder inside it"):
            OutputFolder(place, "escape", {})


# Signals held back.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_delivered_after_the_block(number: signal.Signals) -> None:
    class Arrived(Exception):
        pass

    def arrive(*_: Any) -> None:
        raise Arrived

    before = signal.signal(number, arrive)
    try:
        done: list[str] = []

        def work() -> None:
            with signals.delay():
                signal.raise_signal(number)
                done.append("to the end")

        with pytest.raises(Arrived):
            work()
        assert done == ["to the end"]
        assert signal.getsignal(number) is arrive
    finally:
        signal.signal(number, before)


def test_in_other_threads_nothing_is_held(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def work(then: Callable[[Path], object]) -> None:
        try:
            then(tmp_path / "out")
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work, args=(publish,))
    thread.start()
    thread.join()
    assert not failures
    assert texts(tmp_path) == {"out/a.txt": "new"}
