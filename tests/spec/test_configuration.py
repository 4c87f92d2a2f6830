"""Configurations of transformers as networks: every key is read, required, ignored by name, harmless, or refused."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from archcalc import SpecError, analyze
from archcalc.source import read_source
from archcalc.spec import configuration, library
from archcalc.spec.library import specs_folder
from archcalc.spec.read import read_spec
from archcalc.spec.undescribed import REASONS
from tests.cli.running import run

FOLDER = Path(__file__).parent / "configurations"


@pytest.fixture(autouse=True)
def _a_library_with_a_toy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    if "scanned" not in request.node.name:
        monkeypatch.setattr(library, "specs_folder", lambda: FOLDER)
    for scanned in (library.types, library.index):  # of this folder, not of that of another test
        scanned.cache_clear()
    yield
    for scanned in (library.types, library.index):
        scanned.cache_clear()


def config(folder: Path, **values: object) -> str:
    (folder / "config.json").write_text(json.dumps({"model_type": "toy"} | values), encoding="utf-8")
    return str(folder)


def refusals(name: str) -> list[tuple[str, str, int | None]]:
    with pytest.raises(SpecError) as error:
        analyze(name)
    return [(found.code, found.message, found.line) for found in error.value.diagnostics]


def mlp(width: int, hidden: int, depth: int, widths: list[int], out: int) -> int:
    """Parameters by hand."""
    sizes = [width, *[hidden, width] * depth, *widths, out]
    return sum(before * after + after for before, after in pairwise(sizes))


def test_keys_give_variables(tmp_path: Path) -> None:
    name = config(tmp_path, hidden_size=8, text_config={"num_layers": 3}, n_inner=20, tie_word_embeddings=False)
    found = analyze(name)
    assert found.totals.params == mlp(8, 20, 3, [8, 8], 16)
    assert found.name == tmp_path.name


def test_what_is_missing_or_null_is_the_familys_default(tmp_path: Path) -> None:
    assert analyze(config(tmp_path)).totals.params == mlp(32, 128, 2, [8, 8], 32)
    assert analyze(config(tmp_path, n_inner=None, hidden_size=8)).totals.params == mlp(8, 32, 2, [8, 8], 8)


def test_either_of_two_keys_gives_a_variable(tmp_path: Path) -> None:
    assert analyze(config(tmp_path, num_layers=3)).totals.params == mlp(32, 128, 3, [8, 8], 32)
    assert analyze(config(tmp_path, num_layers=3, text_config={"num_layers": 3})).totals.params
    ((code, message, _),) = refusals(config(tmp_path, num_layers=3, text_config={"num_layers": 4}))
    assert (code, message) == ("unknown-value", "`num_layers` is 3, and another key gives 4 for the same")


def test_null_is_what_the_spec_is_written_for(tmp_path: Path) -> None:
    assert analyze(config(tmp_path, hidden_act=None)).totals == analyze(config(tmp_path)).totals


def test_a_model_type_may_start_from_a_variant(tmp_path: Path) -> None:
    assert analyze(config(tmp_path, model_type="toyling")).totals.params == mlp(16, 64, 2, [8, 16], 16)


def test_what_is_required_may_be_several_values_all_but_one_or_of_one_type(tmp_path: Path) -> None:
    same = analyze(config(tmp_path)).totals
    for harmless in ({"hidden_act": "relu_x"}, {"scale_init": 1e-6}, {"use_bias": False}):
        assert analyze(config(tmp_path, **harmless)).totals == same
    for value in (0, 0.0):
        ((code, message, _),) = refusals(config(tmp_path, scale_init=value))
        assert (code, message) == ("unknown-value", f"`scale_init` is {value}; toy is written for any but 0 or -1")
    refused = refusals(config(tmp_path, model_type="toyling", use_bias=True))
    assert refused[0][:2] == ("unknown-value", "`use_bias` is true; toy is written for false")


@pytest.mark.parametrize(("model_type", "wanted"), [("toy", True), ("toyling", False)])
def test_a_key_is_required_of_each_type_as_it_has_it(model_type: str, wanted: bool, tmp_path: Path) -> None:
    """The second of two conditions took the place of the first: of `toy` nothing was required."""
    assert analyze(config(tmp_path, model_type=model_type, norm_first=wanted)).totals.params
    ((code, message, _),) = refusals(config(tmp_path, model_type=model_type, norm_first=not wanted))
    assert (code, message.partition("; ")[2].rpartition(" ")[2]) == ("unknown-value", str(wanted).lower())


def test_lists_of_words_and_of_numbers(tmp_path: Path) -> None:
    name = config(tmp_path, hidden_size=24, sizes=["small", "large", "small"])
    assert analyze(name).totals.params == mlp(24, 96, 2, [8, 24, 8], 24)
    assert refusals(config(tmp_path, sizes=["small", "huge"]))[0][:2] == (
        "unknown-value",
        '`sizes` is ["small", "huge"]; toy knows small, large of it',
    )


def test_keys_that_change_nothing_are_read_over(tmp_path: Path) -> None:
    harmless = {
        "eos_token_id": [1, 2],
        "attention_dropout": 0.1,
        "initializer_range": 0.02,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"full_attention": {"rope_theta": 1.0}},
        "torch_dtype": "bfloat16",
        "id2label": {"0": "a"},
        "something": {"else": 1},
        "vision_config": {"hidden_size": 7},
        "hidden_act": "relu",
    }
    assert analyze(config(tmp_path, **harmless)).totals == analyze(config(tmp_path)).totals


def test_all_that_is_wrong_is_told_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"model_type": "toy",\n"hidden_sise": 3,\n"use_qk_norm": true,\n"hidden_act": "gelu",\n"n_inner": "8",\n'
        '"hidden_size": true,\n"text_config": {"sliding_window": 4096, "depth": 3}}',
        encoding="utf-8",
    )
    assert sorted(refusals(str(tmp_path)), key=lambda found: found[2] or 0) == [
        ("unread-key", "`hidden_sise` = 3 is not read by toy", 2),
        ("unread-key", "`use_qk_norm` = true is not read by toy", 3),
        ("unknown-value", "`hidden_act` is gelu; toy is written for relu or relu_x", 4),
        ("unknown-value", '`n_inner` is "8", where a number is meant', 5),
        ("unknown-value", "`hidden_size` is true, where a number is meant", 6),
        ("unknown-value", "`text_config.sliding_window` is 4096; toy is written for none", 7),
        ("unread-key", "`text_config.depth` = 3 is not read by toy", 7),
    ]


@pytest.mark.parametrize(
    ("values", "message", "help"),
    [
        ({"n_inner": "six"}, '`n_inner` is "six", where a number is meant', "a whole number"),
        ({"n_inner": "6"}, '`n_inner` is "6", where a number is meant', 'without quotes: "n_inner": 6'),
        ({"n_inner": "4,096"}, '`n_inner` is "4,096", where a number is meant', 'without quotes: "n_inner": 4096'),
        ({"text_config": {"num_layers": ""}}, '`text_config.num_layers` is "", where a number is meant', "a whole"),
        ({"n_inner": float("nan")}, "`n_inner` is NaN, where a number is meant", "a whole number"),
        ({"n_inner": {}}, "`n_inner` is {}, where a number is meant", "a whole number"),
        ({"n_inner": [8, 8]}, "`n_inner` is [8, 8], where a number is meant", "a whole number"),
        ({"n_inner": {"is": 8}}, "`n_inner.is` = 8 is not read by toy", "is it `n_inner`?"),
        ({"tie_word_embeddings": 1}, "`tie_word_embeddings` is 1; toy knows true, false of it", "a variant of it"),
        (
            {"tie_word_embeddings": "false"},  # to transformers, which asks whether it is empty, this is true
            '`tie_word_embeddings` is "false"; toy knows true, false of it',
            'without quotes: "tie_word_embeddings": false',
        ),
        ({"norm_first": "true"}, '`norm_first` is "true"; toy is written for true', "a variant of it"),
    ],
)
def test_what_is_no_number_is_told_with_what_to_write(
    values: dict[str, Any], message: str, help: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecError) as error:
        analyze(config(tmp_path, **values))
    (found,) = error.value.diagnostics
    assert found.message == message
    assert help in (found.help or "")


def test_a_key_that_stands_twice_in_one_object_is_refused_with_both_places(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"model_type": "toy", "hidden_size": 8,\n"text_config": {"num_layers": 2, "hidden_size": 9},\n'
        '"x": [{"a": "}\\", "}, {"a": [2]}], "hidden_size": 16,\n"y": [[{"a": 1, "\\u0061": 2}]]}',
        encoding="utf-8",
    )
    with pytest.raises(SpecError) as error:
        analyze(str(tmp_path))
    assert [(found.code, found.message, found.line, found.note_texts()) for found in error.value.diagnostics] == [
        ("duplicate-key", "the key `hidden_size` stands twice in one object", 3, ["the first (config.json:1:23)"]),
        ("duplicate-key", "the key `y[][].a` stands twice in one object", 4, ["the first (config.json:4:9)"]),
    ]


def test_a_key_of_an_object_within_is_shown_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"model_type": "toy",\n"num_layers": 2,\n"text_config": {"num_layers": "2"}}', encoding="utf-8"
    )
    assert [line for _, _, line in refusals(str(tmp_path))] == [3]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ('{"model_type": "toy",\n "hidden_size": 8\n "n_inner": 9}', "bad-config", "not JSON: expecting ',' delimiter"),
        ('{"model_type": "toy",}\n\n', "bad-config", "not JSON: "),
        ("\n ", "bad-config", "the file is empty"),
        ("[]", "bad-config", "the configuration has no `model_type`"),
        ("{}", "bad-config", "the configuration has no `model_type`"),
        ('{"model_type": 3}', "bad-config", "the configuration has no `model_type`"),
        ("{", "bad-config", "the configuration is not JSON"),
        ("[" * 100_000, "bad-config", "nested too deep"),
        ('{"model_type": "toi"}', "unknown-model-type", "no spec is of the model_type `toi`"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, text: str, code: str, message: str) -> None:
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    ((found, sentence, _),) = refusals(str(tmp_path))
    assert found == code
    assert message in sentence


@pytest.mark.parametrize(
    ("values", "says", "help"),
    [
        ({"model_type": "deberta-v2"}, "its scores add products of contents with distances", "`archcalc ops` lists"),
        (
            {"model_type": "someones", "text_config": {"model_type": "toy"}},
            "no spec is of the model_type `someones`",
            "its `text_config` as a file of its own is of the model_type `toy`",
        ),
        ({"model_type": "someones"}, "no spec is of the model_type `someones`", "there are specs of toy, toyling"),
    ],
)
def test_a_type_without_a_spec_is_refused_with_what_is_missing(
    values: dict[str, Any], says: str, help: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecError) as error:
        analyze(config(tmp_path, **values))
    (found,) = error.value.diagnostics
    assert found.code == "unknown-model-type"
    assert says in found.message
    assert help in (found.help or "")


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("./toy-small.yaml", "`toy_small` comes with archcalc"),
        ("./toy.json", "`toy` comes with archcalc"),
        ("./mine", "did you mean `./mine.json`?"),
        ("x" * 5000, "`archcalc list` lists"),
        ("mine", "a file is given as a path: ./mine.json"),
        ("none", "`archcalc list` lists"),
        ("whole", "a file is given as a path: ./whole"),
        ("whole/config.json:large", "give its path alone: whole/config.json"),
        ("./none", "a folder is read where it holds a config.json"),
        ("meta-llama/Llama-3.1-8B", "nothing is fetched from a hub"),
        ("./nothing.json", "give the path of a config.json of transformers"),
        ("./nothing.yaml", "give the path of a spec, a YAML file"),
    ],
)
def test_a_file_that_is_not_there_says_what_was_probably_meant(
    name: str, help: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("none", "whole"):
        (tmp_path / folder).mkdir()
    config(tmp_path / "whole")
    (tmp_path / "mine.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SpecError) as error:
        analyze(name)
    (found,) = error.value.diagnostics
    assert found.code in ("no-such-file", "unknown-network")
    assert (found.help or "").startswith(help)


def test_what_is_refused_by_name_has_no_spec() -> None:
    assert not set(REASONS) & {
        word
        for path in specs_folder().glob("*.yaml")
        for word in configuration.model_types(path.read_text(encoding="utf-8"))
    }


def test_numbers_that_make_no_network_are_refused(tmp_path: Path) -> None:
    for width in (0, -8, 2.5):
        assert refusals(config(tmp_path, hidden_size=width))


def test_the_command_import_writes_the_spec_of_a_configuration(tmp_path: Path) -> None:
    name = config(tmp_path, hidden_size=8, n_inner=20, sizes=["large", "small"])
    target = tmp_path / "mine.yaml"
    said = run("import", name, "-o", str(target))
    text = target.read_text(encoding="utf-8")
    assert analyze(str(target)).totals == analyze(name).totals
    assert f"{analyze(name).totals.params:,} params" in said.stderr
    assert "variables:\n  width: 8\n  depth: 2  # layers\n  hidden: 20\n  output: tied\n  widths: [width, 8]\n" in text
    assert "variants" not in text
    assert "huggingface" not in text
    assert run("import", name).stdout == text
    assert "no configuration" in run("import", "lenet5", code=2).stderr
    assert "unread-key" in run("import", config(tmp_path, use_qk_norm=True), "-o", str(tmp_path / "x"), code=2).stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("model_type", "architectures", "said"),
    [
        ("toy", ["ToyForCausalLM"], ""),
        ("toy", ["ToyWithLMHeadModel"], ""),
        ("toy", ["TOY_ForCausalLM"], ""),
        ("toy", ["SomeoneElses", "ToyForCausalLM"], ""),
        ("toy", [], ""),
        ("toy", None, ""),
        ("toy", "ToyForSequenceClassification", ""),  # no list: transformers does not read it either
        ("toy", ["ToyForSequenceClassification"], "ToyForCausalLM, not of ToyForSequenceClassification,"),
        ("toyling", ["ToylingForCausalLM"], "ToylingModel, not of ToylingForCausalLM,"),
        ("toyling", ["ToylingModel"], ""),
    ],
)
def test_a_class_that_the_spec_is_not_is_told_with_every_result(
    model_type: str, architectures: object, said: str, tmp_path: Path
) -> None:
    name = config(tmp_path, model_type=model_type, architectures=architectures)
    remarks = [f"These are the figures of {said} which `architectures` names."] if said else []
    assert analyze(name).remarks == remarks
    assert json.loads(run("show", name, "--format", "json").stdout)["networks"][0].get("remarks", []) == remarks
    for command in (["show"], ["compare", name], ["explain"]):
        assert ("`architectures`" in run(*command, name).stdout) is bool(said)
    written = (
        ["show", "--format", "csv"],
        ["memory"],
        ["formula"],
        ["roofline", "--device", "t4"],
        ["import"],
        ["check", "--max", "params=1M"],
        ["diff", name],
        ["draw"],
        ["export", "--format", "scalesim"],
        ["sweep", "--over", "width=8,16"],
    )
    for command in written:
        found = run(*command, name)
        assert ("`architectures`" in found.stderr, "`architectures`" in found.stdout) == (bool(said), False)


def test_commands_take_a_configuration_where_they_take_a_name(tmp_path: Path) -> None:
    name = config(tmp_path, hidden_size=8)
    assert tmp_path.name in run("show", name).stdout
    assert tmp_path.name in run("compare", f"{name}/config.json", name).stdout
    assert run("formula", name, "--free", "width").stdout
    assert run("check", name, "--max", "params=1M").stdout


def test_validate_takes_a_configuration(tmp_path: Path) -> None:
    name = config(tmp_path)
    assert run("validate", name, f"{name}/config.json").stdout == "2 files, 2 networks: no findings\n"
    assert "[unread-key]" in run("validate", config(tmp_path, hidden_sise=3), code=1).stdout


def test_model_types_are_scanned_as_they_are_read() -> None:
    for path in [*specs_folder().glob("*.yaml"), FOLDER / "toy.yaml"]:
        spec = read_spec(read_source(path))
        types = {} if spec.huggingface is None else spec.huggingface().types
        assert configuration.model_types(path.read_text(encoding="utf-8")) == list(types), path.name
        for base in types.values():
            assert not base or base in spec.names()
