"""How long sliders of pages take to answer, in headless Chromium: `python -m tests.benchmarks.sliders SITE [NAME ...]`.

SITE is a folder that `archcalc site` wrote. For each network every slider is moved 24 times, and the least of these is
told, with the layout that follows and without (another process takes the core away from the rest); of each network its
slowest slider, the slowest networks first. The target is 16 ms: one frame at 60 a second.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from tests.page.browser import Opened, browsing

TARGET_MS = 16
SHOWN = 20
MOVES = """() => {
  const [view] = archcalc.page.views;
  const start = [...view.network.setting];
  return view.network.free.map((of, at) => {
    const least = [Infinity, Infinity];
    for (let step = 1n; step <= 24n; step += 1n) {
      const setting = [...start];
      setting[at] += step;
      const begun = performance.now();
      view.move(setting, at);
      const answered = performance.now();
      document.body.getBoundingClientRect();
      least[0] = Math.min(least[0], answered - begun);
      least[1] = Math.min(least[1], performance.now() - begun);
    }
    view.move(start, at);
    return [of.name, ...least];
  });
}"""


class Slowest(NamedTuple):
    """The slider of a network that takes longest, in milliseconds."""

    with_layout: float
    answer: float
    network: str
    slider: str


def measured(site: Path, names: list[str]) -> list[Slowest]:
    """The slowest slider of each network, the slowest networks first."""
    found = []
    pages = [site / "networks" / f"{name}.html" for name in names] or sorted((site / "networks").glob("*.html"))
    with browsing() as browser:
        for page in pages:
            with Opened(browser, page, viewport={"width": 1280, "height": 900}) as opened:
                times = opened.page.evaluate(MOVES)
                if opened.errors:
                    raise RuntimeError(f"{page.name}: {opened.errors[0]}")
            found += [max(Slowest(layout, answer, page.stem, name) for name, answer, layout in times)]
    return sorted(found, reverse=True)


def main() -> None:
    """Print the slowest, and how many are above the target."""
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m tests.benchmarks.sliders SITE [NAME ...]")
    found = measured(Path(sys.argv[1]), sys.argv[2:])
    for of in found[:SHOWN]:
        print(f"{of.with_layout:6.1f} ms ({of.answer:.1f} without layout)  {of.network}: {of.slider}")
    above = sum(of.with_layout > TARGET_MS for of in found)
    print(f"{above} of {len(found)} networks above {TARGET_MS} ms")
    raise SystemExit(1 if above else 0)


if __name__ == "__main__":
    main()
