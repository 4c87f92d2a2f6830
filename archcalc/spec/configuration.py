"""A config.json of transformers as a spec: that of its model_type, with the variables that it gives."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from math import inf
from pathlib import Path
from typing import Any

from archcalc.source import Diagnostic, Note, Span, SpecError, read_source, suggest, suggest_many
from archcalc.source.json_keys import JsonKeys, json_keys
from archcalc.spec.huggingface import HARMLESS, MISSING, Gives, HuggingFace
from archcalc.spec.library import CONFIG
from archcalc.spec.model import Spec
from archcalc.spec.undescribed import REASONS

KIND = "a config.json of transformers"


class Configuration:
    """A config.json, read: its values by path, `text_config.hidden_size`."""

    def __init__(self, name: str) -> None:
        """Read a file, or the config.json of a folder.

        Raises:
            SpecError: it cannot be read, or is no JSON object with a model_type.
        """
        path = Path(name)
        path = path if path.suffix == ".json" else path / CONFIG
        self.source = read_source(path, kind=KIND)
        self.name = _name_of(path)
        self.keys = JsonKeys({}, [])
        try:
            found = json.loads(self.source.text)
        except RecursionError:
            raise self.refusal("bad-config", "the configuration is nested too deep") from None
        except json.JSONDecodeError as error:
            text = self.source.text.rstrip()
            message = f"the configuration is not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
            at = min(error.pos, len(text))  # not on an empty line behind
            help = "names and texts stand in double quotes, no comma behind the last of them, and there are no comments"
            if not text:
                message, help = "the file is empty", f"give the path of {KIND}"
            raise SpecError([Diagnostic("bad-config", message, Span(at, at + 1), self.source, help)]) from None
        except ValueError as error:  # a number with more digits than Python reads
            raise self.refusal("bad-config", f"the configuration is not JSON: {error}") from None
        if not isinstance(found, dict) or not isinstance(found.get("model_type"), str):
            help = 'a configuration of transformers has one: "model_type": "llama"'
            raise self.refusal("bad-config", "the configuration has no `model_type`", help)
        self.model_type: str = found["model_type"]
        self.values = dict(by_path(found))
        self.keys = json_keys(self.source.text)
        if self.keys.again:
            help = "a program reads the last alone; delete the others"
            message = "the key `{}` stands twice in one object"
            raise SpecError(
                Diagnostic("duplicate-key", message.format(path), span, self.source, help, (Note("the first", first),))
                for path, span, first in self.keys.again
            )

    def lacks(self, path: str) -> bool:
        """Whether an object is there without this key."""
        above = path.rpartition(".")[0]
        return path not in self.values and any(other.startswith(f"{above}.") for other in self.values)

    def number_of(self, path: str) -> int | None:
        """How many entries an object or a list has; None: there is none."""
        value = self.values.get(path)
        if isinstance(value, list | dict):
            return len(value) or None
        return sum(name.startswith(f"{path}.") for name in self.values) or None

    def diagnostic(self, code: str, message: str, help: str | None = None, key: str = "") -> Diagnostic:
        """A diagnostic at a key of the file, or about the file as a whole."""
        return Diagnostic(code, message, self.keys.places.get(key) if key else None, self.source, help)

    def refusal(self, code: str, message: str, help: str | None = None) -> SpecError:
        """An error about the file as a whole."""
        return SpecError([self.diagnostic(code, message, help)])


def unknown_type(configuration: Configuration, known: list[str]) -> SpecError:
    """No spec is of this model_type."""
    message = f"no spec is of the model_type `{configuration.model_type}`"
    text = configuration.values.get("text_config.model_type")
    if reason := REASONS.get(configuration.model_type):
        message, help = f"{message}: {reason}", "`archcalc ops` lists the operators that a spec can be written with"
    elif text in known:
        help = f"its `text_config` as a file of its own is of the model_type `{text}`, of which there is a spec"
    elif near := suggest_many(configuration.model_type, known):
        help = f"did you mean {' or '.join(f'`{word}`' for word in near)}?"
    else:
        help = f"there are specs of {', '.join(sorted(known))}"
    return SpecError([configuration.diagnostic("unknown-model-type", message, help, "model_type")])


def settings(spec: Spec, rules: HuggingFace, configuration: Configuration, lists: Container[str]) -> dict[str, str]:
    """Variables and the expressions that a configuration gives them; `lists` are those that are a list.

    Raises:
        SpecError: every key that the spec does not read, or is not written for.
    """
    wrong: list[Diagnostic] = []
    found: dict[str, str] = {}
    named = {required.path for required in rules.requires} | set(rules.ignores) | {"model_type"}
    whole = set(rules.ignores) | {given.path for given in rules.gives if given.is_number_of}  # with all in them
    for given in rules.gives:
        named.add(given.path)
        value = configuration.number_of(given.path) if given.is_number_of else configuration.values.get(given.path)
        if value is None and MISSING in given.words and configuration.lacks(given.path):
            found.setdefault(given.variable, given.words[MISSING])
            continue
        if value is None and not (given.path in configuration.values and "null" in given.words):
            continue  # missing, or null: the family's default, unless null has a meaning of its own
        text = _expression(given, value)
        if isinstance(value, list) and not given.words and given.variable not in lists and not given.is_number_of:
            text = None
        if text is None:
            words = [word for word in given.words if word not in _BESIDE_NUMBERS]
            message = f"`{given.path}` is {_shown(value)}; {spec.network} knows {', '.join(words)} of it"
            help = _NOT_WRITTEN
            if value in words:
                help = f'without quotes: "{given.path.rpartition(".")[2]}": {value}'
            if not words:
                message = f"`{given.path}` is {json.dumps(value)}, where a number is meant"
                help = _number_meant(given.path, value)
            wrong.append(configuration.diagnostic("unknown-value", message, help, given.path))
        elif found.setdefault(given.variable, text) != text:
            message = f"`{given.path}` is {_shown(value)}, and another key gives {found[given.variable]} for the same"
            wrong.append(configuration.diagnostic("unknown-value", message, "leave one of them out", given.path))
    for required in rules.requires:
        path = required.path
        value = configuration.values.get(path)
        if value is None or not required.concerns(configuration.model_type):
            continue  # missing, or null: the family's default, for which the spec is written
        if not required.admits(_shown(value)):
            message = f"`{path}` is {_shown(value)}; {spec.network} is written for {required}"
            wrong.append(configuration.diagnostic("unknown-value", message, _NOT_WRITTEN, path))
    for path, value in configuration.values.items():
        if path in named or any(path.startswith(f"{name}.") for name in whole) or is_harmless(path, configuration):
            continue
        near = suggest(path, [given.path for given in rules.gives])
        help = (
            f"is it `{near}`?"
            if near
            else "where it changes nothing, delete it from the file; a spec of one's own says it under `huggingface:`"
        )
        message = f"`{path}` = {_shown(value)} is not read by {spec.network}"
        wrong.append(configuration.diagnostic("unread-key", message, help, path))
    if wrong:
        raise SpecError(wrong)
    return found


_NOT_WRITTEN = "the spec does not describe this network: write a variant of it"


def is_harmless(path: str, configuration: Configuration) -> bool:
    """Whether a key, or one that it lies in, changes no cost."""
    parts = path.split(".")
    if parts[-1] == "_sliding_window_pattern":  # transformers 5 writes it beside layer_types, which says the same
        return f"{path.removesuffix(parts[-1])}layer_types" in configuration.values
    return any(re.fullmatch(HARMLESS, part) for part in parts)


def remarks(configuration: Configuration, rules: HuggingFace) -> Iterator[str]:
    """What a reader of the result should know of the configuration."""
    named = configuration.values.get("architectures")
    said = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    ours = rules.classes.get(configuration.model_type)
    if said and ours and not {_bare(each) for each in ours} & {_bare(each) for each in said}:
        yield f"These are the figures of {ours[0]}, not of {said[0]}, which `architectures` names."
    if quantised := configuration.values.get("quantization_config.quant_method"):
        yield f"The configuration says that its weights are stored quantised ({quantised}): `--bits` or `storage:`."


def _bare(name: str) -> str:
    """The name of a class as all spell it: LLaMAForCausalLM, Ernie4_5_ForCausalLM."""
    return name.replace("_", "").lower()


_BESIDE_NUMBERS = {"null", "*", MISSING}  # words of a key that takes numbers


def _expression(given: Gives, value: Any, within_list: bool = False) -> str | None:
    """The text of a value; None: it has no meaning for the variable."""
    if isinstance(value, list):
        parts = [_expression(given, item, True) for item in value]
        return None if None in parts else f"[{', '.join(part for part in parts if part is not None)}]"
    word = given.words.get("null" if value is None else _shown(value)) or given.words.get("*")
    if word is not None:
        return word
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < inf
    return _shown(value) if is_number and (within_list or given.words.keys() <= _BESIDE_NUMBERS) else None


def _number_meant(path: str, value: Any) -> str:
    """What to write for a text that stands where a number is meant."""
    digits = value.replace("_", "").replace(",", "").strip() if isinstance(value, str) else ""
    if digits.isdecimal() and digits.isascii() and len(digits) <= 18:
        return f'without quotes: "{path.rpartition(".")[2]}": {int(digits)}'
    return "a whole number"


def _shown(value: Any) -> str:
    """A value as a spec has it; a text in quotes where it would pass for a number, or for true, false or null."""
    if value is None:
        return "none"
    return value if isinstance(value, str) and not re.fullmatch(_AS_JSON, value) else json.dumps(value)


_AS_JSON = r"\s*|true|false|null|[-+.\d][-+.,_\deE]*"


def by_path(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Values by path; an object within is taken apart, unless it is empty."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from by_path(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _name_of(path: Path) -> str:
    """What the network is called: the folder, where the file is a config.json of one, or else the file."""
    stem = path.resolve().parent.name if path.name == CONFIG else path.stem
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-") or "config"


def model_types(text: str) -> list[str]:
    """The model_types that the text of a spec names, without reading it: a test holds that both give the same."""
    found = re.search(r"^huggingface:[^\n]*\n(?:[ #][^\n]*\n|\n)*?  model_type:([^\n]*)", text, re.MULTILINE)
    return re.findall(r"([A-Za-z0-9_-]+)(?:\([^)]*\))?", found[1].partition("#")[0]) if found else []


def written(spec: Spec, configuration: Configuration) -> str:
    """The text of the spec of a configuration: its family's, with the values that the configuration gives.

    Raises:
        SpecError: every key that the spec does not read, or is not written for.
    """
    assert spec.huggingface is not None
    rules = spec.huggingface()
    base = spec.settings(rules.types[configuration.model_type] or spec.network)
    values = {name: spec.source.text[placed.span().start : placed.span().end] for name, placed in base.items()}
    values |= rules.starts[configuration.model_type]
    values |= settings(spec, rules, configuration, {name for name, value in values.items() if "[" in value})
    lines = [f"network: {configuration.name}"]
    for key, block in _blocks(spec.source.text):
        if key in ("network", "variants", "huggingface", "storage", "budget", "space"):
            continue
        if key == "variables":
            lines.append("variables:")
            lines += [f"  {name}: {_quoted(value)}{_comment(block, name)}" for name, value in values.items()]
            lines += [""] * block.endswith("\n\n")
        else:
            lines.append(block.rstrip("\n") + "\n" * block.endswith("\n\n"))
    return "\n".join(lines).rstrip("\n") + "\n"


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The keys of a file, each with its whole text."""
    starts = [match.start() for match in re.finditer(r"^[A-Za-z]\w*:", text, re.MULTILINE)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield text[start : text.index(":", start)], text[start:end]


def _quoted(value: str) -> str:
    """In single quotes, where YAML would not read it as one text or list."""
    is_list = value.startswith("[") and " for " not in value and not re.search(r"\]\s*[*+]", value)
    return value if is_list or not re.search(r"[\[\]{},#:'\"]|\A[>|@`%&*!-]", value) else f"'{value}'"


def _comment(block: str, name: str) -> str:
    """What the family says of a variable."""
    found = re.search(rf"^  {name}:[^#\n]*?( *#[^\n]*)$", block, re.MULTILINE)
    return f"  {found[1].strip()}" if found else ""
