"""Names to specs: the networks that come with archcalc, and a user's own files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.named import NamedTuple
from archcalc.source import Diagnostic, Source, SpecError, read_source, suggest_many
from archcalc.source.places import specs_folder as specs_folder
from archcalc.spec.model import Spec
from archcalc.spec.read import read_spec

if TYPE_CHECKING:
    from archcalc.spec.configuration import Configuration

CONFIG = "config.json"
RESULTS = (".svg", ".png", ".pdf", ".mmd", ".dot", ".csv", ".md", ".tex", ".html", ".txt", ".parquet")
_HEAD = re.compile(r"^network:[ ]*([^\s#]+)", re.MULTILINE)
_VARIANTS = re.compile(r"^variants:[^\n]*\n((?:[ #][^\n]*\n|\n)*)", re.MULTILINE)
_VARIANT = re.compile(r"^  ([A-Za-z0-9_][A-Za-z0-9_@-]*):", re.MULTILINE)


class Found(NamedTuple):
    """A network: its spec, and its name in the file."""

    spec: Spec
    name: str


@cache
def index() -> dict[str, tuple[str, Path]]:
    """Every name that the files give, in the form in which names are compared, with its spelling and file.

    Files are scanned for the names of their variants, not parsed: a test holds that both give the same names.
    """
    return {plain(name): (name, path) for path in _files_in(specs_folder()) for name in names_in(path)}


@cache
def _names_of_files(folder: Path) -> list[str]:
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208 - a path of each takes ten times as long
    return sorted(name for name in names if name.endswith(".yaml"))


def _files_in(folder: Path) -> list[Path]:
    return [folder / name for name in _names_of_files(folder)]


@cache
def names_in(path: Path) -> list[str]:
    """The name of a file's family, and those of its variants."""
    text = path.read_text(encoding="utf-8")
    variants = _VARIANTS.search(text)
    return _HEAD.findall(text)[:1] + (_VARIANT.findall(variants.group(1)) if variants else [])


def _indexed(name: str) -> tuple[str, Path] | None:
    """A name of the index. No name is in two files, and most are in one whose own name they begin with."""
    wanted = plain(name)
    folder = specs_folder()
    for file in _names_of_files(folder):
        if wanted.startswith(plain(file.removesuffix(".yaml"))):
            path = folder / file
            for spelling in names_in(path):
                if plain(spelling) == wanted:
                    return spelling, path
    return index().get(wanted)


def is_network(name: str) -> bool:
    """Whether a name of the index is a network: that of a family is none where variants alone give a variable a value.

    Only for the name of a family is its file parsed.
    """
    spelling, path = index()[plain(name)]
    if spelling in names_in(path)[1:]:
        return True
    return spelling in read_file(path, f"specs/{path.name}", True).names()


def plain(name: str) -> str:
    """The form in which names are compared: case and the kind of dash do not matter."""
    return name.lower().replace("-", "_")


def read_file(path: Path, name: str | None = None, is_known_good: bool = False) -> Spec:
    """Read one file, once as long as nobody writes it again.

    Raises:
        SpecError: everything that is wrong with it.
    """
    try:
        found = path.stat()
        version = found.st_mtime_ns, found.st_size, found.st_ino
    except (OSError, ValueError):  # reading it says what is wrong
        version = 0, 0, 0
    return _read_version(path, name, is_known_good, version)


@cache
def _read_version(path: Path, name: str | None, is_known_good: bool, version: tuple[int, int, int]) -> Spec:
    return read_spec(read_source(path, name), is_known_good)


def find(name: str) -> Found:
    """The network of a name, or of a file: `vgg16`, `./my.yaml`, `./my.yaml:variant`.

    Raises:
        SpecError: nothing is called that, with the nearest names; or the file does not read.
    """
    if is_configuration(name):
        from archcalc.spec.configuration import Configuration

        try:
            read = Configuration(name)
        except SpecError as error:
            raise with_way_out(error, name) from None
        return of_configuration(read)
    if name.lower().endswith(RESULTS) and not _exists(name):
        help = f"a file that a result is written to is an option: -o {name}"
        raise SpecError([Diagnostic("unknown-network", f"`{name}` is no network", help=help)])
    if looks_like_file(name):
        path, variant = file_and_variant(name)
        if variant and is_configuration(path):
            help = f"give its path alone: {path}"
            raise SpecError([Diagnostic("unknown-network", f"`{path}` is one network, without variants", help=help)])
        try:
            spec = read_file(Path(path), path)
        except SpecError as error:
            raise with_way_out(error, path) from None
        return choose(spec, variant)
    known = _indexed(name)
    if known is None:
        near = suggest_many(name, [spelling for spelling, _ in index().values()])
        help = f"did you mean {_listed(near)}?" if near else "`archcalc list` lists all networks"
        beside = [f"./{name}{ending}" for ending in ("", ".yaml", ".yml", ".json") if _is_file(f"./{name}{ending}")]
        if beside:
            help = f"a file is given as a path: {beside[0]}"
        raise SpecError([Diagnostic("unknown-network", f"no network is called `{name}`", help=help)])
    spelling, file = known
    spec = read_file(file, f"specs/{file.name}", True)
    return choose(spec, spelling)


def with_way_out(error: SpecError, path: str) -> SpecError:
    """The same, with what was probably meant by a file that is not there."""
    (first, *_) = error.diagnostics
    stem = plain(Path(path).stem)
    if first.code != "no-such-file":
        return error
    if stem in index():
        help = f"`{index()[stem][0]}` comes with archcalc, and its name is enough: archcalc show {index()[stem][0]}"
    elif beside := [f"{path}{ending}" for ending in (".yaml", ".yml", ".json") if _exists(f"{path}{ending}")]:
        help = f"did you mean `{beside[0]}`?"
    elif _exists(f"{path}/{CONFIG}"):  # `foo`, where only a spec can be
        help = f"a folder is given as a path: ./{path}"
    elif _exists(path) and Path(path).is_dir():
        help = f"a folder is read where it holds a {CONFIG} of transformers; else give the path of a spec, a YAML file"
    elif re.fullmatch(r"\w[\w.-]*/[\w.-]+", path) and not re.search(r"\.(ya?ml|json)\Z", path):
        help = f"nothing is fetched from a hub: give the path of the model's {CONFIG}"
    else:
        return error
    return SpecError([first._replace(help=help)])


@cache
def types() -> dict[str, Path]:
    """The file of every model_type that the specs can be made from, by `huggingface:` in them."""
    from archcalc.spec.configuration import model_types

    return {word: path for path in _files_in(specs_folder()) for word in model_types(path.read_text(encoding="utf-8"))}


def of_configuration(configuration: Configuration) -> Found:
    """The network that a config.json describes: its family's spec, written with its values and read.

    Raises:
        SpecError: no spec is of its model_type, or the spec does not read a key of it.
    """
    from archcalc.spec.configuration import remarks, unknown_type, written

    path = types().get(configuration.model_type)
    if path is None:
        raise unknown_type(configuration, list(types()))
    spec = read_file(path, f"specs/{path.name}", True)
    text = written(spec, configuration)
    found = choose(read_spec(Source(f"specs/{path.name} with {configuration.source.name}", text), True))
    assert spec.huggingface is not None
    found.spec.remarks += remarks(configuration, spec.huggingface())
    return found


def find_in_revision(name: str, revision: str) -> Found:
    """The network of a file as it is in a git revision: `./my.yaml`, `./my.yaml:variant`.

    Raises:
        SpecError: there is no such revision or file in it, it is no file's name, or the file does not read.
    """
    from archcalc.source.revisions import read_revision

    if not looks_like_file(name):
        message = f"`{name}` is not the path of a spec (.yaml, .yml), and only files have revisions"
        raise SpecError([Diagnostic("not-a-file", message, help="./my.yaml, or ./my.yaml:variant")])
    path, variant = file_and_variant(name)
    return choose(read_spec(read_revision(path, revision)), variant)


def file_and_variant(name: str) -> tuple[str, str]:
    """`./my.yaml:variant` in two; without a variant, the second is empty."""
    path, _, variant = name.rpartition(":") if ":" in name[2:] and not _exists(name) else (name, "", "")
    return path, variant


def _is_file(name: str) -> bool:
    """Whether a spec, or a configuration, is there; a folder is one where it holds a configuration."""
    return _exists(name) and (is_configuration(name) or not Path(name).is_dir())


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except OSError:  # a name that is too long
        return False


def choose(spec: Spec, variant: str = "") -> Found:
    """One network of a file; without a name the only one, or the file's own.

    Raises:
        SpecError: the name is not one of the file's, or the file holds several.
    """
    names = {plain(name): name for name in spec.names()}
    wanted = plain(variant or spec.network)
    if wanted in names:
        return Found(spec, names[wanted])
    if not variant and len(names) == 1:
        return Found(spec, next(iter(names.values())))
    listed = ", ".join(spec.names())
    if plain(variant or spec.network) == plain(spec.network):
        unset = ", ".join(sorted(set(spec.settable) - set(spec.variables)))
        verb = "have" if "," in unset else "has"
        message = f"`{spec.network}` names a family: {unset} {verb} a value in its variants only"
    else:
        message = f"{spec.source.name} has no network `{variant}`"
    help = f"networks of this file: {listed}" if listed else "set the variables, or add variants"
    raise SpecError([Diagnostic("unknown-network", message, help=help)])


def is_configuration(name: str) -> bool:
    """Whether an argument means a configuration of transformers: a .json file, or a folder that holds one."""
    return name.endswith(".json") or (("/" in name or name in (".", "..")) and _exists(f"{name}/{CONFIG}"))


def is_spec(path: Path) -> bool:
    """Whether a file begins a network, as far as can be said without parsing it; one that cannot be read does not."""
    try:
        return _HEAD.search(path.read_text(encoding="utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False


def looks_like_file(name: str) -> bool:
    """Whether an argument means a file rather than a name."""
    head = name.partition(":")[0] if len(name) > 2 else name
    return "/" in name or "\\" in name or head.endswith((".yaml", ".yml"))


def all_names(paths: Iterable[Path] | None = None) -> list[str]:
    """Names of all networks that come with archcalc, family by family."""
    return [
        name
        for path in (_files_in(specs_folder()) if paths is None else paths)
        for name in read_file(path, f"specs/{path.name}").names()
    ]


def all_tasks() -> list[str]:
    """What the networks that come with archcalc are for."""
    specs = [read_file(path, f"specs/{path.name}", True) for path in _files_in(specs_folder())]
    return sorted({task for spec in specs for _, task in spec.tasks.values()})


def _listed(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
