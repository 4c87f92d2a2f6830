"""Layers that are written down without being run fail where torch does, and following them leaves torch as it was."""

from __future__ import annotations

from threading import Event, Thread

import pytest

pytest.importorskip("torch")

from torch import nn

from archcalc.source import SpecError
from archcalc.torch_bridge.trace import read_module
from archcalc.torch_bridge.trace.parts import Parts
from archcalc.torch_bridge.trace.tracer import Tracer

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("channels", [1, 7])
def test_statistics_of_other_channels_are_refused(channels: int) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(channels))
    with pytest.raises(SpecError, match="running_mean should contain 8 elements"):
        read_module(model, (3, 8, 8))


def test_two_threads_leave_the_calls_of_modules_as_they_were() -> None:
    """The second would begin while the first follows, and end after it: it would put back what the first had there."""
    plain = nn.Module._call_impl
    inside, both, left = Event(), Event(), Event()

    def follow() -> None:
        with Tracer("", Parts(nn.ReLU(), {}), frozenset()).followed():
            inside.set()
            both.wait(0.2)  # in vain, where one follows at a time
        left.set()

    def follow_too() -> None:
        inside.wait()
        with Tracer("", Parts(nn.ReLU(), {}), frozenset()).followed():
            both.set()
            left.wait()

    threads = [Thread(target=each) for each in (follow, follow_too)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert nn.Module._call_impl is plain
