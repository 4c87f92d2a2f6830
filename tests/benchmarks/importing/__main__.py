"""Read every model of the lists, and write what came of it into reports/importing.md and importing.csv.

    python -m tests.benchmarks.importing [GROUP ...] [--files FOLDER] [--render]

Groups: torchvision, segmentation, detection, video, timm, transformers, keras, onnx, library, files. Rows of
groups that are not named stay as they are. `--files` is a folder of prototxts and ONNX files of one's own.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import archcalc.python.models  # noqa: F401 - says who reads models of torch
from tests.benchmarks.importing import lists
from tests.benchmarks.importing.models import FIELDS, Row, exported, measured, on_meta, round_trip
from tests.benchmarks.importing.page import page

ROOT = Path(__file__).parents[3]
REPORTS = ROOT / "reports"


def torchvision() -> Iterator[Row]:
    """All classifiers."""
    from torchvision import models
    from torchvision.models._api import get_model, list_models

    for name in list_models(module=models):
        size = 299 if name == "inception_v3" else 224
        model = on_meta(lambda name=name: get_model(name, weights=None))
        yield measured("torchvision", f"torchvision:{name}", model, (3, size, size))


def segmentation() -> Iterator[Row]:
    """Segmentation models of torchvision."""
    from torchvision.models._api import get_model

    for name in lists.TORCHVISION_OTHERS:
        model = on_meta(lambda name=name: get_model(name, weights=None, weights_backbone=None))
        yield measured("segmentation", f"torchvision:{name}", model, (3, 224, 224))


def detection() -> Iterator[Row]:
    """Detection models of torchvision: what they compute depends on the image."""
    from torchvision.models._api import get_model

    for name in lists.DETECTION:
        model = on_meta(lambda name=name: get_model(name, weights=None, weights_backbone=None))
        yield measured("detection", f"torchvision:{name}", model)


def video() -> Iterator[Row]:
    """Video models of torchvision."""
    from torchvision.models._api import get_model

    for name in lists.VIDEO:
        size = (3, 16, 224, 224) if name.startswith(("mvit", "s3d", "swin")) else (3, 16, 112, 112)
        yield measured("video", f"torchvision:{name}", on_meta(lambda name=name: get_model(name, weights=None)), size)


def timm() -> Iterator[Row]:
    """The fixed list of timm."""
    import timm as library

    for name in lists.TIMM:
        model = on_meta(lambda name=name: library.create_model(name, pretrained=False))
        yield measured("timm", f"timm:{name}", model, tuple(model.pretrained_cfg["input_size"]))


def transformers() -> Iterator[Row]:
    """Twelve families of transformers, without memory; counted by torch at the inputs that they are read at."""
    import transformers as library

    from archcalc.torch_bridge.trace.transformers_inputs import transformers_inputs

    for name, settings in lists.TRANSFORMERS.items():
        config = getattr(library, name).config_class(**eval(f"dict({settings})"))
        model = on_meta(lambda name=name, config=config: getattr(library, name)(config))
        source = f"transformers:{name}({settings})" if settings else f"transformers:{name}"
        given = transformers_inputs(model, None)
        yield measured("transformers", source, model, given[0] if given else None)


def keras() -> Iterator[Row]:
    """Models of keras.applications on its torch backend, where Keras is installed."""
    os.environ["KERAS_BACKEND"] = "torch"
    try:
        library = import_module("keras")
    except ImportError:
        print("Keras is not installed: its rows stay as they are", file=sys.stderr)
        return
    for name in lists.KERAS:
        model = getattr(library.applications, name)(weights=None)
        params = sum(int(weight.numpy().size) for weight in model.trainable_weights)
        row = measured("keras", f"keras:{name}")
        yield row._replace(params_torch=params)


def onnx() -> Iterator[Row]:
    """ONNX files as torch exports them today, by both exporters; torch counts the module that was exported."""
    from torchvision.models._api import get_model

    from tests.benchmarks.importing.models import counted

    for name in lists.ONNX_MODELS:
        size = 299 if name == "inception_v3" else 224
        theirs = counted(on_meta(lambda name=name: get_model(name, weights=None)), (3, size, size))
        for dynamo in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                path = exported(name, Path(folder), dynamo)
                row = measured("onnx", str(path), hand=name)
                yield row._replace(source=path.name, **theirs)


def library() -> Iterator[Row]:
    """Networks of the library, built by torch and read back."""
    from archcalc.spec.library import all_names

    for name in all_names():
        yield round_trip(name)


def files(folder: Path | None) -> Iterator[Row]:
    """Files of one's own."""
    if folder is None:
        return
    for path in sorted([*folder.rglob("*.prototxt"), *folder.rglob("*.onnx")]):
        row = measured("files", str(path), hand=path.stem)
        yield row._replace(source=path.name)


GROUPS: dict[str, Callable[[], Iterator[Row]]] = {
    "torchvision": torchvision,
    "segmentation": segmentation,
    "detection": detection,
    "video": video,
    "timm": timm,
    "transformers": transformers,
    "keras": keras,
    "onnx": onnx,
    "library": library,
}


def read_rows(path: Path) -> list[Row]:
    """Rows as they were written."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [_row(cells) for cells in csv.DictReader(file)]


def _row(cells: dict[str, str]) -> Row:
    texts = ("group", "source", "error", "alone")
    flags = ("proven", "second")
    optional = ("params_torch", "macs_torch", "by_hand")
    values: dict[str, Any] = {}
    for name, text in cells.items():
        number = int(text) if text.isdecimal() else None if name in optional else 0
        values[name] = text if name in texts else text == "yes" if name in flags else number
    return Row(**values)


def write_rows(path: Path, rows: list[Row]) -> None:
    """Rows as CSV: `yes` where something holds, empty where it is not known."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        for row in rows:
            writer.writerow(["yes" if cell is True else "" if cell is None or cell is False else cell for cell in row])


def main() -> None:
    """Measure the groups that are asked for, and write the page."""
    parser = argparse.ArgumentParser(description="Models of others, read, into reports/importing.md")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"{', '.join(GROUPS)} or files; all of them")
    parser.add_argument("--files", type=Path, help="a folder of prototxts and ONNX files")
    parser.add_argument("--render", action="store_true", help="write the page of what was measured before, no more")
    given = parser.parse_args()
    rows = read_rows(REPORTS / "importing.csv")
    wanted = [] if given.render else given.groups or [*GROUPS, "files"]
    if unknown := set(wanted) - {*GROUPS, "files"}:
        parser.error(f"there is no group {', '.join(unknown)}")
    for group in wanted:
        found = []
        for row in files(given.files) if group == "files" else GROUPS[group]():
            found.append(row)
            print(group, row.source, "proven" if row.proven else row.error[:150] or "not proven", flush=True)
        if found:
            rows = [row for row in rows if row.group != group] + found
            order = [*GROUPS, "files"]
            rows.sort(key=lambda row: order.index(row.group))
            write_rows(REPORTS / "importing.csv", rows)
    (REPORTS / "importing.md").write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
