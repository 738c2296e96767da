"""``python -m plimsoll.serve BUNDLE [PORT]``: the server alone, in a process that has loaded nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from plimsoll.serve import threads

threads.one()  # before numpy, which starts its threads as it is imported

from plimsoll.errors import UserError  # noqa: E402  # threads.one() comes first
from plimsoll.serve.house import Orders  # noqa: E402
from plimsoll.serve.routes import Keys  # noqa: E402
from plimsoll.serve.server import run  # noqa: E402
from plimsoll.serve.version import Origin  # noqa: E402


def main(words: list[str]) -> int:
    if not 1 <= len(words) <= 2 or not words[-1:] or (len(words) == 2 and not words[1].isdigit()):
        print("Write: python -m plimsoll.serve BUNDLE [PORT]", file=sys.stderr)
        return 2
    try:
        orders = Orders(Origin(Path(words[0])), keys=Keys(os.environ.get("PLIMSOLL_TOKEN")))
        run(orders, port=int(words[1]) if len(words) == 2 else 8000)
    except UserError as fault:
        print(fault, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
