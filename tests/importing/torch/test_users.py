"""Models as users write them, in forms that no library's models have."""

# What modules of torch give is Any.
# mypy: disable-error-code="no-any-return, no-untyped-call"
from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence  # noqa: E402

from archcalc.importing.imported import Imported  # noqa: E402
from archcalc.importing.sources import imported  # noqa: E402
from archcalc.importing.totals import totals_of  # noqa: E402

pytestmark = pytest.mark.torch


def proven(model: nn.Module, input: Any, macs: int) -> Imported:
    """What is written of a model, proven, and with these MACs, which are by hand."""
    found = imported(model, input)
    assert found.text, found.proof.differences
    assert totals_of(found.calls).macs == macs
    assert totals_of(found.calls).params == sum(each.numel() for each in model.parameters())
    return found


class Packed(nn.Module):
    """A classifier of sentences, as tutorials have it."""

    def __init__(self, layers: int, ways: int, kind: str = "LSTM") -> None:
        super().__init__()
        self.words = nn.Embedding(50, 24)
        self.layers, self.ways = layers, ways
        self.rnn = getattr(nn, kind)(24, 32, layers, batch_first=True, bidirectional=ways == 2)
        self.fc = nn.Linear(32 * ways, 5)

    def forward(self, tokens: Tensor) -> Tensor:
        lengths = (tokens != 0).sum(1).cpu()
        packed = pack_padded_sequence(self.words(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, states = self.rnn(packed)
        last = states[0] if isinstance(states, tuple) else states
        return self.fc(torch.cat([last[-2], last[-1]], 1) if self.ways == 2 else last[-1])


@pytest.mark.parametrize(
    ("layers", "ways", "kind", "rows"),
    [(1, 1, "LSTM", 4 * 32 * (24 + 32)), (2, 2, "LSTM", 2 * 4 * 32 * (24 + 32 + 64 + 32)),
     (3, 1, "GRU", 3 * 32 * (24 + 32 + 2 * 64))],
)  # fmt: skip
def test_the_last_states_of_packed_sequences(layers: int, ways: int, kind: str, rows: int) -> None:
    """Weights at each of 30 positions, and the classifier; nothing but the last states is read."""
    found = proven(Packed(layers, ways, kind), "tokens(30)", rows * 30 + 32 * ways * 5)
    assert "last=true" in found.text
    assert "length=94" in found.proof.held[-1]


class Padded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(8, 4, bidirectional=True)
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y, state = self.rnn(pack_padded_sequence(x.transpose(0, 1), torch.tensor([x.shape[1]])))
        y, _ = pad_packed_sequence(y)
        return self.fc(y), self.fc(state.transpose(0, 1).reshape(len(x), -1))


def test_states_beside_what_a_layer_gives() -> None:
    """Each way ends at another end of what the layer gives: the last position, and the first."""
    found = proven(Padded(), (6, 8), 2 * 3 * 4 * (8 + 4) * 6 + 8 * 3 * (6 + 1))
    assert "concat(select_token(5) >> slice_channels(0, 4), select_token(0) >> slice_channels(4, 8))" in found.text


class Lengthened(nn.Module):
    """Four of the positions are read, and all are what is given, as where a batch is parted among machines."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(8, 4, batch_first=True)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.rnn(pack_padded_sequence(x, torch.tensor([4]), batch_first=True))
        y, lengths = pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
        assert lengths.tolist() == [4]
        return self.fc(y)


def test_sequences_are_padded_to_the_length_that_is_asked_for() -> None:
    proven(Lengthened(), (6, 8), 3 * 4 * (8 + 4) * 4 + 4 * 3 * 6)


class Sentences(nn.Module):
    """A recurrent layer over each of four sentences of three words, packed as one batch."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.GRU(8, 4, batch_first=True)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.words(pack_padded_sequence(x.reshape(4, 3, 8), torch.tensor([3, 3, 3, 3]), batch_first=True))
        return self.fc(pad_packed_sequence(y, batch_first=True)[0])


def test_several_packed_sequences_are_not_read_as_the_first_of_them() -> None:
    """Windows have no recurrent layer: it is unknown, with its parameters; what follows reads all twelve words."""
    found = imported(Sentences(), (12, 8))
    assert {each.name for each in found.unknown} == {"words"}
    totals = totals_of(found.calls)
    assert (totals.params, totals.macs) == (3 * (4 * 8 + 4 * 4 + 2 * 4) + 4 * 3 + 3, 4 * 3 * 12)
    assert totals.bounds == {"macs"}


class Translator(nn.Module):
    """An encoder whose states a decoder of as many layers begins with."""

    def __init__(self, layers: int, inner: bool = False) -> None:
        super().__init__()
        self.encoder = nn.GRU(6, 4, layers)
        self.decoder = nn.GRU(6, 4, layers)
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(0, 1)
        _, state = self.encoder(x)
        return state[0] if self.inner else self.decoder(x, state)[0]


def test_first_states_of_several_layers() -> None:
    """Counted exactly; that each layer has a state of its own is said, for the language has one for all."""
    found = proven(Translator(2), (5, 6), 2 * 3 * 4 * (6 + 4 + 4 + 4) * 5)
    assert "initial=" in found.text
    assert any("states of their own" in note for note in found.notes)
    assert not any("states of their own" in note for note in imported(Translator(1), (5, 6)).notes)


def test_states_of_inner_layers_are_no_silent_zero() -> None:
    totals = totals_of(imported(Translator(2, inner=True), (5, 6)).calls)
    assert totals.macs == 3 * 4 * (6 + 4 + 4 + 4) * 5
    assert totals.params == 3 * (4 * 6 + 4 * 4 + 2 * 4) + 3 * (4 * 4 + 4 * 4 + 2 * 4)


class Towers(nn.Module):
    """Two inputs meet in a layer that has no operator."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(4, 6), nn.Linear(5, 6)
        self.both = nn.Bilinear(6, 6, 3)
        self.head = nn.Linear(3, 2)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.head(self.both(self.left(a), self.right(b)))


def test_an_unknown_layer_of_two_inputs_stays_alone() -> None:
    found = imported(Towers(), {"a": (4,), "b": (5,)})
    assert [each.layer.partition(".")[0] for each in found.unknown] == ["both", "both"]
    assert totals_of(found.calls).macs >= 4 * 6 + 5 * 6 + 3 * 2
    assert totals_of(found.calls).params == sum(each.numel() for each in Towers().parameters())
    assert "linear(2)" in found.text


class AtTheTop(nn.Module):
    """An operation that has no operator, in the forward pass of the network itself."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.two(torch.fft.fft(self.one(x)).real)


def test_an_unknown_operation_at_the_top_leaves_the_rest() -> None:
    found = imported(AtTheTop(), (4,))
    assert found.text.count("linear(") == 2
    assert found.unknown


class Lazy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.LazyConv2d(4, 3), nn.LazyLinear(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).mean((2, 3)))


def test_lazy_layers_learn_their_sizes() -> None:
    found = imported(Lazy(), (3, 8, 8))
    assert found.text
    assert totals_of(found.calls).macs == 4 * 27 * 36 + 4 * 2


class Remembers(nn.Module):
    """Makes what it needs at its first run, of the size of that."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.seen: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.shape[-1])
        y = self.conv(x)
        return y if len(self.seen) == 1 else y + y


def test_what_a_first_run_changes_is_made_anew() -> None:
    """A second reading is of a model like the first: here one that has not run."""
    model = Remembers()
    found = imported(model, (3, 8, 8))
    assert "resolution=72" in found.proof.held[-1]
    assert model.seen == []


class Lists(nn.Module):
    """Layers in lists, between which the forward pass does something."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.down = nn.ModuleList([nn.Conv2d(4, 6, 3), nn.Conv2d(6, 8, 3)])
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for layer in self.down:
            x = torch.max_pool2d(layer(x).relu(), 2)
        return self.head(x.mean((2, 3)))


def test_modules_keep_their_names() -> None:
    """Those of a list have its name and their number."""
    text = imported(Lists(), (3, 32, 32)).text
    for name in ("stem", "down_0", "down_1", "head"):
        assert f"  {name}: " in text


class Parallel(nn.Module):
    """Blocks that no class is of: a norm that two layers read, whose sums are added one after the other."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(8) for _ in range(depth)])
        self.one = nn.ModuleList([nn.Linear(8, 8) for _ in range(depth)])
        self.two = nn.ModuleList([nn.Linear(8, 8) for _ in range(depth)])
        self.memory = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        memory = self.memory(x).sigmoid()
        for norm, one, two in zip(self.norms, self.one, self.two, strict=True):
            y = norm(x)
            x = x + one(y).relu() * memory
            x = x + two(y).tanh()
        return x


def test_blocks_that_refer_to_their_own_parts_are_written_once() -> None:
    """However many there are; what all of them read is an argument."""
    few, many = (proven(Parallel(depth), (6, 8), (2 * depth + 1) * 64 * 6).text for depth in (5, 9))
    assert "block(memory) * 8" in many
    assert few.count("\n") == many.count("\n")


class Pyramid(nn.Module):
    """One head upon the maps of two stages, as detectors have it."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = nn.Sequential(*[nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()) for _ in range(3)])
        self.stem, self.deep = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, 2, 1)
        self.tower = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.score = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        wide = self.stage(self.stem(x))
        deep = self.deep(wide)
        return self.score(self.tower(wide)), self.score(self.tower(deep))


def test_a_body_that_runs_twice_is_written_once() -> None:
    """`share` of the whole body; what a body gives is called as the body, and its repeats stay repeats."""
    of_map = 9 * 8 * 8 * 2 + 8 * 2
    found = proven(Pyramid(), (3, 16, 16), 256 * (9 * 3 * 8 + 3 * 9 * 8 * 8 + of_map) + 64 * (9 * 8 * 8 + of_map))
    assert "share(tower)" in found.text
    assert found.text.count("* 3") == 1
    assert "tap(stage)" in found.text


class ECA(nn.Module):
    """Wang et al. 2020, ECA-Net: a convolution over channels that lie in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.conv = nn.Conv2d(3, 8, 3, padding=1), nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        gate = self.conv(x.mean((2, 3)).view(x.shape[0], 1, -1)).sigmoid()
        return x * gate.view(x.shape[0], -1, 1, 1).expand_as(x)


def test_channels_in_a_row_as_positions() -> None:
    """Three taps at each of 8 channels, behind 27 * 8 of the stem at 4 x 6 positions."""
    found = proven(ECA(), (3, 4, 6), 27 * 8 * 24 + 3 * 8)
    assert not found.unknown
    assert "transpose >> conv(1, 3, padding=half, bias=false)" in found.text
