"""BentoML with many rows a request and one worker; ``BENCH_MOST`` is its own cap on requests at once, if any."""

from __future__ import annotations

import os
from typing import Any

import bentoml
from lean import Lean
from row import Row

MOST = os.environ.get("BENCH_MOST")
TRAFFIC = {"timeout": 60, **({"max_concurrency": int(MOST)} if MOST else {})}


@bentoml.service(workers=1, traffic=TRAFFIC, logging={"access": {"enabled": False}}, metrics={"enabled": True})
class Service:
    def __init__(self) -> None:
        self.model = Lean(os.environ["BENCH_MODEL"])

    if MOST:  # in a thread, or the loop would be too busy to see that there are too many

        @bentoml.api(route="/predict")
        def predict(self, rows: list[Row]) -> list[dict[str, Any]]:
            return self.model.many([row.__dict__ for row in rows])

    else:

        @bentoml.api(route="/predict")
        async def predict(self, rows: list[Row]) -> list[dict[str, Any]]:
            return self.model.many([row.__dict__ for row in rows])
