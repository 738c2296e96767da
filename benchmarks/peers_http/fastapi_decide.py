"""FastAPI with the same bundle's scores and the rules of ``by_hand.py``: a row checked by pydantic, a dictionary back."""

from __future__ import annotations

import gc
import os
from typing import Any

from by_hand import decide
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from row import Row

import plimsoll

app = FastAPI()
scores = plimsoll.load(os.environ["BENCH_BUNDLE"]).answerer.scores
gc.collect()
gc.freeze()  # as our server does


@app.post("/decide")
async def answer(row: Row) -> Any:
    # A response that is handed over ready is not walked and checked once more.
    return JSONResponse(decide(row, *scores(tuple(row.__dict__.values()))))
