"""LitServe with many rows a request, one worker on the CPU, and the trees called as cheaply as in ``lean.py``."""

from __future__ import annotations

import os
import sys
from typing import Any

import litserve
from lean import Lean


class Service(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = Lean(os.environ["BENCH_MODEL"])

    def predict(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        return self.model.many(asked["rows"])


if __name__ == "__main__":
    server = litserve.LitServer(Service(), accelerator="cpu", devices=1, workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )
