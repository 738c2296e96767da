"""The documents say what is so: their examples run or parse, their links lead somewhere, their lists are complete."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest

from pages import blocks
from plimsoll import flags, list_rules, statement
from plimsoll.collection import Collection
from plimsoll.ids import Ids
from plimsoll.limits import COSTS, parse
from plimsoll.metrics import DEPTHS, QUALITIES
from plimsoll.policy.hygiene import faults
from plimsoll.policy.reading import read
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.testing import promises

TWEETS = Schema((Column("text", Kind.TEXT),), "label", ("hate", "neither", "offensive"))
FILMS = Collection(
    Ids.of("12"),
    Rows(2, {"genres": Coded.of(["Drama", "War"]), "studio": Coded.of(["a", "b"]), "year": np.array([1999.0, 2000.0])}),
    Schema((Column("genres", Kind.TEXT), Column("studio", Kind.CATEGORY), Column("year", Kind.NUMBER)), "film"),
)
HOME = Path(__file__).parents[1]
PAGES = [HOME / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (HOME / "docs").rglob("*.md")
)
RUN = (
    "write-a-recipe.md",
    "limits.md",
    "recommending.md",
    "searching.md",
)  # pages whose Python runs as it stands; elsewhere it names data that is not here


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_in_a_page_runs_or_parses(page: Path):
    """The blocks of a page are one program; where it needs nobody's data, it runs."""
    program = compile("\n".join(blocks(page, "python")), str(page), "exec", dont_inherit=True)
    if page.name in RUN:
        exec(program, {"__name__": "page"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_toml_in_a_page_is_understood(page: Path, tmp_path: Path):
    """A job.toml that is shown is one that is understood; on the page of policies each is one of those, and on that of serving
    rules of lists."""
    for block in blocks(page, "toml"):
        tomllib.loads(block)
        if page.name in ("policy.md", "moderation.md"):
            (tmp_path / "policy.toml").write_text(block, encoding="utf-8")
            assert not faults(read(tmp_path / "policy.toml", TWEETS))
            continue
        if page.name == "serving.md":
            assert list_rules.of(block.encode(), FILMS).said
            continue
        (tmp_path / "job.toml").write_text(block, encoding="utf-8")
        words = statement.words({"job": tmp_path / "job.toml"})
        assert words["predict"] or "documents" in words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_a_page_are_understood(page: Path):
    """Every plimsoll command that is shown has words that the command line knows, and limits that parse."""
    for block in blocks(page, ""):
        for line in block.splitlines():
            if line.startswith("plimsoll "):
                args = flags.parser().parse_args(shlex.split(line, comments=True)[1:])
                assert list(parse(getattr(args, "limits", None) or ["p99 < 1 s"]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_in_a_page_lead_somewhere(page: Path):
    """A link to a file names one that is there."""
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_page_on_limits_names_everything_that_can_be_limited():
    """A cost or a metric that is added is explained."""
    page = (HOME / "docs" / "limits.md").read_text(encoding="utf-8")
    depths = re.search(r"at a depth of ([\d, or]+), as in", page)
    assert depths is not None
    assert tuple(map(int, re.findall(r"\d+", depths[1]))) == DEPTHS
    assert all(re.search(rf"\b{name.partition('@')[0]}\b", page) for name in [*COSTS, *QUALITIES])


def test_the_page_on_recipes_names_every_promise():
    """The table of promises is the list of promises, in order."""
    page = (HOME / "docs" / "write-a-recipe.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", page.split("Hold it to the promises")[1], re.MULTILINE)
    assert listed == [promise.__name__ for promise in promises.PROMISES]


@pytest.mark.parametrize("page", [page for page in PAGES if page.name == "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_contributing_fits_a_screen(page: Path):
    """Whoever wants to help reads one screen."""
    assert page.read_text(encoding="utf-8").count("\n") <= 40


def test_help_shows_limits_that_parse():
    """The examples in plimsoll fit --help are limits."""
    for text in re.findall(r'--limit "([^"]+)"', flags.FIT_EXAMPLES):
        assert list(parse(text))
