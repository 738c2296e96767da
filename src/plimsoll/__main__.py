"""``python -m plimsoll`` is the command line."""

import sys

from plimsoll.cli import main

sys.exit(main())
