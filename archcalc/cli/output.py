"""Where a result goes: a terminal, a pipe, a file; and what errors look like."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, TextIO, TypeVar

from archcalc.cli.choices import Format

if TYPE_CHECKING:
    from types import ModuleType

    from archcalc.report.media.blocks import Document
    from archcalc.source import Diagnostic

FINDINGS, USAGE, MISSING_EXTRA = 1, 2, 3
DIGITS = 5  # of a number of columns
_ENDINGS = {
    ".csv": "csv",
    ".json": "json",
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".py": "python",
    ".xml": "junit",
    ".parquet": "parquet",
    ".html": "html",
}
_OF_TEXT = {"", ".txt", ".text", ".log", ".out"}  # of what a terminal shows
# Documents of other programs: a text in a file that is called so does not open there.
_OF_OTHERS = {".pdf", ".xlsx", ".xls", ".ods", ".docx", ".doc", ".odt", ".pptx", ".zip", ".gz"}
Choice = TypeVar("Choice", bound=StrEnum)


def chosen(format: Choice | None, output: Path | None, formats: type[Choice]) -> Choice:
    """The format asked for, or that of the file's ending, or else the first of a command's formats."""
    if format is not None and output is None:
        return format
    if output is None:
        return next(iter(formats))
    from archcalc.report.media.plot import ENDINGS

    is_page = output.suffix.lower() == ".html" and "html" in set(formats)
    if output.suffix.lower() in ENDINGS and not is_page:
        figure = f"archcalc draw NETWORK -o {output}, or compare --draw -o {output}, a figure"
        help = f"--plot draws one, with show, compare and sweep; {figure}"
        if output.suffix.lower() == ".html":
            help = "archcalc page NETWORK -o FILE.html writes a page; " + help
        fail("bad-option", f"`{output}` ends as a picture does, and a text would be in it", help)
    ending = output.suffix.lower()
    by_ending = _ENDINGS.get(ending)
    if format is not None:
        if ending in _OF_OTHERS or (ending in (".parquet", ".html") and format != by_ending):
            help = "the ending says what is in a file; .txt for a text"
            fail("bad-option", f"`{output}` ends in {ending}, and {format} would be in it", help)
        return format
    if by_ending is None:
        if ending not in _OF_TEXT:
            known = ", ".join(end for end, name in _ENDINGS.items() if name in set(formats))
            help = f"-o FILE with {known}; .txt for a text"
            fail("bad-option", f"`{output}` ends in {ending}, and nothing is written as that", help)
        return next(iter(formats))
    if by_ending not in set(formats):
        fail("bad-option", f"this result is not written as {by_ending}", f"--format {', '.join(formats)}")
    return formats(by_ending)


def deliver(
    format: Format | None,
    output: Path | None,
    document: Callable[[], Document],
    csv: Callable[[], str],
    json: Callable[[], str],
) -> None:
    """Render what was asked for, and send it where it was asked for."""
    match chosen(format, output, Format):
        case Format.CSV:
            send(csv(), output)
        case Format.JSON:
            send(json(), output)
        case Format.MARKDOWN:
            from archcalc.report.media.markdown import markdown

            send(markdown(document()), output)
        case Format.LATEX:
            send_latex(document(), output)
        case Format.TABLE:
            send_document(document(), output)


def send_latex(document: Document, output: Path | None) -> None:
    """Write a document's tables for LaTeX; in a file they are the same whatever the window."""
    from archcalc.report.media.latex import WIDTH, latex

    try:
        text = latex(document, (asked_width() if output is None else None) or WIDTH)
    except ValueError as error:
        fail("no-table", f"this result cannot be written as LaTeX: {error} in it", "--format markdown")
    send(text, output)


def send_document(document: Document, output: Path | None = None) -> None:
    """Show a document as text: in colour on a terminal, plain and whole in a pipe or a file."""
    from archcalc.report.media.text import ascii_only, lines, plain

    if output is not None:
        return send(plain(document), output)
    stream = sys.stdout
    width = width_of(stream)
    if is_colourful(stream):
        from archcalc.cli.terminal import show

        with writing_stdout():
            show(lines(document, width), stream)
        return None
    text = plain(document, width)
    return send(text if can_show(text, stream) else ascii_only(text), None)


def width_of(stream: IO[str]) -> int | None:
    """Columns that there is room for; None: nothing need be left out. `COLUMNS` decides where it is set."""
    width = asked_width()
    if width is None and stream.isatty():
        from shutil import get_terminal_size

        width = get_terminal_size().columns
    return width


def told(diagnostics: Iterable[Diagnostic], stream: IO[str]) -> str:
    """Diagnostics as a stream has room for them, and no wider than reads well; whole in a pipe, which is searched."""
    from archcalc.report.media.text import PROSE
    from archcalc.source import render_text

    width = width_of(stream)
    return render_text(diagnostics, None if width is None else min(width, PROSE))


def asked_width() -> int | None:
    """Columns that `COLUMNS` asks for."""
    given = os.environ.get("COLUMNS", "")
    return int(given) or None if is_extent(given) else None


def is_extent(text: str) -> bool:
    """Whether a text is a number of columns or lines that a terminal may have."""
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS


def is_colourful(stream: IO[str]) -> bool:
    """A terminal, unless NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def can_show(text: str, stream: TextIO) -> bool:
    """Whether the stream's encoding has all the characters."""
    try:
        text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def send(text: str, output: Path | None) -> None:
    """Write a text to stdout, or to a file: whole or not at all."""
    if output is None:
        with writing_stdout():
            if not can_show(text, sys.stdout):
                text = text.encode(sys.stdout.encoding or "ascii", "backslashreplace").decode("ascii", "replace")
            sys.stdout.write(text)
            sys.stdout.flush()
        return
    from archcalc.source.writing import write_whole

    with writing(output):
        write_whole(output, text)


def draw(chart: Callable[[ModuleType], Any], path: Path | None) -> None:
    """Draw a chart, made with the room of charts, into a file where one is asked for; its ending says how."""
    if path is None:
        return
    from archcalc.report.media import plot
    from archcalc.source.extra import require

    if path.suffix.lower() not in plot.ENDINGS:
        fail("bad-option", f"a picture ends in {', '.join(plot.ENDINGS)}, not `{path.name}`", "--plot cost.svg")
    require("altair", "vl_convert", extra="plot")
    with writing(path):
        plot.write_chart(chart(plot), path)
    say(f"{path}: drawn")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system refuses while a file is written is a diagnostic."""
    try:
        yield
    except OSError as error:
        help = None if path.parent.is_dir() else f"make the folder first: mkdir -p {path.parent}"
        fail("cannot-write", f"`{path}` cannot be written: {reason(error)}", help)


def reason(error: OSError) -> str:
    """Why the system refused, to stand within a sentence."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


@contextmanager
def writing_stdout() -> Iterator[None]:
    """A reader that has seen enough (`| head`) is no error; a full disk is one."""
    try:
        yield
    except OSError as error:
        # Python flushes stdout once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise ended(0) from None
        fail("cannot-write", f"stdout cannot be written: {reason(error)}")


# errors


def complain(diagnostics: list[Diagnostic] | tuple[Diagnostic, ...]) -> None:
    """Say on stderr what is wrong."""
    from archcalc.source import visible

    text = "\n".join(visible(line) for line in told(diagnostics, sys.stderr).split("\n"))
    say(text if can_show(text, sys.stderr) else text.encode("ascii", "replace").decode())


def say(text: str) -> None:
    """A line on stderr."""
    import typer

    typer.echo(text, err=True)


def ended(status: int) -> Exception:
    """What ends a command with an exit status."""
    import typer

    return typer.Exit(status)


def fail(code: str, message: str, help: str | None = None, status: int = USAGE) -> NoReturn:
    """End with one diagnostic."""
    from archcalc.source import Diagnostic

    complain([Diagnostic(code, message, help=help)])
    raise ended(status)


Command = TypeVar("Command", bound=Callable[..., Any])


def guarded(command: Command) -> Command:
    """A command whose user's mistakes are diagnostics, never tracebacks."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        from archcalc.cli.interrupts import Terminated, interruptible
        from archcalc.source import SpecError
        from archcalc.source.extra import MissingExtraError

        try:
            with interruptible():
                return command(*args, **kwargs)
        except SpecError as error:
            complain(error.diagnostics)
            raise ended(USAGE) from None
        except MissingExtraError as error:
            fail("missing-extra", f"this needs {error.module}, which is not installed", error.line, MISSING_EXTRA)
        except BrokenPipeError:
            raise ended(0) from None
        except OSError as error:
            where = f"`{error.filename}`: " if error.filename is not None else ""
            fail("system-error", f"the system refused something: {where}{reason(error)}")
        except Terminated as error:
            say("terminated")
            raise ended(128 + error.number) from None
        except KeyboardInterrupt:
            say("interrupted")
            raise ended(130) from None

    return run  # type: ignore[return-value]
