"""The floors of the house, read from the source: imports point down, or sideways where no circle closes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "plimsoll"
FLOORS = [
    "errors units",
    "spelling lines printed shared_file knobs clock schema metrics limits calibration progress statement flags job_flags ending edits draws",
    "rows job recipe trial machine pace rates cells kinds copies leaks delimited jsonlines data infer splits checks features text looks additive boosting forest profile energy waves signal_files recordings moments sources covariance discriminant streaming ctc ring blending events matching event_figures rule takes intervals pandas_tables hdf5_notes hdf5_files npz_files parquet_files wav_files resampling filters tracks folders listed recording_checks spool hearing own ridge minirocket bands onnx_check nets net_augment net_checkpoint net_export net_fit net_ready net_lessons net_model net_module net_quantised net_steps net_training net_written time_domain window_features window_lda wearing following adaptive net_axes net_pruned net_units sequences spellings fronts net_ctc net_layers ranking relevance variety ids packed_texts members collection gathering html_text document_files documents backwards judged known_items python_docs chronology interactions truths cuts fading scorer popular links transitions neighbours ease als content recommenders tandem ranker listing item_features order held segments people sasrec sasrec_fit list_choice finding languages pieces remembered letters stop_words analysis lexicon rarity one_cell asking facets highlight typos box later live shelf wording hits inverted summing bm25 by_field postings index_build index_checks phrases weighing top dense small_world lexical lsa fused lambdamart small_trees clues reranked query_files word_forms beginnings tokens text_net encoder encoder_files cross",
    "sketch catalogue meter ledger frontier card costs curves evidence truth asked prior cases growth tariff carry logline logbook blend distil devices contest paired approaches rounds shift worth audience shown folding library",
    "outlook promise planner runner bundle archive workbench policy spread drift labelled watching alarms",
    "ledger_command crew mixing smaller scoring judge provenance offers window goal price preview preview_text search underway run_off second_look refit record finish run solve serve report testing predict demo policy_text policy_command challenge challenge_command admin_command watch_text watch_command planted replay stream_ends stream_text stream_command bouts scoresheet lineup compare_record comparison compare_text compare_command event_evidence ladder person personal personalise_command list_audit list_evidence found_evidence found_queries list_predict list_rules list_cost list_command find_predict search_command",
    "cli __main__",
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}
RECIPE_FLOOR = 2  # a recipe reaches floors 0 to 2, and no other recipe
SHIPPED = ("serve", "bundle")  # what is shipped needs no trainer
TRAINING = {"planner", "runner", "ledger", "costs", "search", "solve", "polars", "sklearn", "lightgbm", "torch"}


def _module(path: Path) -> str:
    """``serve.app`` for serve/app.py, ``serve`` for serve/__init__.py."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_module(path): path for path in sorted(SOURCE.rglob("*.py")) if path != SOURCE / "__init__.py"}


def _room(module: str) -> str:
    return module.split(".")[0]


def _typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _imports(nodes: list[ast.stmt], everywhere: bool) -> Iterator[str]:
    """What is imported, as ``polars`` or ``plimsoll.errors``: at the top only, or inside functions too."""
    for node in nodes:
        if _typing_only(node):
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports(
                [child for child in ast.walk(node) if isinstance(child, ast.Import | ast.ImportFrom)], everywhere
            )


def _own(module: str, everywhere: bool = True) -> set[str]:
    """The modules of ours that a module imports."""
    found = set()
    for name in _imports(ast.parse(MODULES[module].read_text(encoding="utf-8")).body, everywhere):
        inner = name.removeprefix("plimsoll.")
        if name.startswith("plimsoll.") and inner in MODULES:
            found.add(inner)
    return found - {module}


def _others(module: str) -> set[str]:
    """The packages of others that a module imports, wherever it does."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    return {name.split(".")[0] for name in _imports(tree.body, True)} - {"plimsoll"}


@pytest.mark.parametrize("module", MODULES)
def test_every_room_stands_on_a_floor(module: str):
    """A new file is put on a floor on purpose."""
    assert _room(module) in FLOOR or _room(module) == "recipes", f"put {module} on a floor in FLOORS"


@pytest.mark.parametrize("module", [module for module in MODULES if _room(module) != "recipes"])
def test_imports_never_climb(module: str):
    """A room knows its own floor and those below."""
    here = FLOOR[_room(module)]
    climbing = sorted(name for name in _own(module) if _room(name) == "recipes" or FLOOR[_room(name)] > here)
    assert not climbing, f"{module} (floor {here}) imports {climbing}"


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("recipes.")])
def test_a_recipe_knows_the_contract_and_no_other_recipe(module: str):
    """A model family stands on floors 0 to 2, so any of them can be taken away."""
    wrong = sorted(name for name in _own(module) if _room(name) == "recipes" or FLOOR[_room(name)] > RECIPE_FLOOR)
    assert not wrong, f"{module} imports {wrong}"


def test_no_circle_closes():
    """Rooms on one floor may lean on each other, in one direction."""
    waiting = {module: _own(module) for module in MODULES}
    while ready := [module for module, needs in waiting.items() if not needs & waiting.keys()]:
        for module in ready:
            del waiting[module]
    assert not waiting, f"these import one another: {sorted(waiting)}"


@pytest.mark.parametrize("start", [module for module in MODULES if _room(module) in SHIPPED])
def test_what_is_shipped_needs_no_trainer(start: str):
    """Whatever the server and the bundle import, at any remove, is neither the search nor a library that trains."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        seen.add(module)
        waiting += sorted(_own(module) - seen)
    found = ({_room(module) for module in seen} | {name for module in seen for name in _others(module)}) & TRAINING
    assert not found, f"{start} comes to {sorted(found)}"


def test_the_reader_of_imports_sees_them_wherever_they_stand():
    """The test above would be worthless if it overlooked an import in a function, a condition or a try."""
    source = "def f():\n    import lightgbm\nif 1:\n    from plimsoll import search\ntry:\n    import torch.nn\nexcept ImportError:\n    pass"
    assert {"lightgbm", "plimsoll.search", "torch.nn"} <= set(_imports(ast.parse(source).body, True))
