"""Signals whose answer is known: streams of moments with events planted in them, and a band of recordings on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plimsoll.events import Timeline

RATE, FIRST, STRIDE = 200.0, 50, 10
CLASSES = 4


def stream(*events: tuple[int, int, int], moments: int = 400, start: int = 0) -> tuple[Timeline, np.ndarray]:
    """One stream from frame ``start`` with events (class, first moment, last moment); each began 4 frames before its first moment."""
    ends = start + FIRST + STRIDE * np.arange(moments)
    target, onsets = np.zeros(moments, dtype=np.int64), np.full(moments, start)
    for label, first, last in events:
        target[first : last + 1] = label
        onsets[first : last + 1] = ends[first] - 4
        onsets[last + 1 :] = ends[last] + 6
    return Timeline(np.full(moments, start), ends, onsets, RATE, FIRST, STRIDE), target


def joined(*streams: tuple[Timeline, np.ndarray]) -> tuple[Timeline, np.ndarray]:
    """Several streams as the rows of one."""
    lines = [line for line, _ in streams]
    parts = (np.concatenate([getattr(line, name) for line in lines]) for name in ("streams", "ends", "onsets"))
    return Timeline(*parts, RATE, FIRST, STRIDE), np.concatenate([target for _, target in streams])


def sure(labels: np.ndarray, of: float = 0.97, classes: int = CLASSES) -> np.ndarray:
    """Probabilities of these classes, shape (rows, classes)."""
    found = np.full((len(labels), classes), (1.0 - of) / (classes - 1))
    found[np.arange(len(labels)), labels] = of
    return found


def recordings(folder: Path, people: int = 5, sessions: int = 2, seed: int = 0) -> Path:
    """Recordings of a band at 100 Hz, 12 s each: in turn rest and one of two gestures, 3 s of each.

    Each gesture of each person is loud on a channel of its own: a new session is easy, and of a new person nothing is known.
    """
    random = np.random.default_rng(seed)
    samples, labels, lines = [], [], ["who,day,start,length"]
    for person in range(people):
        for session in range(sessions):
            for gesture in (1, 2):
                label = np.repeat([0, gesture, 0, gesture], 300)
                loud = np.ones((1200, 2 * people))
                loud[label > 0, 2 * person + gesture - 1] = 6.0
                lines.append(f"p{person},d{session},{sum(map(len, labels))},1200")
                samples.append(random.normal(0.0, 4.0, loud.shape) * loud)
                labels.append(label)
    np.savez(folder / "band.npz", band=np.concatenate(samples).astype(np.float32), labels=np.concatenate(labels))
    (folder / "recordings.csv").write_text("\n".join(lines) + "\n")
    return folder / "recordings.csv"
