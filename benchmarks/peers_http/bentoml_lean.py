"""BentoML with one worker, and the trees called as cheaply as in ``lean.py``."""

from __future__ import annotations

import os
from typing import Any

import bentoml
from lean import Lean
from row import Row


@bentoml.service(workers=1, logging={"access": {"enabled": False}}, metrics={"enabled": True})
class Service:
    def __init__(self) -> None:
        self.model = Lean(os.environ["BENCH_MODEL"])

    @bentoml.api(route="/predict")
    async def predict(self, row: Row, /) -> dict[str, Any]:
        return self.model(row.__dict__)
