"""The nets of the house through Plimsoll beside plain PyTorch with the same module, and against what the machine could do.

    python benchmarks/torch_recipes.py [--rounds 5] [--epochs 4] [--moments 16384] [--devices cpu,cuda]

Eight channels at 200 Hz of seeded noise, a moment every 50 ms. Each device that is there; one that is not is skipped, and
the reason stands in the table.

- ``train``: windows (or frames of stretches, for a net that remembers) learned from a second. Ours is the loop that a fit
  runs, drawing, gathering and augmenting included. Plain is what a researcher writes: every window cut in advance and on the
  device, a permutation an epoch, the same module, batch size, label smoothing, clipping and PyTorch's AdamW (fused on a device).
  Both without augmentation, and ours once more with. A net that remembers gets the same stretches in both.
- ``answer``: windows answered a second, 64 at a time and one at a time: the graph that is served beside the module in
  ``no_grad``, on one thread; of a net that remembers, strides of ten frames.
- ``roofline``: multiplications and additions of training (three times those of the answer) a second, as a share of the least
  of what the device's measured products of matrices (float32, 4,096 a side; 512 on a CPU) and its copies allow for the bytes
  that a step must move: the frames once, the weights, slopes and moments of AdamW, and the activations out and back.

Rounds take turns, and a ratio is the median of each round's own. Written to results/torch_recipes.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import torch  # noqa: E402

from plimsoll import catalogue, devices, machine, net_ready, net_training  # noqa: E402
from plimsoll.clock import Clock  # noqa: E402
from plimsoll.job import Decode, Job, Task  # noqa: E402
from plimsoll.net_ready import Ready  # noqa: E402
from plimsoll.recipe import Fold  # noqa: E402
from plimsoll.rows import Rows, Signals  # noqa: E402
from plimsoll.schema import Axis, Column, Kind, Layout, Schema  # noqa: E402

RESULTS = Path(__file__).parent / "results"
LAYOUT = Layout(200.0, tuple("abcdefgh"), (Axis("electrode", 8, ring=True),))
SCHEMA = Schema((Column("emg", Kind.SIGNAL, layout=LAYOUT),), "gesture", tuple("01234567"))
JOB = Job("gesture", task=Task.MULTICLASS, decode=Decode(window=0.26, stride=0.05))
STRIDE, STREAM = 10, 4_000  # frames of a stride and of a stream
RECIPES = ("conv", "conv_gru")


def moments(count: int, seed: int = 0) -> Fold:
    """So many moments of streams of noise, in int8, whose level says the class."""
    random = np.random.default_rng(seed)
    each = (STREAM - 60) // STRIDE
    streams = -(-count // each)
    target = random.integers(0, 8, streams * each)
    level = np.repeat(4.0 + target.reshape(streams, each), STRIDE, axis=1)
    samples = random.normal(size=(streams, STREAM, 8)) * np.pad(level, ((0, 0), (60, 0)), mode="edge")[:, :STREAM, None]
    starts = np.repeat(np.arange(streams) * STREAM, each)
    ends = starts + 60 + STRIDE * np.tile(np.arange(1, each + 1), streams)
    signals = Signals(
        np.clip(samples, -128, 127).astype(np.int8).reshape(-1, 8), starts, np.minimum(ends, starts + STREAM)
    )
    return Fold(Rows(len(starts), {"emg": signals}), target)


def ready(name: str, fold: Fold, device: str, epochs: int, augment: str) -> Ready:
    """A net of the house as a fit has it before it trains."""
    recipe = catalogue.find(name)
    family = recipe.fit.__self__  # type: ignore[attr-defined]  # the recipe's functions are those of a family
    knobs = {**recipe.space.default, "epochs": epochs, "augment": augment, "balance": 0.0, "person": "alike"}
    made = net_ready.prepared(
        family.make, family.reach is None, family._frames, JOB, SCHEMA, fold, knobs, Clock(3_600.0), device
    )
    return replace(made, plan=replace(made.plan, kept=None))


def ours(name: str, fold: Fold, device: str, epochs: int, augment: str) -> float:
    """Seconds of an epoch through Plimsoll, of the best of them: the first pays for what is set up once."""
    made = ready(name, fold, device, epochs, augment)
    taken: list[float] = []
    before = net_training._epoch

    def timed(*given: Any) -> None:
        begun = time.perf_counter()
        before(*given)
        _settled(device)
        taken.append(time.perf_counter() - begun)

    net_training._epoch = timed
    try:
        net_training.train(made.net, made.lessons, None, made.plan, Clock(3_600.0))
    finally:
        net_training._epoch = before
    return min(taken)


def plain(name: str, fold: Fold, device: str, epochs: int) -> float:
    """The same of a loop in plain PyTorch over windows or stretches that were cut in advance."""
    made = ready(name, fold, device, epochs, "none")
    net, rows = made.net, made.lessons.rows
    drawn = list(rows.drawn(made.plan.share, np.random.default_rng(0)))
    frames = torch.cat([page.frames for page in drawn])
    places = np.concatenate([page.rows for page in drawn])
    truth = torch.from_numpy(np.where(places < 0, -100, fold.target[np.maximum(places, 0)])).to(device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, fused=device == "cuda")
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.05)
    net.train()
    taken = []
    for _ in range(epochs):
        begun = time.perf_counter()
        order = torch.randperm(len(frames), device=device)
        for place in range(0, len(frames), rows.size):
            some = order[place : place + rows.size]
            optimizer.zero_grad(set_to_none=True)
            loss_of(net(frames[some]).flatten(0, -2), truth[some].flatten()).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        _settled(device)
        taken.append(time.perf_counter() - begun)
    return min(taken)


def _settled(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


@dataclass(frozen=True)
class Work:
    """What an epoch is: ``units`` learned from, ``operations`` and ``bytes`` that it cannot do without."""

    units: int
    operations: float
    bytes: float


def work(name: str, fold: Fold) -> Work:
    made = ready(name, fold, "cpu", 1, "none")
    recipe, rows = catalogue.find(name), made.lessons.rows
    page = next(iter(rows.drawn(made.plan.share, np.random.default_rng(0))))
    many, frames = rows.many * rows.size, page.frames.shape[1]
    one = recipe.fit.__self__.work(8, frames, recipe.space.default)  # type: ignore[attr-defined]
    weights = sum(part.numel() for part in made.net.parameters())
    width = float(recipe.space.default["width"]) * frames  # a number for each filter and frame, out and back
    moved = 4.0 * (many * (8 * frames + 2 * width) + rows.many * 7 * weights)
    return Work(many if made.net.carries is False else many * frames, 3 * 2.0 * one * many, moved)


def peaks(device: str) -> tuple[float, float]:
    """(operations, bytes) a second, measured."""
    if device == "cuda":
        found = devices.card(devices.found()[0]).rates
        return found["gemm_float32"], found["copy"]
    from plimsoll import rates

    side, block = np.ones((512, 512), dtype=np.float32), np.ones(1 << 24, dtype=np.float32)
    into = block.copy()
    return rates.best(lambda: side @ side, 2.0 * 512**3), rates.best(lambda: np.copyto(into, block), 8.0 * len(block))


def answers(name: str, fold: Fold) -> dict[str, float]:
    """Answers a second of the graph and of the module, together and alone."""
    recipe = catalogue.find(name)
    knobs = {**recipe.space.default, "epochs": 1, "person": "alike"}
    model = recipe.fit(JOB, SCHEMA, replace(fold, valid=None), knobs, Clock(600.0))
    made = ready(name, fold, "cpu", 1, "none")
    net = made.net.eval()
    if net.carries:
        cell = fold.train.signals("emg").cell(0)
        chunk = np.resize(cell, (STRIDE, 8))
        state = model.start(STRIDE, STRIDE)
        carried = tuple(net.state())
        frames = torch.from_numpy(chunk)[None]
        return {
            "ours alone": _rate(lambda: model.step(chunk, state)),
            "torch alone": _rate(lambda: net.stepped(frames, *carried)),
        }
    some = fold.train.take(np.arange(64))
    cells = some.values(SCHEMA)
    frames = torch.from_numpy(fold.train.signals("emg").take(np.arange(64)).last(made.frames).astype(np.float32))
    return {
        "ours together": 64 * _rate(lambda: model.predict(some)),
        "torch together": 64 * _rate(lambda: net(frames).softmax(1)),
        "ours alone": _rate(lambda: model.answer(cells[0])),
        "torch alone": _rate(lambda: net(frames[:1]).softmax(1)),
    }


def _rate(action: Callable[[], Any]) -> float:
    """How often a second, at the best of several times."""
    from plimsoll import rates

    with torch.no_grad():
        return rates.best(action)


def device_rows(device: str, rounds: int, epochs: int, fold: Fold) -> list[dict[str, Any]]:
    told = []
    flops, bandwidth = peaks(device)
    for name in RECIPES:
        due, taken = work(name, fold), {"ours": [], "augmented": [], "plain": []}  # type: dict[str, list[float]]
        for _ in range(rounds):
            taken["ours"].append(ours(name, fold, device, epochs, "none"))
            taken["plain"].append(plain(name, fold, device, epochs))
            taken["augmented"].append(ours(name, fold, device, epochs, "turn"))
        best = min(taken["ours"])
        ratio = median(theirs / own for own, theirs in zip(taken["ours"], taken["plain"], strict=True))
        roof = min(flops, bandwidth * due.operations / due.bytes)
        rates_ = {each: due.units / median(times) for each, times in taken.items()}
        told.append(
            {"device": device, "recipe": name, "train": rates_, "ratio": ratio, "of_roof": due.operations / best / roof}
        )
    return told


def table(result: dict[str, Any]) -> str:
    lines = [
        "| device | recipe | ours, a second | plain PyTorch | ratio | ours, augmented | of the roofline |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in result["training"]:
        if "skipped" in each:
            lines.append(f"| {each['device']} | skipped: {each['skipped']} | | | | | |")
            continue
        train = each["train"]
        figures = f"{train['ours']:,.0f} | {train['plain']:,.0f} | {each['ratio']:.2f} | {train['augmented']:,.0f}"
        lines.append(f"| {each['device']} | {each['recipe']} | {figures} | {100 * each['of_roof']:.1f} % |")
    lines += ["", "| recipe | answers a second | |", "|---|---|---|"]
    for name, found in result["answers"].items():
        lines += [f"| {name} | {what} | {rate:,.0f} |" for what, rate in found.items()]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--moments", type=int, default=16_384)
    parser.add_argument("--devices", default="cpu,cuda")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    fold, training = moments(args.moments), []
    for device in args.devices.split(","):
        if device == "cuda" and not torch.cuda.is_available():
            training.append({"device": device, "skipped": "PyTorch sees no CUDA device here"})
            continue
        training += device_rows(device, args.rounds, args.epochs, fold)
    result = {
        "machine": machine.card(),
        "torch": torch.__version__,
        "busy": machine.others_busy(0.5),
        "training": training,
        "answers": {name: answers(name, fold) for name in RECIPES},
    }
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "torch_recipes.json").write_text(json.dumps(result, indent=2) + "\n")
    (args.out / "torch_recipes.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
