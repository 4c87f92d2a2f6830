"""Encoders and decoders in steps, against transformers' own caches, and what has no step."""

from __future__ import annotations

import pytest

from archcalc import SpecError, analyze


@pytest.mark.parametrize(
    ("name", "macs", "state", "across"),
    [
        # transformers 5.24: FlopCounterMode, halved, and elements of its EncoderDecoderCache after the step
        ("whisper_tiny", 33_174_912, 393_216, 4_608_000),
        ("t5_small", 42_401_792, 786_432, 3_145_728),
        ("t5_base", 135_561_216, 2_359_296, 9_437_184),
        ("bart_base", 94_046_976, 1_179_648, 4_718_592),
    ],
)
def test_a_step_of_decoding_reads_the_memory_that_is_kept(name: str, macs: int, state: int, across: int) -> None:
    found = analyze(name, set={"past": 127}, step=True).totals
    assert (found.macs, found.state, found.state_once) == (macs, state, across)


@pytest.mark.parametrize(
    ("name", "frozen"),
    [
        # tables of sinusoids, to which transformers 5.24 gives no gradients: rows times channels, of both sides or one
        ("opus_mt", 2 * 512 * 512),
        ("pegasus_large", 2 * 1024 * 1024),
        ("mbart_large", 0),
        ("mbart_large_50", 0),
        ("nllb_200_600m", 0),  # computed, and no parameter
        ("whisper_tiny", 1500 * 384),
        ("whisper_large@v3", 1500 * 1280),
    ],
)
def test_sinusoids_that_are_stored_are_not_trained(name: str, frozen: int) -> None:
    found = analyze(name).totals
    assert found.params - found.trainable_params == frozen


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("mamba_config", 32 * 1536 * (16 + 3)),  # states, and three positions of the convolution: by hand
        ("mamba2_config", 64 * (8192 * 128 + 10_240 * 3)),
        ("seq2seq", 2 * 2 * 512),  # two layers on each side
    ],
)
def test_a_recurrent_state_has_no_length(name: str, state: int) -> None:
    assert analyze(name, step=True).totals.state == state


def test_what_is_not_computed_in_each_step_of_diffusion() -> None:
    """Keys and values of 77 vectors of text in 16 transformers of 320 to 1280 channels: by hand."""
    channels = 5 * 320 + 5 * 640 + 6 * 1280
    found = analyze("sd_unet").totals
    assert found.macs_once == 2 * 77 * 768 * channels == 1_476_034_560
    assert analyze("sd_unet", step=True).totals.macs == found.macs - found.macs_once


@pytest.mark.parametrize(
    ("name", "settings", "operation"),
    [
        ("bert_base", {"length": 1}, "attend"),
        ("clip_vit_b_32", {}, "language"),
        ("bilstm", {}, "lstm"),
        ("mlp_mixer_s_32", {}, "patches"),
        ("llava_1_5_7b", {"past": 7}, "prompt"),
    ],
)
def test_what_reads_all_positions_has_no_step(name: str, settings: dict[str, int], operation: str) -> None:
    with pytest.raises(SpecError) as error:
        analyze(name, set=settings, step=True)
    (found,) = error.value.diagnostics
    assert found.code == "not-steppable"
    assert operation in found.message


def test_the_source_of_an_encoder_has_no_step(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """T5, asked to take its source token by token."""
    from archcalc.spec.library import specs_folder

    text = (specs_folder() / "t5.yaml").read_text(encoding="utf-8")
    (tmp_path / "t5.yaml").write_text(text.replace("\nvariables:", "\nstep: source\nvariables:"), encoding="utf-8")
    with pytest.raises(SpecError) as error:
        analyze(f"{tmp_path / 't5.yaml'}:t5_small", step=True)
    assert [found.code for found in error.value.diagnostics] == ["not-steppable"]


def test_classes_of_detr() -> None:
    """A class is 256 weights and a bias; the first has two classes, as transformers' configuration by itself."""
    assert analyze("detr_resnet50").totals.params == 41_501_895
    assert analyze("detr_resnet50@coco").totals.params == 41_501_895 + (91 - 2) * 257
