"""Layers that are written down without being run fail where torch does, and following them leaves torch as it was."""

from threading import Event, Thread

import pytest
from torch import nn

from archcalc.source import SpecError
from archcalc.torch_bridge.trace.parts import Parts
from archcalc.torch_bridge.trace.read import read_module
from archcalc.torch_bridge.trace.tracer import Tracer


@pytest.mark.parametrize("channels", [1, 7])
def test_statistics_of_other_channels_are_refused(channels: int) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(channels))
    with pytest.raises(SpecError, match="running_mean should contain 8 elements"):
        read_module(model, (3, 8, 8))


def test_two_threads_leave_the_calls_of_modules_as_they_were() -> None:
    plain = nn.Module._call_impl
    inside, done = Event(), Event()

    def follow() -> None:
        with Tracer("", Parts(nn.ReLU(), {}), frozenset()).followed():
            inside.set()
            done.wait(0.2)

    def follow_too() -> None:
        inside.wait()
        with Tracer("", Parts(nn.ReLU(), {}), frozenset()).followed():
            done.set()

    threads = [Thread(target=each) for each in (follow, follow_too)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert nn.Module._call_impl is plain
