"""Compiled once, kept, and never in the way."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from samdyn.compiler import LANES, VARYING, Input, Kernel, NotCompilable, build


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep code in an empty folder, and forget which compiler there is."""
    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path / "kept"))
    build.compiler.cache_clear()
    build._machine.cache_clear()
    yield tmp_path / "kept"
    monkeypatch.undo()
    build.compiler.cache_clear()
    build._machine.cache_clear()


def kernel(term: int = 1) -> Kernel:
    return Kernel(lambda w: [w + term], [Input("w", (), torch.float64, VARYING)], [], None, None)


def runs(made: Kernel) -> bool:
    """Whether a kernel does what it should."""
    made.build()
    w = torch.zeros(LANES, dtype=torch.float64)
    made.run([w], {}, 0, 3)
    return bool((w == 3).all())


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
    assert runs(kernel())
    assert kernel().is_built
    before = (tmp_path / "calls").read_text()
    assert runs(kernel())
    assert (tmp_path / "calls").read_text() == before
    assert not kernel(2).is_built
    assert [p.suffix for p in folder.iterdir()] == [".so"]


def test_another_compiler_or_processor_compiles_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs(kernel())
    monkeypatch.setattr(build, "_machine", lambda: "another")
    assert not kernel().is_built


def test_without_a_compiler_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
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


def test_code_that_was_cut_off_is_made_anew(folder: Path) -> None:
    kept = build._kept(kernel(5).text)
    folder.mkdir()
    kept.write_bytes(b"\x7fELF and no more")
    kernel(5).build()
    assert kept.stat().st_size > 1000


def test_a_folder_that_cannot_be_written_to_costs_no_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SAMDYN_CACHE", str(tmp_path / "file" / "kept"))
    assert runs(kernel())
    assert not kernel().is_built


def test_the_folder_is_the_users_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert build.cache_folder() == tmp_path / "kept"
    monkeypatch.delenv("SAMDYN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert build.cache_folder() == tmp_path / "samdyn"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert build.cache_folder() == Path(os.path.expanduser("~")) / ".cache" / "samdyn"
