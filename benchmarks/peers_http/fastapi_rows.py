"""FastAPI with many rows a request, checked by pydantic, and the trees called as cheaply as in ``lean.py``."""

from __future__ import annotations

import gc
import os

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from lean import Lean
from row import Rows

app = FastAPI()
model = Lean(os.environ["BENCH_MODEL"])
gc.collect()
gc.freeze()  # as our server does


def answer(asked: Rows) -> JSONResponse:
    # A response that is handed over ready is not walked and checked once more.
    return JSONResponse(model.many([row.__dict__ for row in asked.rows]))


if os.environ.get("BENCH_MOST"):  # in a thread, or the loop would be too busy to refuse those who are too many
    app.post("/predict")(answer)
else:

    @app.post("/predict")
    async def predict(asked: Rows) -> JSONResponse:
        return answer(asked)
