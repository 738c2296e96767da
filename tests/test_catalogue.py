"""Recipes by name: those of the house, and those that a user names."""

from pathlib import Path

import pytest

from plimsoll import catalogue
from plimsoll.errors import JobError


def own(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str, name: str = "mine") -> None:
    (folder / f"{name}.py").write_text(body)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv(catalogue.OWN, name)
    monkeypatch.delitem(__import__("sys").modules, name, raising=False)


@pytest.mark.parametrize("name", catalogue.RECIPES)
def test_each_recipe_says_what_it_is_under_its_own_name(name: str):
    """The catalogue's name is the recipe's, and it has a line for the list."""
    assert catalogue.find(name).name == name
    assert catalogue.describe(name).startswith(f"{name}: ")


def test_a_wrong_name_is_answered_with_a_near_one():
    """A typing mistake is one line with what was meant."""
    with pytest.raises(JobError, match=r'no recipe "linaer".*linear'):
        catalogue.find("linaer")


def test_a_users_module_is_a_recipe_like_any_other(tmp_path, monkeypatch):
    """It comes after those of the house, and is loaded by its name."""
    own(
        tmp_path,
        monkeypatch,
        '"""mine: of my own."""\nfrom dataclasses import replace\nfrom plimsoll.recipes import constant\nRECIPE = replace(constant.RECIPE, name="mine")\n',
    )
    assert catalogue.names() == (*catalogue.RECIPES, "mine")
    assert catalogue.find("mine").name == "mine"
    assert catalogue.describe("mine") == "mine: of my own."


def test_a_users_module_cannot_take_a_name_of_the_house(monkeypatch):
    """A bundle that says linear means ours, whatever the environment says."""
    monkeypatch.setenv(catalogue.OWN, "elsewhere.linear")
    assert catalogue.known()["linear"] == catalogue.RECIPES["linear"]


def test_a_module_that_is_not_there_is_one_line(monkeypatch):
    """A path that was forgotten is said, with what to set."""
    monkeypatch.setenv(catalogue.OWN, "nowhere_at_all")
    with pytest.raises(JobError, match=r"nowhere_at_all cannot be imported.*PYTHONPATH"):
        catalogue.find("nowhere_at_all")


def test_a_module_without_its_recipe_is_one_line(tmp_path, monkeypatch):
    """A module named other than its recipe is refused, for a bundle would not find it again."""
    own(tmp_path, monkeypatch, "RECIPE = None\n")
    with pytest.raises(JobError, match='no RECIPE named "mine"'):
        catalogue.find("mine")
