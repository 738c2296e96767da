"""Chunks of a stream, as requests are written down, as the packets of one stream without end: what a decoder is measured by."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from plimsoll.errors import RequestError
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.line import Line
from plimsoll.serve.packets import NUMBERS, Hello, packed
from plimsoll.serve.request import Reader, Values
from plimsoll.serve.session import Session
from plimsoll.serve.streams import Bounds

_RUSH = 1e12  # seconds of signal: who measures sends all of it at once


def line(served: Answerer, first: bytes) -> Callable[[bytes], bytes]:
    """Takes the packets of one stream, of whoever wears the sensor in the first request; gives what each is answered."""
    session = Session(served.bundle, served.model, beside=_read(served, first)[1:])
    one = Line(session, Hello(), Bounds(rush=_RUSH))
    clock = itertools.count()
    decode = served.bundle.job.decode
    stride = decode.stride if decode is not None else 0.0

    def answer(packet: bytes) -> bytes:
        for _ in one.hear(packet, next(clock) * stride):
            pass
        return one.outbox.take() or b""

    return answer


def packets(served: Answerer, bodies: Sequence[bytes]) -> Iterator[bytes]:
    """The chunks, over and over, each a packet with the number that is its turn."""
    rate = served.session().rate
    chunks = [np.asarray(_read(served, body)[0], dtype=np.float32) for body in bodies]
    heard = 0
    for seq, chunk in enumerate(itertools.cycle(chunks)):
        heard += len(chunk)
        yield packed(seq % NUMBERS, heard / rate, chunk)


def _read(served: Answerer, body: bytes) -> Values:
    rows, many = Reader(served.schema, 1).read(body)
    if many:
        raise RequestError("$", "one chunk at a time. Send the frames of a list after one another.")
    return rows[0]
