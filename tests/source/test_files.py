from pathlib import Path

import pytest

from archcalc.source import Diagnostic, SpecError, read_source, source_from_bytes
from archcalc.source.files import USUAL_BYTES


def refusal(error: pytest.ExceptionInfo[SpecError]) -> Diagnostic:
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.help
    return diagnostic


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: \xe5\xb1\xa4\r\n")
    assert read_source(path).text == "a: 1\nb: 層\n"
    assert read_source(path).name == str(path)
    assert read_source(path, name="./a.yaml").name == "./a.yaml"


@pytest.mark.parametrize("name", ["missing.yaml", "", "a\0b"])
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError) as error:
        read_source(str(tmp_path / name))
    diagnostic = refusal(error)
    assert (diagnostic.code, diagnostic.line, diagnostic.column) == ("no-such-file", None, None)
    assert diagnostic.help == "give the path of a spec, a YAML file"
    assert diagnostic.source is not None


def test_a_long_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"#" * 11)
    with pytest.raises(SpecError) as error:
        read_source(path, limit=10)
    assert refusal(error)[:2] == ("file-too-large", "the file is longer than 10 bytes")
    assert refusal(error).help == "split it into several files"
    assert read_source(path, limit=11).text == "#" * 11


@pytest.mark.parametrize("more", [-1, 0, 1, USUAL_BYTES])
def test_a_file_longer_than_usual_is_read_whole(tmp_path: Path, more: int) -> None:
    path = tmp_path / "a.yaml"
    text = "#" * (USUAL_BYTES + more - 1) + "\n"
    path.write_text(text)
    assert read_source(path).text == text
    with pytest.raises(SpecError):
        read_source(path, limit=len(text) - 1)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"\xff\xfea\0", (1, 1)),
        (b"a: 1\r\nb: \xe5\xb1\xa4\xe9 x\n", (2, 5)),
        (b"\xef\xbb\xbfab\xc3", (1, 3)),
        (b"a: \xed\xa0\x80", (1, 4)),
    ],
)
def test_not_utf8(data: bytes, place: tuple[int, int]) -> None:
    with pytest.raises(SpecError) as error:
        source_from_bytes("a.yaml", data)
    diagnostic = refusal(error)
    assert (diagnostic.code, diagnostic.line, diagnostic.column) == ("not-utf8", *place)
    assert f"a.yaml:{place[0]}:{place[1]}" in str(error.value)
