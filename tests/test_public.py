"""The public names, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import plimsoll
from plimsoll import errors

PUBLIC = [
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


def test_the_public_names_are_these():
    """A name is added or taken away on purpose."""
    assert sorted(plimsoll.__all__) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_documented(name: str):
    """Names that are loaded late are found when asked for."""
    assert getattr(plimsoll, name).__doc__


def test_an_unknown_name_is_an_attribute_error():
    """Late loading does not swallow a misspelling."""
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        plimsoll.fitt  # noqa: B018  # the asking is the test


def _loaded_by(statement: str) -> set[str]:
    """The top packages that a fresh process has loaded after a statement."""
    asked = f"{statement}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "statement",
    ["import plimsoll", "import plimsoll.cli; plimsoll.cli.parser()"],
)
def test_importing_loads_no_library(statement: str):
    """The package and its command line come up without numpy, Polars, or anything that trains or serves."""
    heavy = {"numpy", "polars", "lightgbm", "sklearn", "scipy", "torch", "onnxruntime", "pandas", "uvicorn", "msgspec"}
    assert not _loaded_by(statement) & heavy


def test_serving_loads_no_library_that_trains():
    """The server's process stays small."""
    assert not _loaded_by("import plimsoll.serve.server, plimsoll.serve.telemetry") & {
        "opentelemetry",
        "polars",
        "lightgbm",
        "sklearn",
        "scipy",
        "torch",
        "pandas",
    }


def test_loading_a_bundle_needs_no_frames():
    """The light install loads a bundle and answers dictionaries."""
    assert not _loaded_by("import plimsoll; plimsoll.load") & {
        "polars",
        "lightgbm",
        "sklearn",
        "scipy",
        "torch",
        "pandas",
    }


def test_every_error_stands_in_the_tree_that_its_file_draws():
    """The tree at the top of errors.py is the tree there is."""
    drawn = errors.__doc__ or ""
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(kind.__name__ in drawn and issubclass(kind, errors.PlimsollError) for kind in found)
