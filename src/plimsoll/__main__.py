"""``python -m plimsoll`` is the command line."""

from plimsoll.cli import run

run()
