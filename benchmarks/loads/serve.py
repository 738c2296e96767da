"""``python serve.py BUNDLE PORT PATIENCE``: our server with its promise stated in seconds, whatever the bundle was limited to."""

from __future__ import annotations

import sys
from pathlib import Path

from plimsoll.serve import threads


def main(bundle: str, port: str, patience: str) -> None:
    threads.one()  # before numpy, which starts its threads as it is imported
    from plimsoll.serve import server
    from plimsoll.serve.version import Origin

    server.run(server.Orders(Origin(Path(bundle)), patience=float(patience)), port=int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
