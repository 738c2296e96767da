"""FastAPI as a thin shell: the body read and the answer written by msgspec, the same scores, the rules of ``by_hand.py``."""

from __future__ import annotations

import gc
import os

import msgspec
from by_hand import decide
from fastapi import FastAPI, Request, Response

import plimsoll

NUMBERS, TEXTS = [f"n{place}" for place in range(8)], [f"c{place}" for place in range(7)]
Row = msgspec.defstruct("Row", [*((name, float) for name in NUMBERS), *((name, str) for name in TEXTS)], gc=False)
read, written = msgspec.json.Decoder(Row).decode, msgspec.json.Encoder().encode
app = FastAPI()
scores = plimsoll.load(os.environ["BENCH_BUNDLE"]).answerer.scores
gc.collect()
gc.freeze()  # as our server does


@app.post("/decide")
async def answer(request: Request) -> Response:
    row = read(await request.body())
    told = decide(row, *scores(msgspec.structs.astuple(row)))
    return Response(written(told), media_type="application/json")
