"""What may be written on the command line, and the help that shows it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, NoReturn

from plimsoll import job_flags
from plimsoll.errors import nearest
from plimsoll.statement import listed

FIT_EXAMPLES = """\
limits:
  costs     p50 p99 cold_start train < 25 ms · memory size train_memory < 150 MB
            energy < 40 kJ · carbon < 5 g
  quality   accuracy > 90 % · rmse < 0.9 · accuracy[sex=Female] > 0.8 · character_error_rate < 0.2
            of lists: ndcg@10 > 0.1 · coverage@10 > 20 % · popularity@10 < 0.9

examples:
  plimsoll fit reviews.csv --predict rating --limit "p99 < 2 ms, memory < 150 MB, train < 5 min"
  plimsoll fit sales.parquet --predict units --split time:day --limit "rmse < 12"
  plimsoll fit visits.csv.gz --predict returned --split group:person --ignore visit_id
  plimsoll fit train.csv --test test.csv --predict income --kind zip=category --out runs/income
  plimsoll fit events.csv --recommend item --to user --time when --items items.csv --limit "ndcg@10 > 0.1, p99 < 5 ms"
  plimsoll fit --job job.toml --limit "train < 10 min"

exit codes: 0 done · 2 something to change, in one line · 3 nothing fits · 130 stopped
"""

LEDGER_PLACE = """\
where it is kept:
  PLIMSOLL_HOME=DIR     in that folder
  PLIMSOLL_HOME=off     nowhere: nothing is kept, and nothing is learned from earlier runs
  otherwise             in $XDG_DATA_HOME/plimsoll, or ~/.local/share/plimsoll
"""

ADMIN_EXAMPLES = """\
examples:
  plimsoll admin http://127.0.0.1:8000
  plimsoll admin http://127.0.0.1:8000 swap runs/next
  plimsoll admin http://127.0.0.1:8000 rollback
  plimsoll admin http://127.0.0.1:8000 candidate runs/next --share 0.05
  plimsoll admin http://127.0.0.1:8000 promote
"""
POLICY_EXAMPLES = """\
examples:
  plimsoll policy check policy.toml --bundle runs/tweets
  plimsoll policy solve policy.toml labelled.jsonl --bundle runs/tweets --write
  plimsoll policy backtest policy.toml history.jsonl --bundle runs/tweets --against old.toml --by lang
  plimsoll policy explain policy.toml event.json --bundle runs/tweets

exit codes: 0 done · 2 something to change · 3 the limits cannot be kept
"""

WATCH_EXAMPLES = """\
examples:
  plimsoll watch runs/income new.csv --labels income --out watch.html
  plimsoll watch http://127.0.0.1:8000
  plimsoll watch runs/income watched.json

The token of a server is taken from PLIMSOLL_TOKEN.
exit codes: 0 calm · 2 something to change · 3 an alarm stands
"""

SEARCH_EXAMPLES = """\
examples:
  plimsoll search runs/papers "boundary layer" --why
  plimsoll search runs/papers '"heat transfer" -tunnel wind*' --where kind=report --where '{"year": {"from": 1960}}'
  plimsoll search runs/papers "boundary layer" --later papers.later.db --k 20 --json
  plimsoll search runs/papers -- "-tunnel wind"
"""

DOCUMENT_EXAMPLES = """\
examples:
  plimsoll documents runs/papers add new.jsonl
  plimsoll documents runs/papers delete 184 12
  plimsoll documents runs/papers --later papers.later.db show 184
  plimsoll serve runs/papers --later papers.later.db
"""

STREAM_EXAMPLES = """\
examples:
  plimsoll stream runs/wrist --from recordings.csv --row 3
  plimsoll stream runs/wrist --from recordings.csv --person P01 --session 3 --drop 1% --burst 200ms
  plimsoll stream runs/wrist --from recordings.csv --to ws://127.0.0.1:8000 --json

The token of a server is taken from PLIMSOLL_TOKEN. Ctrl-C ends with a summary.
"""

PLAN_EXAMPLES = """\
examples:
  plimsoll plan reviews.csv --predict rating --limit "p99 < 2 ms, memory < 150 MB, train < 5 min"
  plimsoll plan visits.csv.gz --predict returned --goal "roc_auc > 0.95"
  plimsoll plan sales.parquet --predict units --on-machine card.json --json

The first sixth of a plan is reading; then every recipe's default is tried on a few hundred to a few thousand rows.
"""

COMPARE_EXAMPLES = """\
examples:
  plimsoll compare trees linear --data reviews.csv --predict rating
  plimsoll compare covariance_lda covariance_lda:window=0.4 --job job.toml --budget "20 trials" --seeds 5
  plimsoll compare trees trees:leaves=15 --data visits.csv --predict returned --split group:person --budget "60 s"

An approach is a recipe, with knobs that are to be fixed behind a colon, or a recipe of your own (PLIMSOLL_RECIPES).
exit codes: 0 done · 2 something to change, in one line · 3 fewer than two came to an end · 130 stopped
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As ever, but an unknown flag is answered by the command that it was meant for."""
        found, rest = super().parse_known_args(args, namespace)
        wrong = next((word.partition("=")[0] for word in rest if word.startswith("--")), None)
        if wrong:
            known = [flag for flag in self._option_string_actions if flag.startswith("--")]
            self.error(f'there is no "{wrong}". {nearest(wrong, known)}')
        return found, rest

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from ([^)]*)\)", message)
        if wrong:
            message = f'there is no "{wrong[1]}". {nearest(wrong[1], re.findall(r"[a-z]+", wrong[2]))}'
        stop = "" if message.endswith(("?", ".")) else "."
        self.exit(2, f"{self.prog}: {message}{stop} See {self.prog} --help.\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="plimsoll",
        description="State the job and the limits; get the best model that fits them, measured, packaged and served.",
    )
    top.add_argument("--version", action="store_true", help="print the version")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for add in (
        _add_fit,
        _add_plan,
        _add_compare,
        _add_predict,
        _add_serve,
        _add_admin,
        _add_policy,
        _add_list_rules,
        _add_search,
        _add_documents,
        _add_refit,
        _add_watch,
        _add_stream,
        _add_personalise,
        _add_report,
        _add_recipes,
        _add_machine,
        _add_ledger,
        _add_pack,
        _add_demo,
    ):
        add(commands)
    return top


def _add_predict(commands: Any) -> None:
    one = commands.add_parser("predict", help="answer the rows of a file with a bundle")
    one.add_argument("bundle", metavar="BUNDLE", type=Path, help="a bundle, or the folder of a run")
    one.add_argument("rows", metavar="ROWS", help="a file, a folder or a glob, as fit takes it")
    one.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="where to write: .csv .tsv .parquet .jsonl (.gz)"
    )
    one.add_argument("--batch", type=int, default=20_000, metavar="N", help="rows held in memory at a time (20000)")
    one.add_argument("--lists", type=Path, metavar="FILE", help="rules inside the lists of a bundle that recommends")
    one.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _add_serve(commands: Any) -> None:
    one = commands.add_parser("serve", help="serve a bundle over HTTP")
    one.add_argument("bundle", metavar="BUNDLE", type=Path, help="a bundle, or the folder of a run")
    one.add_argument("--port", type=int, default=8000, metavar="N", help="(8000); 0 takes a free one")
    one.add_argument("--host", default="127.0.0.1", metavar="HOST", help="(127.0.0.1: this machine only)")
    one.add_argument(
        "--token",
        default=None,
        metavar="TEXT",
        help="ask for it in every request (Authorization: Bearer TEXT); or PLIMSOLL_TOKEN",
    )
    one.add_argument("--policy", type=Path, metavar="FILE", help="a policy.toml: POST /decide")
    one.add_argument("--records", type=Path, metavar="DIR", help="keep every decision in a chain in this folder")
    one.add_argument(
        "--queue", metavar="PLACE", help="events for people, at /review: a file, or postgresql://… for several servers"
    )
    one.add_argument(
        "--rates", type=Path, metavar="FILE", help="hold back a rule that runs away from its backtest (backtest --out)"
    )
    one.add_argument("--lists", type=Path, metavar="FILE", help="rules inside the lists of a bundle that recommends")
    one.add_argument(
        "--later",
        type=Path,
        metavar="FILE",
        help="documents that come later are kept in this file and found at once: POST /documents, with PLIMSOLL_ADMIN_TOKEN",
    )
    one.add_argument("--log", choices=("plain", "json"), default="plain", help="lines on standard error (plain)")
    one.add_argument("--log-requests", action="store_true", help="a line for each request too")

    one.add_argument(
        "--p99",
        metavar="TIME",
        help='answer in this time or say at once that it cannot be (429), such as "5 ms" (the bundle\'s own limit on p99, or 20 times what was measured)',
    )
    one.add_argument("--workers", type=int, default=1, metavar="N", help="processes that answer (1)")
    one.add_argument(
        "--swap-from",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="bundles and policies that are swapped in lie below it (the folders of the first ones); with PLIMSOLL_ADMIN_TOKEN",
    )
    one.add_argument(
        "--watch",
        type=Path,
        metavar="FILE",
        help="keep what is watched in this file, and go on from it after a restart",
    )


def _add_admin(commands: Any) -> None:
    one = commands.add_parser(
        "admin",
        help="swap what a running server answers with, go back, or try a candidate beside",
        description="Says what a running server answers with. The token is read from PLIMSOLL_ADMIN_TOKEN.",
        epilog=ADMIN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("url", metavar="URL", help="where the server is, such as http://127.0.0.1:8000")
    one.add_argument(
        "do",
        nargs="?",
        default="show",
        choices=("show", "swap", "rollback", "candidate", "promote", "dismiss", "reset"),
        help="(show); reset lets rules that a breaker held back have their way again",
    )
    one.add_argument("bundle", nargs="?", metavar="BUNDLE", help="to swap or to try; as the server sees the path")
    one.add_argument("--policy", metavar="FILE", help="the policy before it (the one that is served now)")
    one.add_argument("--rates", metavar="FILE", help="the backtest of that policy")
    one.add_argument("--lists", metavar="FILE", help="the rules inside its lists (those that are served now)")
    one.add_argument("--later", metavar="FILE", help="documents that came after the bundle (none, of another bundle)")
    one.add_argument(
        "--share", type=float, default=0.0, metavar="S", help="of the requests that a candidate answers (0: a shadow)"
    )
    one.add_argument("--json", action="store_true", help="print what the server says")


def _add_policy(commands: Any) -> None:
    one = commands.add_parser(
        "policy",
        help="check, backtest, solve, explain and compare policies: rules and scores in one decision",
        description="A policy turns scores and fields into one decision: readable rules in a policy.toml.",
        epilog=POLICY_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ways = one.add_subparsers(dest="what", metavar="WHAT", title="what to do", parser_class=_Parser, required=True)
    check = _policy_way(ways, "check", "rules that are dead, redundant or contradictory, and words that are not known")
    check.add_argument("policy", metavar="POLICY", type=Path, help="a policy.toml")
    back = _policy_way(ways, "backtest", "what it would have decided of a history, and how right that would have been")
    solve = _policy_way(ways, "solve", "the thresholds that keep its limits, on labelled events that they never saw")
    for each in (back, solve):
        each.add_argument("policy", metavar="POLICY", type=Path, help="a policy.toml")
        each.add_argument("history", metavar="HISTORY", help="a file, a folder or a glob of events, as fit takes it")
        each.add_argument("--days", type=float, metavar="N", help="that the history spans (by its time field)")
    back.add_argument("--against", metavar="FILE", type=Path, help="another version: what is decided otherwise")
    back.add_argument("--by", metavar="A,B", type=listed, help="columns whose groups are compared")
    back.add_argument("--out", metavar="FILE", type=Path, help="write all of it as JSON")
    solve.add_argument("--write", action="store_true", help="put the thresholds into the policy's file")
    explain = _policy_way(ways, "explain", "why one event is decided as it is")
    explain.add_argument("policy", metavar="POLICY", type=Path, help="a policy.toml")
    explain.add_argument(
        "event", metavar="EVENT", type=Path, help="a file with the event as JSON, or - for standard input"
    )
    diff = _policy_way(ways, "diff", "what two versions say otherwise")
    diff.add_argument("before", metavar="BEFORE", type=Path, help="a policy.toml")
    diff.add_argument("after", metavar="AFTER", type=Path, help="another")

    _add_decided(ways)


def _add_decided(ways: Any) -> None:
    """What is done with decisions that were made."""
    verify = ways.add_parser("verify", help="whether records are as they were written")
    redact = ways.add_parser("redact", help="take personal values out of old decisions; their chain still holds")
    redact.add_argument("--older-than", required=True, metavar="TIME", help='such as "30 days"')
    redact.add_argument("--fields", metavar="A,B", type=listed, help="only these")
    redact.add_argument("--queue", metavar="PLACE", help="the queue's events too: a file, or postgresql://…")
    replay = _policy_way(ways, "replay", "decide recorded events again: they come out the same")
    notice = _policy_way(ways, "notice", "the statement of reasons of a recorded decision")
    for each, many in ((verify, None), (redact, "?"), (replay, None), (notice, None)):
        each.add_argument(
            "records", metavar="DIR", type=Path, nargs=many, help="the folder that plimsoll serve --records wrote"
        )
    notice.add_argument("number", metavar="ID", help="of the decision")
    for each in (replay, notice):
        each.add_argument("policy", metavar="POLICY", type=Path, help="the policy.toml that decided")
    notice.add_argument("--queue", metavar="PLACE", help="what people decided of it since: a file, or postgresql://…")
    labels = ways.add_parser("labels", help="what reviewers said, as labelled events for the next fit")
    labels.add_argument("queue", metavar="QUEUE", help="a file, or postgresql://…, as in plimsoll serve --queue")
    labels.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="the file to write, such as labels.jsonl"
    )
    labels.add_argument("--target", default="label", metavar="COL", help="the column of the labels (label)")


def _policy_way(ways: Any, name: str, says: str) -> Any:
    one = ways.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")
    one.add_argument("--bundle", metavar="BUNDLE", type=Path, help="the model whose columns and scores the rules name")
    one.add_argument("--json", action="store_true", help="as JSON, and nothing else")
    return one


def _add_list_rules(commands: Any) -> None:
    one = commands.add_parser("lists", help="check the rules inside the lists of a bundle, and what they cost")
    ways = one.add_subparsers(dest="what", metavar="WHAT", title="what to do", parser_class=_Parser, required=True)
    check = ways.add_parser("check", help="of how many items each rule speaks, and what they cost together")
    check.add_argument("rules", metavar="RULES", type=Path, help="a file of rules, such as lists.toml")
    check.add_argument("bundle", metavar="BUNDLE", type=Path, help="a bundle that recommends, or the folder of a run")
    check.add_argument(
        "--cost",
        metavar="EVENTS",
        help="how good the lists of test rows are with them and without: what it was fitted on",
    )
    check.add_argument("--json", action="store_true", help="as JSON, and nothing else")


def _add_search(commands: Any) -> None:
    one = commands.add_parser(
        "search",
        help="ask a bundle that searches, and show what it finds",
        description='Search in the terminal. "Words in a row" stand so, +word must be there, -word must not, wind* is all that begins so.',
        epilog=SEARCH_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("bundle", metavar="BUNDLE", type=Path, help="a bundle that searches, or the folder of a run")
    one.add_argument("query", metavar="QUERY", help="what to look for")
    one.add_argument("--k", type=int, default=5, metavar="N", help="documents (5)")
    one.add_argument("--skip", type=int, default=0, metavar="N", help="of the best to pass over (0)")
    one.add_argument(
        "--where", action="append", default=[], metavar="COL=VALUE", help="only such documents; again for more, or JSON"
    )
    one.add_argument("--why", action="store_true", help="what each score is made of")
    one.add_argument("--exact", action="store_true", help="take no word for another that is near")
    one.add_argument("--later", type=Path, metavar="FILE", help="documents that came after the bundle too")
    one.add_argument("--json", action="store_true", help="as JSON, and nothing else")


def _add_documents(commands: Any) -> None:
    one = commands.add_parser(
        "documents",
        help="add, change and take away documents of a bundle that searches, without a new run",
        description="Documents that come later stand in a file of their own; the bundle stays as it is.",
        epilog=DOCUMENT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("bundle", metavar="BUNDLE", type=Path, help="a bundle that searches, or the folder of a run")
    one.add_argument("--later", type=Path, metavar="FILE", help="where they are kept (beside the bundle: .later.db)")
    ways = one.add_subparsers(dest="what", metavar="WHAT", title="what to do", parser_class=_Parser, required=True)
    add = ways.add_parser("add", help="put documents in, each in the place of the one with its id")
    add.add_argument("rows", metavar="ROWS", help="a file, a folder or a glob, as fit takes it")
    delete = ways.add_parser("delete", help="take documents away")
    delete.add_argument("ids", metavar="ID", nargs="+", help="of a document")
    show = ways.add_parser("show", help="how many there are; or one with all that is known of it")
    show.add_argument("id", metavar="ID", nargs="?", help="of a document")
    show.add_argument("--json", action="store_true", help="as JSON, and nothing else")


def _add_refit(commands: Any) -> None:
    one = commands.add_parser(
        "refit",
        help="learn again with what people said since, and say whether that is better",
        description="Fit the job of a run again on its data and half of new labels; compare the two on the other half.",
        epilog="exit codes: 0 the challenger is measurably better · 2 something to change · 3 it is not, or nothing fits",
    )
    one.add_argument("run", metavar="RUN", type=Path, help="the run whose bundle is served: the champion")
    one.add_argument("--data", metavar="DATA", required=True, help="what it learned from, as fit takes it")
    one.add_argument(
        "--labels", metavar="FILE", required=True, help="new labels, as plimsoll policy labels writes them"
    )
    one.add_argument("--out", metavar="RUN", type=Path, required=True, help="the folder of the challenger's run")
    one.add_argument("--seed", metavar="N", type=int, default=0, help="(0)")
    one.add_argument("--json", action="store_true", help="print the comparison as JSON, and nothing else")
    one.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _add_watch(commands: Any) -> None:
    one = commands.add_parser(
        "watch",
        help="whether rows and answers are still as they were at training time, and the metric still as good",
        description="Hold rows, answers and labels against what a bundle says of its training: drift, and the metric now.",
        epilog=WATCH_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument(
        "bundle", metavar="BUNDLE", help="a bundle, or the folder of a run; or the URL of a running server"
    )
    one.add_argument(
        "rows",
        metavar="ROWS",
        nargs="?",
        help="a file, a folder or a glob, as fit takes it; or what serve --watch wrote",
    )
    one.add_argument("--labels", metavar="COL", help="the column of what turned out true")
    one.add_argument("--out", metavar="FILE", type=Path, help="write the page too, such as watch.html")
    one.add_argument("--json", action="store_true", help="as JSON, and nothing else")
    one.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _add_personalise(commands: Any) -> None:
    one = commands.add_parser(
        "personalise",
        help="make a bundle for one person from seconds of their labelled data",
        description="Make a bundle for one person of the one for everybody and of seconds of their own labelled recordings.\n"
        "The data that everybody's learned from are not needed. Later sessions of the person say what it is worth.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("bundle", metavar="BUNDLE", type=Path, help="a bundle that decodes, or the folder of its run")
    one.add_argument("recordings", metavar="RECORDINGS", help="their recordings, as fit takes them")
    one.add_argument(
        "--out", metavar="BUNDLE2", type=Path, required=True, help="the bundle to write; a page goes beside it"
    )
    one.add_argument("--person", metavar="NAME", help="whose recordings, where the table holds several people's")
    one.add_argument("--seconds", metavar="S", type=float, default=10.0, help="of each class to calibrate on (10)")
    one.add_argument("--json", action="store_true", help="print what came of it as JSON, and nothing else")
    one.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _add_stream(commands: Any) -> None:
    one = commands.add_parser(
        "stream",
        help="send a recording to a bundle as a sensor would, and show what is decided as it is",
        description="Replay a recording at its true rate: the signal, the class, events and symbols with their delays, live.",
        epilog=STREAM_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("bundle", metavar="BUNDLE", type=Path, help="a bundle that decodes, or the folder of a run")
    one.add_argument("--from", dest="source", metavar="RECORDING", required=True, help="recordings, as fit takes them")
    one.add_argument("--row", metavar="N", type=int, help="the recording in this row of the table (1)")
    one.add_argument("--person", metavar="NAME", help="who wears the sensor; and, without --row, whose recordings")
    one.add_argument("--session", metavar="NAME", help="the recordings of this session, one after another")
    one.add_argument("--to", metavar="URL", help="send it to a running server, such as ws://127.0.0.1:8000")
    one.add_argument("--speed", metavar="X", type=float, default=1.0, help="times as fast as it was recorded (1)")
    one.add_argument("--json", action="store_true", help="a JSON object a line, and nothing else")
    planted = one.add_argument_group("faults to plant")
    planted.add_argument("--drop", metavar="SHARE", default="0", help="of packets that are lost, such as 1%%")
    planted.add_argument("--reorder", metavar="SHARE", default="0", help="of packets that come after the next")
    planted.add_argument("--burst", metavar="TIME", default="0", help="of signal that comes at once, such as 200ms")
    planted.add_argument("--drift", metavar="SHARE", default="0", help="by which the sensor is faster than its clock")


def _add_report(commands: Any) -> None:
    one = commands.add_parser("report", help="write the report of a run again")
    one.add_argument("run", metavar="RUN", type=Path, help="the folder of a run")


def _add_recipes(commands: Any) -> None:
    one = commands.add_parser("recipes", help="list the model families and their knobs")
    one.add_argument("--json", action="store_true", help="as JSON")


def _add_machine(commands: Any) -> None:
    one = commands.add_parser("machine", help="measure what this machine can do: its card, in ten seconds")
    one.add_argument("--out", type=Path, metavar="FILE", help="write the card, for planning on another machine")
    one.add_argument("--json", action="store_true", help="print the card as JSON, and nothing else")


def _add_ledger(commands: Any) -> None:
    one = commands.add_parser(
        "ledger",
        help="show, export, import or forget the trials that the cost model learns from",
        description="Your own ledger: the trials of every run on this machine. The cost model learns from them\n"
        "what the next run will cost. It holds shapes, knobs and costs, and nothing of your rows.",
        epilog=LEDGER_PLACE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("--json", action="store_true", help="print what it holds as JSON, and nothing else")
    ways = one.add_subparsers(
        dest="what", metavar="[WHAT]", title="what to do with it; alone, it is shown", parser_class=_Parser
    )
    out = ways.add_parser("export", help="write its trials to a file, for another machine or another person")
    out.add_argument("file", metavar="FILE", type=Path, help="the file to write, such as trials.jsonl")
    into = ways.add_parser("import", help="take in the trials of a file, each once; every line of it is checked")
    into.add_argument("file", metavar="FILE", type=Path, help="a file that plimsoll ledger export wrote")
    forget = ways.add_parser("forget", help="remove trials, for good")
    which = forget.add_mutually_exclusive_group(required=True)
    which.add_argument("--recipe", metavar="R", help="those of one model family")
    which.add_argument("--group", metavar="G", help="those of one data set, by its name in plimsoll ledger")
    which.add_argument("--all", action="store_true", help="all of them")


def _add_pack(commands: Any) -> None:
    one = commands.add_parser("pack", help="put a bundle into one file")
    one.add_argument("bundle", metavar="BUNDLE", type=Path, help="a bundle's folder, or the folder of a run")
    one.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the file to write, such as model.plimsoll"
    )


def _add_demo(commands: Any) -> None:
    one = commands.add_parser("demo", help="the whole road on three small sets, in under three minutes")
    one.add_argument("--out", type=Path, default=Path("demo-run"), metavar="DIR", help="(demo-run)")


def _add_fit(commands: Any) -> None:
    one = commands.add_parser(
        "fit",
        usage="plimsoll fit DATA --predict COL [options]",
        help="find the best model that keeps the limits",
        description="Find the best model that keeps the limits, and write it as a bundle with the evidence.",
        epilog=FIT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    job_flags.add(one)
    one.add_argument("--out", metavar="RUN", type=Path, help="the folder to write (runs/DATA-DATE-TIME)")
    one.add_argument("--resume", action="store_true", help="go on with the run in --out")
    one.add_argument("--json", action="store_true", help="print the result as JSON, and nothing else")
    one.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _add_plan(commands: Any) -> None:
    one = commands.add_parser(
        "plan",
        usage="plimsoll plan DATA --predict COL [options]",
        help="say what a fit would meet: which candidates fit, and what they would cost",
        description="Say, before anything but probes is trained, which candidates fit the limits and what they would cost.",
        epilog=PLAN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    job_flags.add(one)
    one.add_argument("--goal", metavar="TEXT", help='a quality to reach, such as "roc_auc > 0.95": what it would take')
    one.add_argument(
        "--on-machine", metavar="CARD", type=Path, help="plan for the machine of a card (plimsoll machine --out)"
    )
    one.add_argument("--json", action="store_true", help="print the plan as JSON, and nothing else")
    one.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _add_compare(commands: Any) -> None:
    one = commands.add_parser(
        "compare",
        usage="plimsoll compare APPROACH APPROACH … --data DATA --predict COL [--budget TEXT] [--out DIR] …",
        help="compare approaches on one job: equal budgets, several seeds, tests paired by person",
        description="Compare approaches on one job: the same folds, seeds and budget for each, tests over persons or blocks.",
        epilog=COMPARE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("approaches", metavar="APPROACH", nargs="+", help="such as trees, or trees:leaves=15,rate=0.1")
    one.add_argument(
        "--budget",
        metavar="TEXT",
        action="append",
        help='of each tuning, the same for all: "10 trials", "60 s", or both (10 trials)',
    )
    one.add_argument("--seeds", metavar="N", type=int, default=3, help="other folds and other fits (3)")
    one.add_argument("--folds", metavar="N", type=int, default=5, help="in which every unit is tested once (5)")
    one.add_argument(
        "--unit", metavar="COL", default="", help="whose scores are paired (person, session, group, or a block of rows)"
    )
    job_flags.add(one, data="--data", chooses=False)
    one.add_argument("--out", metavar="DIR", type=Path, help="the folder to write (runs/DATA-DATE-TIME)")
    one.add_argument("--resume", action="store_true", help="go on with the comparison in --out")
    one.add_argument("--json", action="store_true", help="print the result as JSON, and nothing else")
    one.add_argument("--quiet", action="store_true", help="no progress on standard error")
