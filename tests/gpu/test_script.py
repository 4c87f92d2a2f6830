"""The script that measures a GPU: its commands are those that there are, with options that they take."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parent / "measure.sh"


def test_the_script_asks_for_what_there_is(tmp_path: Path) -> None:
    """With programs in place of archcalc and pytest that only write down what they are asked for."""
    log = tmp_path / "asked"
    fake = tmp_path / "fake"
    fake.write_text(f'#!/usr/bin/env bash\necho "$@" >> "{log}"\necho network,device\n', encoding="utf-8")
    fake.chmod(0o755)
    environment = {**os.environ, "ARCHCALC": str(fake), "PYTEST": str(fake)}
    subprocess.run(["bash", str(SCRIPT), str(tmp_path), "h100-sxm"], check=True, env=environment)
    asked = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    assert [words[0] for words in asked if words[0] != "estimate"] == [
        "-q",
        "profile",
        "profile",
        "profile",
        "calibrate",
    ]
    assert len([words for words in asked if words[0] == "estimate"]) == 18
    from archcalc.cli.commands import COMMANDS, built

    for words in asked:
        if words[0] in COMMANDS:
            known = {option for parameter in built(words[0]).params for option in parameter.opts}
            assert {word for word in words if word.startswith("-")} <= known
    from archcalc.spec.library import all_names

    named = {word for words in asked for word in words[1:] if word.isidentifier() or "@" in word}
    assert {"alexnet", "resnet50@torchvision", "gpt2", "bert_base", "vit_b_16"} <= named & set(all_names())
