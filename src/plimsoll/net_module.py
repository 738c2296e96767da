"""A user's module with what every net needs around it: channels on one scale, and a share of its own for who is known.

Imported where PyTorch is at hand, and only when something is trained or served through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plimsoll.errors import TrialError

TOLD = 64  # numbers that the module says of a window where each person has a reading of their own of them
MIXED = 64  # channels that a person has a way of their own of mixing, at most: its numbers go by their square


class Net(nn.Module):  # type: ignore[misc]  # torch is Any to the type checker
    """Takes frames of shape (batch, frames, channels) as rows hold them, and gives scores.

    ``inner`` takes them as (batch, channels, frames), scaled: it gives scores of shape (batch, classes); or, where it has
    ``initial_state(batch)``, it takes a state as well and gives scores of shape (batch, steps, classes), a step every
    ``hop`` frames, and the state to go on with: a tensor or a tuple of them.

    Where ``people`` are known, each has a way of their own of mixing channels, and a reading of their own of the ``TOLD``
    numbers that ``inner`` then gives in place of scores; number 0 is everybody else, of whom nothing is known.
    """

    def __init__(self, inner: Any, middle: Tensor, spread: Tensor, people: int, classes: int) -> None:
        super().__init__()
        self.inner = inner
        self.people = people
        self.register_buffer("middle", middle)
        self.register_buffer("spread", spread)
        self.register_buffer("prior", torch.zeros(classes))  # how much oftener each class is than it was drawn, in logs
        channels = len(middle)
        self.shared = nn.Linear(TOLD, classes) if people else None
        mixed = people and channels <= MIXED
        self.mix = nn.Embedding(people + 1, channels * channels, padding_idx=0) if mixed else None
        self.own = nn.Embedding(people + 1, TOLD * classes, padding_idx=0) if people else None
        for table in (self.mix, self.own):
            if table is not None:
                nn.init.zeros_(table.weight)

    @property
    def carries(self) -> bool:
        return hasattr(self.inner, "initial_state")

    @property
    def hop(self) -> int:
        return int(getattr(self.inner, "hop", 1))

    def state(self, batch: int = 1) -> tuple[Tensor, ...]:
        """What the net knows before it has heard anything."""
        return _flat(self.inner.initial_state(batch)) if self.carries else ()

    def forward(self, frames: Tensor, who: Tensor | None = None) -> Tensor:
        """The scores alone, from no memory; ``who`` are the numbers of the wearers, shape (batch,)."""
        state = self.state(len(frames))
        given = [torch.zeros(len(frames), dtype=torch.int64) if who is None else who] if self.people else []
        return self.stepped(frames, *(part.to(frames.device) for part in (*given, *state)))[0]

    def stepped(self, frames: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        """The scores and the state to go on with; ``rest`` are the wearers, where some are known, and the state."""
        heard = (frames - self.middle) / self.spread
        who, state = (rest[0], rest[1:]) if self.people else (None, rest)
        if self.mix is not None:
            heard = heard + torch.matmul(heard, self.mix(who).unflatten(1, (len(self.middle), len(self.middle))))
        left: tuple[Tensor, ...] = ()
        if self.carries:
            one = not isinstance(self.inner.initial_state(1), tuple | list)
            scores, after = self.inner(heard.transpose(1, 2), state[0] if one else tuple(state))
            left = _flat(after)
        else:
            scores = self.inner(heard.transpose(1, 2))
        if self.shared is not None and self.own is not None:
            said = torch.relu(scores)
            own = self.own(who).unflatten(1, (TOLD, -1))
            scores = self.shared(said) + (
                torch.matmul(said, own) if self.carries else torch.matmul(said[:, None, :], own)[:, 0]
            )
        # Scores speak of classes as often as they are, not as they were drawn to learn from.
        return (scores if self.training else scores + self.prior, *left)


class Stepped(nn.Module):  # type: ignore[misc]
    """A net as a graph has it: frames and state in, scores and state out."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, frames: Tensor, *rest: Tensor) -> Any:
        found = self.net.stepped(frames, *rest)
        return found if len(found) > 1 else found[0]


def _flat(state: Any) -> tuple[Tensor, ...]:
    return tuple(state) if isinstance(state, tuple | list) else (state,)


@torch.no_grad()  # type: ignore[untyped-decorator]
def check(net: Net, frames: Tensor, classes: int) -> None:
    """Raises TrialError where a module does not keep to its contract, tried on real frames, shape (1, frames, channels).

    A net with a memory must give the same scores whether it hears all at once or a part at a time, and must not change
    those of the past when the future changes.
    """
    net.eval()
    whole = net(frames)
    steps = frames.shape[1] // net.hop
    due = (1, steps, classes) if net.carries else (1, classes)
    if tuple(whole.shape) != due:
        said = f"(batch, steps, classes), a step every {net.hop} frames" if net.carries else "(batch, classes)"
        raise TrialError(f"its scores have shape {tuple(whole.shape)} where {due} was due: {said}")
    if not torch.isfinite(whole).all():
        raise TrialError("its scores are not finite before it has learned anything")
    if not net.carries:
        return
    half = steps // 2
    changed = frames.clone()
    changed[:, half * net.hop :] = frames[:, half * net.hop :].flip(1) * -3.0
    if _apart(net(changed)[:, :half], whole[:, :half]):
        raise TrialError("it looks ahead: its scores change when frames that come later do")
    if _apart(heard(net, frames, [1, 2, half, 1]), whole):
        raise TrialError("it does not carry its state: a part at a time it gives other scores than all at once")


def heard(net: Net, frames: Tensor, parts: Sequence[int]) -> Tensor:
    """The scores of frames heard a part at a time, each of so many steps, over and over."""
    who = [torch.zeros(len(frames), dtype=torch.int64)] if net.people else []
    state, scores, place, turn = list(net.state(len(frames))), list[Tensor](), 0, 0
    while place < frames.shape[1] // net.hop * net.hop:
        many = max(1, parts[turn % len(parts)]) * net.hop
        found, *state = net.stepped(frames[:, place : place + many], *who, *state)
        scores.append(found)
        place, turn = place + many, turn + 1
    return torch.cat(scores, 1)


def _apart(one: Tensor, other: Tensor) -> bool:
    return bool(((one - other).abs() > 1e-4 * (1.0 + other.abs())).any())
