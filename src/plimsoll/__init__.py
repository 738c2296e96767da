"""State the job and the limits; get the best model that fits them, measured, packaged, served and watched.

>>> import plimsoll
>>> run = plimsoll.fit(frame, predict="label", limits="p99 < 5 ms, train < 1 min")  # doctest: +SKIP
>>> plimsoll.load(run.bundle).predict(frame)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plimsoll.errors import (
    BundleError,
    DataError,
    JobError,
    LimitError,
    NothingFits,
    PlimsollError,
    UserError,
)

if TYPE_CHECKING:
    from plimsoll.job import Job as Job
    from plimsoll.limits import Limits as Limits
    from plimsoll.predict import load as load
    from plimsoll.preview import plan as plan
    from plimsoll.run import Run as Run
    from plimsoll.serve.session import Event as Event
    from plimsoll.serve.session import Moment as Moment
    from plimsoll.serve.session import Symbol as Symbol
    from plimsoll.solve import fit as fit

__version__ = "0.1.0"
__all__ = [
    "BundleError",
    "DataError",
    "Event",
    "Job",
    "JobError",
    "LimitError",
    "Limits",
    "Moment",
    "NothingFits",
    "PlimsollError",
    "Run",
    "Symbol",
    "UserError",
    "fit",
    "load",
    "plan",
]

# Loaded when first asked for, so that importing the package costs next to nothing.
_LATER = {"fit": "solve", "Run": "run", "load": "predict", "plan": "preview", "Job": "job", "Limits": "limits"}
_LATER |= {"Event": "serve.session", "Moment": "serve.session", "Symbol": "serve.session"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'plimsoll' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(f"plimsoll.{_LATER[name]}"), name)
