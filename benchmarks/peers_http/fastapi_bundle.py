"""FastAPI with the very same Plimsoll bundle, in process; rows are checked by pydantic, then by the bundle's schema."""

from __future__ import annotations

import gc
import os

from fastapi import FastAPI, Response
from row import Row

import plimsoll

app = FastAPI()
answer = plimsoll.load(os.environ["BENCH_BUNDLE"]).answerer.answer
gc.collect()
gc.freeze()  # as our server does


@app.post("/predict")
async def predict(row: Row) -> Response:
    return Response(answer(row.model_dump_json().encode()), media_type="application/json")
