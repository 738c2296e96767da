"""The words of a job as flags, the same for whatever is done with it; those of one kind of job alone have a help of their own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plimsoll.statement import listed

_Word = tuple[str, dict[str, Any]]  # a flag, and what argparse is told of it


def add(one: Any, data: str = "data", chooses: bool = True) -> None:
    """The words of a job, the same for whatever is done with it; ``data`` may be a flag where other words stand alone,
    and where nothing is chosen there are no words for that.
    """
    words: dict[str, Any] = {} if data.startswith("-") else {"nargs": "?"}
    one.add_argument(
        data, metavar="DATA", help="CSV, TSV, Parquet, JSON lines, Arrow (.gz); a folder or a glob of them", **words
    )
    one.add_argument("--predict", metavar="COL", help="the column to answer with")
    one.add_argument("--test", metavar="FILE", help="test rows of its own; never used to choose")
    one.add_argument(
        "--split",
        metavar="S",
        help="random, person, session, time:COL, group:COL[,COL] or column:COL; of events also time or last",
    )
    one.add_argument(
        "--limit",
        dest="limits",
        metavar="TEXT",
        action="append",
        help='such as "p99 < 2 ms, train < 5 min"; may be repeated',
    )
    one.add_argument(
        "--metric",
        metavar="M",
        help="what to score by (by the job: roc_auc, macro_f1, rmse or ndcg@10); of a signal also event_error_rate",
    )
    one.add_argument("--ignore", metavar="A,B", type=listed, help="columns to leave out")
    one.add_argument(
        "--kind",
        dest="kinds",
        metavar="COL=KIND",
        action="append",
        help="number category boolean text time id; may be repeated",
    )
    one.add_argument("--seed", metavar="N", type=int, help="(0)")
    if chooses:
        one.add_argument("--recipes", metavar="A,B", type=listed, help="model families to try (all that apply)")
        one.add_argument(
            "--choose", metavar="HOW", help="cheapest (of those not measurably worse than the best) or best"
        )
    one.add_argument("--coverage", metavar="SHARE", type=float, help="of a number's intervals (0.9)")
    one.add_argument("--job", metavar="FILE", type=Path, help="a job.toml with the same words; flags win")
    for kind in _KINDS:
        _add(one, kind)


@dataclass(frozen=True)
class _Kind:
    """A kind of job: the flag that states it, those that say how, and the flag that shows all of them."""

    name: str
    states: _Word
    others: Sequence[_Word]

    @property
    def helps(self) -> str:
        return f"--help-{self.name.split()[0]}"


def _add(one: Any, kind: _Kind) -> None:
    """The flag that states the kind stands in the help of the command; the others are named by a help of their own."""
    group = one.add_argument_group(kind.name)
    flag, told = kind.states
    group.add_argument(flag, **told)
    group.add_argument(
        kind.helps, action=_Help, kind=kind, help=f"{len(kind.others)} more words of such a job, and exit"
    )
    for flag, told in kind.others:
        group.add_argument(flag, **{**told, "help": argparse.SUPPRESS})


class _Help(argparse.Action):
    """Prints what can be said of one kind of job, and ends."""

    def __init__(self, option_strings: Sequence[str], dest: str, kind: _Kind, help: str) -> None:  # noqa: ARG002  # argparse's name
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, help=help)
        self.kind = kind

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        page = argparse.ArgumentParser(
            parser.prog, usage=f"{parser.prog} DATA {self._stated()} [options]", add_help=False
        )
        group = page.add_argument_group(self.kind.name)
        for flag, told in (self.kind.states, *self.kind.others):
            group.add_argument(flag, **told)
        page.print_help()
        parser.exit()

    def _stated(self) -> str:
        flag, told = self.kind.states
        return f"{flag} {told['metavar']}"


_SET = {"action": "store_const", "const": True}
_KINDS = (
    _Kind(
        "signals",
        ("--decode", {"metavar": "LABEL", "help": "in place of --predict: answer moment by moment"}),
        (
            (
                "--signals",
                {
                    "dest": "signal_file",
                    "metavar": "FILE[:NAME]",
                    "help": "the samples, beside the table; NAME is the array in it",
                },
            ),
            ("--rate", {"metavar": "HZ", "help": "at which they were taken (as the file says)"}),
            ("--resample", {"metavar": "HZ", "help": "bring them to this rate first"}),
            ("--band", {"metavar": "LOW-HIGH", "help": "filter them, such as 20-90Hz; causal, as in a stream"}),
            ("--notch", {"metavar": "HZ", "help": "take out the mains and its harmonics, such as 50Hz"}),
            ("--ring", {**_SET, "help": "the channels stand in a ring"}),
            ("--window", {"metavar": "TIME", "help": "most that a moment is judged by (a recipe's own)"}),
            ("--stride", {"metavar": "TIME", "help": "from one moment to the next (50ms)"}),
            ("--label-delay", {"metavar": "TIME", "help": "labels say what was true so long before (0)"}),
            ("--settle", {"metavar": "TIME", "help": "not to learn from so long after a label changes"}),
            ("--rest", {"metavar": "LABEL", "help": "the label of nothing happening (the commonest)"}),
            ("--person", {"metavar": "COL", "help": "who wore the sensor"}),
            ("--session", {"metavar": "COL", "help": "when it was put on"}),
        ),
    ),
    _Kind(
        "lists of items",
        ("--recommend", {"metavar": "ITEM", "help": "in place of --predict: the column of items; rows are events"}),
        (
            ("--to", {"metavar": "USER", "help": "the column of users, or of sessions"}),
            ("--time", {"metavar": "COL", "help": "when each event was (the order of the table)"}),
            ("--weight", {"metavar": "COL", "help": "how much each event counts, from 0 up (one)"}),
            ("--items", {"metavar": "FILE", "help": "a table of what is known of items, by the same column"}),
            ("--users", {"metavar": "FILE", "help": "a table of what is known of users, by the same column"}),
            ("--again", {**_SET, "help": "items may come again to who had them"}),
            ("--forget", {**_SET, "help": "the bundle keeps nothing of users: requests bring it along"}),
        ),
    ),
    _Kind(
        "documents",
        ("--search", {"metavar": "DOCS", "help": "in place of DATA: documents, to be found by a query"}),
        (
            ("--queries", {"metavar": "FILE", "help": "a table of queries: an id and a text (made of documents)"}),
            ("--judgements", {"metavar": "FILE", "help": "a table of query, document and grade, or a file of qrels"}),
            ("--id", {"metavar": "COL", "help": "the column of the documents' ids (doc_id, id … as found)"}),
            ("--text", {"metavar": "A,B", "help": "the columns that are searched (all of text)"}),
            ("--language", {"metavar": "L", "help": "of stems and stop words, or none (that of the documents)"}),
            ("--encoder", {"metavar": "DIR", "help": "weights of a model that makes a vector of a text"}),
            ("--cross-encoder", {"metavar": "DIR", "help": "weights of one that reads query and document together"}),
        ),
    ),
)
