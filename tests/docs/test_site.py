"""What makes the pages: each name, figure, command and paper is on one, and they load nothing from the network."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from samdyn import lab
from samdyn.html import formula

from .conftest import ROOT

pytest.importorskip("sphinx")


class Site:
    """The modules of docs/_ext."""

    commands: ModuleType
    docstrings: ModuleType
    finished: ModuleType
    gallery: ModuleType
    literature: ModuleType
    mathml: ModuleType
    members: ModuleType
    names: ModuleType
    reference: ModuleType


@pytest.fixture(scope="module")
def site() -> Iterator[type[Site]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs" / "_ext")
        for name in Site.__annotations__:
            setattr(Site, name, __import__(name))
        yield Site


def test_every_public_name_has_its_place(site: type[Site]) -> None:
    homes = site.names.homes()
    for name in site.names.MODULES:
        module = import_module(name)
        for public in getattr(module, "__all__", []):
            if isinstance(getattr(module, public), ModuleType):
                assert f"{name}.{public}" in site.names.MODULES
            else:
                assert f"{name}.{public}" in homes
    assert homes["samdyn.analysis.critical_points"] == "samdyn.critical_points"
    assert homes["samdyn.theory.largest_lr"] != homes["samdyn.symbolic.largest_lr"]


def test_every_constant_has_a_comment(site: type[Site]) -> None:
    constants = [name for module in site.names.MODULES for name in site.names.public(module) if not name.is_code]
    assert [name.path for name in constants if not name.summary] == []
    comments = {name.path: name.comment for name in constants}
    assert comments["samdyn.symbolic.RHO"] == "radius ρ"  # behind the value
    assert comments["samdyn.networks.saddle_dynamics.HELD"] == "The outcomes of training from a saddle."  # above


def test_every_module_has_its_page(site: type[Site]) -> None:
    contents = (ROOT / "docs" / "reference" / "index.md").read_text(encoding="utf-8").splitlines()
    for module in site.names.MODULES:
        page = module.removeprefix("samdyn.")
        text = (ROOT / "docs" / "reference" / f"{page}.md").read_text(encoding="utf-8")
        assert f"```{{generated}} reference {module}\n" in text
        assert page in contents


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sd.simulate", "samdyn.simulate"),
        ("simulate(map_, w0)", "samdyn.simulate"),
        ("analysis.critical_points", "samdyn.critical_points"),
        ("sd.theory", "samdyn.theory"),
        ("landscapes.beale", "samdyn.landscapes.beale"),
        ("theory", ""),  # a word
        ("lr", ""),
        ("table", ""),  # of lab, and a word
    ],
)
def test_names_that_become_links(site: type[Site], text: str, name: str) -> None:
    assert site.names.home(text) == name


def test_a_reference_page(site: type[Site]) -> None:
    page = site.reference.reference("samdyn.symbolic")
    assert ".. autofunction:: samdyn.symbolic.effective_hessian" in page
    assert "autofunction:: samdyn.stability" not in page  # its place is another page
    assert "\n- `stability`: " in page or "\n- `symbolic.stability`: " in page
    assert re.search(r"py:data:: RHO\n +:type: Symbol\n +:value: rho", page)


def test_what_docstrings_mean(site: type[Site]) -> None:
    lines = ["λ_min and 1/|λ|, see ``a*b`` and `c|d`, w*, map_", ">>> 2 * 3 | 4", "6", "", ":param map\\_: the *map*"]
    site.docstrings.restructured(None, "function", "f", None, None, lines)
    assert lines == [
        r"λ_min and 1/\|λ\|, see ``a*b`` and ``c|d``, w\*, map\_",
        ">>> 2 * 3 | 4",
        "6",
        "",
        r":param map\_: the \*map\*",
    ]
    assert site.docstrings.markdown("a_b ``c_d``\n\n>>> 1\n1") == "a\\_b `c_d`\n\n```pycon\n>>> 1\n1\n```"


def test_every_figure_is_in_the_gallery(site: type[Site]) -> None:
    page = site.gallery.gallery()
    for script in (ROOT / "paper_figs").glob("*.py"):
        source = script.read_text(encoding="utf-8")
        assert page.count(f"{{image}} ../paper_figs/{script.stem}.png\n") == 1
        assert script.with_suffix(".png").exists()
        assert ast.unparse(ast.parse(source).body[-1]).splitlines()[0].split("==")[0] in page


def test_every_command_and_option_is_there(site: type[Site]) -> None:
    page = site.commands.commands()
    for name in ("list", "run", "sweep", "verify"):
        assert f"\n## `samdyn {name}`\n" in f"\n{page}"
    for name in lab.scripts():
        assert f"### `samdyn run {name}`\n" in page
    verify = page.partition("## `samdyn verify`")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\S+)` ", verify, re.MULTILINE)[:3] == ["claims", "--quick", "--full"]
    assert re.search(r"`--seed` \| .* \| `0` \|", verify)
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}  # a | in a text would begin a cell
    assert any(r"max\|λ\|" in row for row in rows)
    assert "``" not in "".join(rows)  # an empty default


def test_a_signature_has_the_types_that_options_annotate(site: type[Site]) -> None:
    app: Any = None
    shown = "(seeds: Annotated[int, <function where at 0x7f>] = 4)"
    signature, _ = site.members.plain_types(app, "class", "samdyn.lab.Training", lab.Training, {}, shown, None)
    assert signature == "(seeds: int = 4, seed: int = 0, processes: int = 2, device: str = 'auto')"
    assert site.members.plain_types(app, "class", "x", int, {}, "(x: int)", None) is None


def test_every_paper_is_there(site: type[Site]) -> None:
    papers = site.literature.papers()
    text = (ROOT / "docs" / "references.bib").read_text(encoding="utf-8")
    assert list(papers) == re.findall(r"^@\w+\{(\w+),", text, re.MULTILINE)
    assert all({"title", "author", "year"} <= set(paper) for paper in papers.values())
    assert "Hoki Kim, Jinseong Park, Yujin Choi and Jaewook Lee" in site.literature.literature()


def test_formulas(site: type[Site]) -> None:
    written = site.mathml.mathml(r"\rho > 1/|\lambda|", "inline")
    assert re.sub(r"<[^>]*>", "", written) == "&#x003C1;&#x0003E;1&#x0002F;&#x0007C;&#x003BB;&#x0007C;"
    assert written.count('lspace="0"') == 3
    assert site.mathml.OUTPUT.fullmatch(formula(r"\rho < 2"))  # what cells of a notebook show


def test_pages_that_load_something_are_seen(site: type[Site], tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '<a href="https://x.org">x</a><link rel="stylesheet" href="_static/s.css"><script src="s.js"></script>'
    )
    assert site.finished.loaded(tmp_path) == []
    loading = [
        '<script defer src="https://x.org/s.js"></script>',
        '<img alt="" src=//x.org/i.png>',
        '<link href="https://x.org/s.css" rel="stylesheet">',
        "<style>@import 'https://x.org/s.css'</style>",
        "<style>a { background: url(https://x.org/i.png) }</style>",
    ]
    for text in loading:
        (tmp_path / "page.html").write_text(text)
        assert len(site.finished.loaded(tmp_path)) == 1, text


def test_broken_links_are_seen(site: type[Site], tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text(
        '<h1 id="top">1</h1><a href="two.html#k"></a><a href="#top"></a><a href="#gone">'
    )
    (tmp_path / "two.html").write_text(
        '<p id="k">2</p><a class="x" href="one.html"></a><a href="https://x.org/#a"></a><a href="three.html"></a>'
    )
    broken = [text.removeprefix(f"{tmp_path}/") for text in site.finished.broken(tmp_path)]
    assert broken == ["one.html: #gone", "two.html: three.html#"]
