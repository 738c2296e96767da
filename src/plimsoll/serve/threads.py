"""One thread for arithmetic: a row is too little work to share, and idle threads cost memory and a tail."""

import os


def one() -> None:
    """Ask the libraries that are still to be loaded for one thread each. What the user has set stands."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
