"""`archcalc page`, and pages of compare, diff and sweep: one file, and what is said of mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import archcalc
from tests.cli.running import run

pytest.importorskip("jinja2", reason="Jinja2 is not installed")

MISTAKES = [
    (["page", "lenet5", "-o", "page.txt"], "a page ends in .html"),
    (["page", "lenet", "alexnt", "-o", "page.html"], "did you mean `alexnet`"),
    (["page", "lenet5", "-o", "no/such/folder/page.html"], "make the folder first"),
    (["page", "lenet5", "--set", "resolutoin=96", "-o", "page.html"], "`resolution`"),
    (["page", "lenet5", "--convention", "fvcor", "-o", "page.html"], "`fvcore`"),
    (["page", "lenet5", "--batch", "0", "-o", "page.html"], "1 or more"),
    (["compare", "lenet5", "alexnet", "--by", "stage", "-o", "page.html"], "a page has no --by"),
    (["diff", "lenet5", "alexnet", "--scope", "C1", "-o", "page.html"], "no layers under `C1`"),
    (["sweep", "lenet5", "--over", "classes=5,10", "--format", "csv", "-o", "page.html"], "ends in .html"),
    (["sweep", "lenet5", "--over", "classes=5,10", "-o", "no/such/folder/page.html"], "mkdir -p"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES)
def test_mistakes(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, code=2)
    assert said in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())


def test_without_jinja2_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from importlib import util

    found = util.find_spec
    monkeypatch.setattr("archcalc.source.extra.find_spec", lambda name: None if name == "jinja2" else found(name))
    for arguments in (["page", "lenet5"], ["diff", "lenet5", "alexnet"], ["sweep", "lenet5", "--over", "classes=5"]):
        result = run(*arguments, "-o", str(tmp_path / "page.html"), code=3)
        assert "[page]'" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_page_is_one_file_that_loads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    said = run("page", "resnet152", "-o", str(path)).stderr
    text = path.read_text(encoding="utf-8")
    assert said == f"{path}: {len(text.encode()) / 1000:,.0f} KB\n"
    assert len(text.encode()) < 600_000
    assert "https://" not in text
    assert [link for link in re.findall(r'(?:src|href)="([^"]*)"', text) if not link.startswith("#")] == ["data:,"]
    assert "60,192,808" in text  # torchvision's parameters
    assert run("page", "resnet152").stdout == text == archcalc.page("resnet152").html


def test_what_a_spec_says_stays_text(tmp_path: Path) -> None:
    spec = tmp_path / "hostile.yaml"
    spec.write_text(
        "network: hostile\ntitle: </script><script>alert(1)</script>\nnotes: ['<img src=x onerror=alert(1)>']\n"
        "variables: {classes: 4}\ninput: image(3, 8, 8)\nlayers:\n"
        "- a: conv(4, 3)\n- b: flatten\n- fc: linear(classes)\n",
        encoding="utf-8",
    )
    text = run("page", str(spec)).stdout
    assert "<script>alert" not in text
    assert "<img" not in text
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    assert json.loads(data[1])["networks"][0]["name"] == "hostile"


def test_several_networks_and_files_of_other_commands(tmp_path: Path) -> None:
    run("compare", "lenet5", "alexnet", "-o", str(tmp_path / "compare.html"))
    assert (tmp_path / "compare.html").read_text() == archcalc.page("lenet5", "alexnet").html
    run("diff", "lenet5", "alexnet", "--fail-if", "params > +1%", "-o", str(tmp_path / "diff.html"), code=1)
    assert "fails: params &gt; +1%" in (tmp_path / "diff.html").read_text()
    with pytest.raises(ValueError, match="ends in"):
        archcalc.page("lenet5").save(tmp_path / "page.pdf")
    with pytest.raises(ValueError, match="one network or more"):
        archcalc.page()
