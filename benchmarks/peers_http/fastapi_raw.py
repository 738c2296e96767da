"""FastAPI as a thin shell: the raw body to the same bundle, with no pydantic. What is left is FastAPI's own routing."""

from __future__ import annotations

import gc
import os

from fastapi import FastAPI, Request, Response

import plimsoll

app = FastAPI()
answer = plimsoll.load(os.environ["BENCH_BUNDLE"]).answerer.answer
gc.collect()
gc.freeze()  # as our server does


@app.post("/predict")
async def predict(request: Request) -> Response:
    return Response(answer(await request.body()), media_type="application/json")
