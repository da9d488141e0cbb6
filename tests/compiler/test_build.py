"""Compiled once, kept, and never in the way."""

import os
import platform
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from samdyn.compiler import LANES, VARYING, Input, Kernel, NotCompilable, cache
from samdyn.compiler.c import build


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep code in an empty folder, and forget which compiler there is."""
    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path / "kept"))
    forget()
    yield tmp_path / "kept"
    monkeypatch.undo()
    forget()


def forget() -> None:
    for function in (build.compiler, build._machine, build._warn):
        function.cache_clear()
    build._in_memory.clear()
    build._hanging.clear()


def kernel(term: int = 1) -> Kernel:
    return Kernel(lambda w: [w + term], [Input("w", (), torch.float64, VARYING)], [], None, None)


def runs(term: int = 1) -> bool:
    """Whether a kernel, made anew, does what it should."""
    made = kernel(term)
    made.build()
    w = torch.zeros(LANES, dtype=torch.float64)
    made.run([w], {}, 0, 3)
    return bool((w == 3 * term).all())


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return str(path)


def test_it_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = build.compiler()[0]
    counting = script(tmp_path / "counting", f'echo call >> "{tmp_path}/calls"\nexec {real} "$@"')
    monkeypatch.setenv("CC", counting)
    build.compiler.cache_clear()
    assert not kernel().is_built
    assert runs()
    assert kernel().is_built
    before = (tmp_path / "calls").read_text()
    assert runs()
    assert (tmp_path / "calls").read_text() == before
    assert not kernel(2).is_built
    assert [p.suffix for p in folder.iterdir()] == [".so"]


def test_a_process_reads_a_file_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs(5)
    read, real = [], cache._hash
    monkeypatch.setattr(cache, "_hash", lambda path: read.append(path) or real(path))
    for _ in range(3):
        assert kernel(5).is_built
        assert runs(5)
    assert len(read) == 1
    (path,) = files(folder)
    path.touch()  # somebody may have written to it
    assert kernel(5).is_built
    assert len(read) == 2


def test_another_compiler_or_processor_compiles_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs()
    monkeypatch.setattr(build, "_machine", lambda: "another")
    assert not kernel().is_built


def test_without_a_compiler_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(NotCompilable, match=r"no C compiler was found \(cc, gcc, clang\)"):
        kernel().build()
    monkeypatch.setenv("CC", "/nowhere/cc")
    with pytest.raises(NotCompilable, match="CC=/nowhere/cc"):
        kernel().build()


def test_a_compiler_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path) -> None:
    monkeypatch.setenv("CC", script(tmp_path / "broken", "echo no room left >&2; exit 3"))
    with pytest.raises(NotCompilable, match="broken failed with status 3: no room left"):
        kernel().build()
    assert not list(folder.iterdir())  # and nothing is left of it


def test_one_that_makes_nonsense_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(
        "CC", script(tmp_path / "nonsense", 'for last; do [ "$before" = -o ] && echo x > "$last"; before=$last; done')
    )
    with pytest.raises(NotCompilable, match="could not be loaded"):
        kernel().build()


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.so"))


DAMAGE: dict[str, Callable[[bytes], bytes]] = {  # of which the loader sees none before it is too late
    "cut off in its middle": lambda code: code[: len(code) // 2],
    "cut off in a page": lambda code: code[:4096],
    "one bit": lambda code: code[:-3000] + bytes([code[-3000] ^ 1]) + code[-2999:],
    "empty": lambda code: b"",
    "no code": lambda code: b"\x7fELF and no more",
    "longer": lambda code: code + b"more",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_code_is_not_loaded_but_made_anew(kind: str, folder: Path) -> None:
    assert runs(5)
    (path,) = files(folder)
    whole = path.read_bytes()
    damaged = DAMAGE[kind](whole)
    path.unlink()  # or this process, which has loaded it, would be damaged
    path.write_bytes(damaged)
    path.chmod(0o700)
    assert not kernel(5).is_built
    assert runs(5)
    (path,) = files(folder)
    assert path.read_bytes() != damaged
    assert kernel(5).is_built


def test_code_of_another_is_not_loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs(5)
    (path,) = files(folder)
    for mode in (0o722, 0o770):  # all, or the group, can write to it
        path.chmod(mode)
        assert not kernel(5).is_built
        assert runs(5)
        (path,) = files(folder)
        assert path.stat().st_mode & 0o777 == 0o700
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")
    assert not kernel(5).is_built
    assert runs(5)
    ours = os.geteuid()
    monkeypatch.setattr(cache.os, "geteuid", lambda: ours + 1)
    monkeypatch.setattr(cache, "ROOT", ours + 2)
    assert not kernel(5).is_built
    with pytest.warns(RuntimeWarning, match="belongs to another user. Make room, or set SAMDYN_CACHE"):
        assert runs(5)


def test_a_folder_that_all_can_write_to_is_not_used(folder: Path) -> None:
    assert runs(5)
    folder.chmod(0o777)
    assert not kernel(5).is_built
    with pytest.warns(RuntimeWarning, match="can be written to by all users"):
        assert runs(5)
    folder.chmod(0o775)  # by the user's group: what others put there is theirs
    build._in_memory.clear()
    assert kernel(5).is_built


def test_a_folder_that_cannot_be_written_to_costs_no_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path / "file" / "kept"))
    assert not kernel().is_built
    with pytest.warns(RuntimeWarning, match="compiled code cannot be kept"):
        assert runs()
    assert runs(2)  # and is not said again: pytest makes warnings errors
    assert kernel().is_built  # for this process
    monkeypatch.setenv("CC", "/nowhere/cc")
    assert runs()


def test_damaged_code_in_a_folder_that_cannot_be_written_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs(5)
    (path,) = files(folder)
    path.unlink()
    path.write_bytes(b"damaged")

    def refuse(*_: Any) -> None:
        raise PermissionError("read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    monkeypatch.setattr(cache.tempfile, "TemporaryDirectory", Refusing)
    with pytest.warns(RuntimeWarning, match="read-only file system"):
        assert runs(5)
    assert path.read_bytes() == b"damaged"


class Refusing(tempfile.TemporaryDirectory):  # type: ignore[type-arg]
    """Temporary folders, but not in a folder that was named, as if nothing could be written there."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if options.get("dir"):
            raise PermissionError("read-only file system")
        super().__init__(*arguments, **options)


def test_no_home_costs_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("SAMDYN_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", none)
    assert not kernel().is_built
    with pytest.warns(RuntimeWarning, match="there is no home folder"):
        assert runs()


def test_a_disk_that_is_full_where_code_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = build.compiler()[0]
    text = f'case "$*" in *"{folder}"*) echo "No space left on device" >&2; exit 1;; esac\nexec {real} "$@"'
    monkeypatch.setenv("CC", script(tmp_path / "full", text))
    build.compiler.cache_clear()
    with pytest.warns(RuntimeWarning, match="No space left on device"):
        assert runs()
    assert not list(folder.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_limit_on_the_size_of_files_leaves_it_to_torch() -> None:
    import resource

    build._machine()
    made, before = kernel(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))  # whoever writes more gets "File too large"
    try:
        with pytest.raises(NotCompilable, match="no room to compile"):
            made.build()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_compiler_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # With what it started, which holds its pipes; and each further kernel does not wait for it again.
    real = build.compiler()[0]
    text = f'case "$*" in *kernel.c*) sleep 60 & echo $! > {tmp_path}/child; wait;; *) exec {real} "$@";; esac'
    monkeypatch.setenv("CC", script(tmp_path / "hangs", text))
    build.compiler.cache_clear()
    monkeypatch.setattr(build, "COMPILE", 0.3)
    monkeypatch.setattr(build, "LINE", 0.0)
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(NotCompilable, match="hangs did not end within 0 s"):
            kernel().build()
    assert time.monotonic() - began < 30  # less than what it would take
    with pytest.raises(ProcessLookupError):
        wait_for_end(int((tmp_path / "child").read_text()))


def wait_for_end(process: int) -> None:
    """Look for a process that was killed until it is gone, or half a minute."""
    for _ in range(300):
        os.kill(process, 0)
        if Path(f"/proc/{process}/stat").exists() and ") Z " in Path(f"/proc/{process}/stat").read_text():
            raise ProcessLookupError  # nobody has asked for its exit status yet
        time.sleep(0.1)


def test_one_that_does_not_even_say_what_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CC", script(tmp_path / "mute", "sleep 60"))
    monkeypatch.setattr(build, "ANSWER", 0.3)
    build.compiler.cache_clear()
    with pytest.raises(NotCompilable, match="mute did not end"):
        assert kernel().is_built


@pytest.mark.parametrize("command", ["{cc} -m64", "{wrapper} {cc}", "'{spaced}'", "{spaced}"])
def test_commands_of_several_words(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cc = build.compiler()[0]
    wrapper, spaced = tmp_path / "wrapper", tmp_path / "a folder" / "cc"
    spaced.parent.mkdir()
    names = {
        "cc": cc,
        "wrapper": script(wrapper, f'echo "$@" >> {tmp_path}/calls; exec "$@"'),
        "spaced": script(spaced, f'exec {cc} "$@"'),
    }
    if "-m64" in command and platform.machine() != "x86_64":
        pytest.skip("that option is this processor's alone")
    monkeypatch.setenv("CC", command.format(**names))
    build.compiler.cache_clear()
    build._machine.cache_clear()
    assert runs()
    assert (tmp_path / "calls").exists() == ("wrapper" in command)


@pytest.mark.parametrize("command", ["gcc 'open", "  "])
def test_commands_that_are_none(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", command)
    build.compiler.cache_clear()
    if command.strip():
        with pytest.raises(NotCompilable, match="no C compiler was found"):
            build.compiler()
    else:
        assert build.compiler()  # as if it were not set


def test_messages_in_another_encoding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CC", script(tmp_path / "latin", "printf 'kein Platz f\\374r mehr' >&2; exit 1"))
    with pytest.raises(NotCompilable, match="kein Platz f�r mehr"):
        kernel().build()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of a process with threads: none of them is needed
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_several_processes_at_once(folder: Path) -> None:
    build._machine()
    children = []
    for _ in range(4):
        child = os.fork()
        if not child:
            try:
                os._exit(0 if runs(7) else 1)
            finally:
                os._exit(2)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    assert kernel(7).is_built
    assert not list(folder.glob(f"{cache.PREFIX}*"))


def test_what_killed_processes_left_is_removed(folder: Path) -> None:
    old, new = folder / f"{cache.PREFIX}old", folder / f"{cache.PREFIX}new"
    for left in (old, new):
        left.mkdir(parents=True)
        (left / "kernel.c").write_text("int main")
    os.utime(old, (0, 0))
    assert runs()
    assert not old.exists()
    assert new.exists()  # somebody may be compiling there


def test_processors_are_told_apart_on_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.platform, "system", lambda: "Darwin")
    told = []
    for name in ("Apple M1", "Apple M4"):
        monkeypatch.setattr(build, "_call", lambda *_, name=name: subprocess.CompletedProcess([], 0, name + "\n", ""))
        told.append(build._processor())
    assert told == ["Apple M1\n", "Apple M4\n"]


def test_the_folder_is_the_users_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache.cache_folder() == tmp_path / "kept"
    monkeypatch.delenv("SAMDYN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / "samdyn"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_folder() == Path(os.path.expanduser("~")) / ".cache" / "samdyn"
