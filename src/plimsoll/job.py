"""What is asked: the job statement, the same from the command line, from Python and from a job.toml."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from os import PathLike
from typing import Any

from plimsoll.errors import JobError, nearest
from plimsoll.limits import Limits, parse
from plimsoll.metrics import LISTS, METRICS, QUALITIES, SEQUENCES, meant
from plimsoll.schema import Kind


class Task(enum.StrEnum):
    """The kind of answer that a job wants."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"
    RANKING = "ranking"

    @property
    def classifies(self) -> bool:
        return self in (Task.BINARY, Task.MULTICLASS)

    @property
    def metric(self) -> str:
        """The score when the user names none."""
        return {
            Task.BINARY: "roc_auc",
            Task.MULTICLASS: "macro_f1",
            Task.REGRESSION: "rmse",
            Task.RANKING: "ndcg@10",
        }[self]


@dataclass(frozen=True)
class Split:
    """How test rows, and valid rows, are set apart: ``random``, ``time:COL``, ``group:COL[,COL]`` or ``column:COL``; of a job
    over moments also ``session`` or ``person``, by the columns that it has named for them; of one whose answers are lists ``time``
    by its own column, or ``last``, the last event of each user."""

    how: str = "random"
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.how if not self.columns else f"{self.how}:{','.join(self.columns)}"

    @staticmethod
    def parse(text: str) -> Split:
        """
        >>> Split.parse("group:person,session")
        Split(how='group', columns=('person', 'session'))
        """
        how, _, names = text.partition(":")
        columns = tuple(name.strip() for name in names.split(",") if name.strip())
        if how in ("random", "session", "person", "time", "last") and not columns:
            return Split(how)
        if how == "group" and columns:
            return Split(how, columns)
        if how in ("time", "column") and len(columns) == 1:
            return Split(how, columns)
        raise JobError(
            f'--split "{text}" is not a split. Write "random", "time:COL", "group:COL[,COL]" or "column:COL"; with --decode also "session" or "person", with --recommend "time" or "last".'
        )


@dataclass(frozen=True)
class Decode:
    """A job over a continuous signal: what happens in it, moment by moment. Times are in seconds.

    Every ``stride`` is a moment that is answered, from what came before it. ``window`` is the least of the past that a
    moment needs, and where ``within`` the most that a model may look at. Labels say what was true ``delay`` before
    their moment, and for ``settle`` after a label has changed they are not believed: people lag behind a clock.
    ``rest`` is the label of nothing happening, "" the commonest. ``person`` and ``session`` name the columns that say
    who wore the sensor and when it was put on, "" where there is none.

    >>> Decode(window=0.26, rest="0").as_json()["stride"]
    0.05
    """

    window: float = 0.25
    stride: float = 0.05
    within: bool = False
    delay: float = 0.0
    settle: float = 0.0
    rest: str = ""
    person: str = ""
    session: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.stride <= self.window <= 60:
            raise JobError(
                f"--stride {self.stride:g} s and --window {self.window:g} s do not go together. A window is at least a stride, and at most 60 s."
            )
        if not (0 <= self.delay <= 10 and 0 <= self.settle <= 10):
            raise JobError("--label-delay and --settle are times of 0 to 10 s.")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Decode:
        """The one that ``as_json`` wrote. Raises JobError on a wrong word."""
        found: Decode = _known("moments", Decode(), value)
        return found


@dataclass(frozen=True)
class Lists:
    """A job whose answers are lists of items, for somebody of whom it is known what they did. Rows of its table are events.

    ``to`` is the column of users, or of sessions; ``time`` and ``weight`` say when each event was and how much it counts, ""
    where no column does: then the order of the table is that of time, and each counts one. ``items`` is a table of what is
    known of items, and ``users`` one of what is known of users, "" where there is none. Items may come ``again``, or are left out of the lists of who had them. A bundle
    keeps what users did, or is to ``forget`` it: then each request brings it along.
    """

    to: str = ""
    time: str = ""
    weight: str = ""
    items: str = ""
    users: str = ""
    again: bool = False
    forget: bool = False

    def __post_init__(self) -> None:
        if not self.to:
            raise JobError("--recommend needs to know to whom. Write --to COL, the column of users or of sessions.")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Lists:
        """The one that ``as_json`` wrote. Raises JobError on a wrong word."""
        if not value.get("to"):
            return Lists()
        found: Lists = _known("lists", Lists("x"), value)
        return found


@dataclass(frozen=True)
class Documents:
    """A job whose answers are documents, for a query. Rows of its table are documents, or files of a folder.

    ``queries`` and ``judgements`` are tables: what was asked, and how good documents are for it; without them queries are made of
    documents (see ``known_items``). ``text`` names the columns that are searched, with commas between them, "" those that are text.
    ``language`` is that of stems and stop words, "" the one that the documents are in and "none" no language. ``encoder`` and
    ``cross`` are folders with weights: of one that makes a vector of a text, and of one that reads a query beside a document.
    ``cased`` and ``accented`` are settled when documents are read: whether they have capitals and accents that folding would change.
    """

    queries: str = ""
    judgements: str = ""
    text: str = ""
    language: str = ""
    encoder: str = ""
    cross: str = ""
    cased: bool = True
    accented: bool = True

    def __post_init__(self) -> None:
        if bool(self.queries) != bool(self.judgements):
            one, other = ("queries", "judgements") if self.queries else ("judgements", "queries")
            raise JobError(f"--{one} goes with --{other}. Name both, or neither: then queries are made of documents.")

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.text.split(",") if name.strip())

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Documents:
        """The one that ``as_json`` wrote. Raises JobError on a wrong word."""
        found: Documents = _known("documents", Documents(), value)
        return found


@dataclass(frozen=True)
class Sensor:
    """Where the samples of a job's signals lie, and how they are made ready. Frequencies are in Hz, 0 where nothing is asked.

    ``file`` stands beside the table, and ``array`` is the one in it that holds the signal, "" where there is one only.
    ``ring`` says that the channels stand in a ring, as electrodes around a wrist do. ``heard`` is settled when recordings are
    read: the rate at which a stream of them comes, where that is not the one that they are brought to.
    """

    file: str = ""
    array: str = ""
    rate: float = 0.0
    resample: float = 0.0
    low: float = 0.0  # what lies below is filtered out
    high: float = 0.0  # and what lies above
    notch: float = 0.0
    ring: bool = False
    heard: float = 0.0

    def __post_init__(self) -> None:
        given = (self.rate, self.resample, self.low, self.high, self.notch, self.heard)
        if not all(0 <= frequency < math.inf for frequency in given):
            raise JobError("A frequency is below 0, or none. Write one such as --rate 200Hz.")
        if self.high and self.low >= self.high:
            raise JobError(f"--band {self.low:g}-{self.high:g} is empty. Write the lower end first, such as 20-90Hz.")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Sensor:
        """The one that ``as_json`` wrote. Raises JobError on a wrong word."""
        found: Sensor = _known("signals", Sensor(), value)
        return found


def _known(what: str, default: Any, value: Mapping[str, Any]) -> Any:
    """A record of the default's kind, of values by name, each of the type that the default has."""
    known = default.as_json()
    for name in value:
        if name not in known:
            raise JobError(f'{what}: there is no "{name}". {nearest(name, known)}')
        if isinstance(known[name], bool) and not isinstance(value[name], bool):
            raise JobError(f"{what}: {name} is {value[name]!r}, and is to be true or false.")
        if isinstance(known[name], str) and not isinstance(value[name], str | int | float | PathLike):
            raise JobError(f"{what}: {name} is a {type(value[name]).__name__}, and is to be a text.")
    try:
        return type(default)(**{name: type(known[name])(part) for name, part in value.items()})
    except (TypeError, ValueError) as fault:
        raise JobError(f"{what}: {fault}.") from None


@dataclass(frozen=True)
class Job:
    """A job statement. ``task`` is settled once the target has been seen.

    >>> Job(predict="income", limits=parse("p99 < 2 ms")).limits.get("p99")
    0.002
    """

    predict: str
    limits: Limits = field(default_factory=Limits)
    metric: str = ""  # empty: the task's own
    split: Split = field(default_factory=Split)
    ignore: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)  # kinds that the user has stated
    recipes: tuple[str, ...] = ()  # empty: all that apply
    seed: int = 0
    choose: str = "cheapest"  # or "best"
    task: Task = Task.BINARY
    coverage: float = 0.9  # of a regression's intervals
    decode: Decode | None = None  # where rows are moments of a signal
    signals: Sensor | None = None
    lists: Lists | None = None  # where answers are lists of items
    search: Documents | None = None  # where they are documents; ``predict`` is then the column of their ids

    def __post_init__(self) -> None:
        self._check_metric()
        if self.split.how in ("time", "last") and not self.split.columns and self.lists is None:
            raise JobError(f'--split "{self.split}" is of what users did one after another. Write "time:COL" for rows.')
        if self.choose not in ("cheapest", "best"):
            raise JobError(f'--choose "{self.choose}" is not known. Write "cheapest" or "best".')
        if self.seed < 0:
            raise JobError(f"--seed {self.seed} is below 0. Write a whole number such as 0.")
        if not 0.5 <= self.coverage < 1.0:
            raise JobError(f"--coverage {self.coverage} is outside 0.5 to 1. Write a share such as 0.9.")

    def _check_metric(self) -> None:
        name = self.metric
        if (name in LISTS) != self.ranks and name in QUALITIES:
            raise JobError(
                f'--metric "{name}" is not of these answers. Write {"one such as ndcg@10" if self.ranks else "--recommend or --search for lists"}.'
            )
        if name in LISTS and not QUALITIES[name].chooses:
            raise JobError(
                f'--metric "{name}" cannot choose: a list of what nobody wants may have the best there is. Write it as a limit, and let one such as ndcg@10 choose.'
            )
        if name in SEQUENCES and self.decode is None:
            raise JobError(f'--metric "{name}" is of what happens in a signal. Name its labels with --decode.')
        if name in QUALITIES and name not in METRICS and name not in SEQUENCES and not QUALITIES[name].chooses:
            raise JobError(
                f'--metric "{name}" cannot choose: a silent model, or a hasty one, has the best there is. Write it as a limit, and let --metric event_error_rate choose, in which misses and false alarms both count.'
            )
        if name and name not in QUALITIES:
            known = [each for each in LISTS if LISTS[each].chooses] if self.ranks else [*METRICS, *SEQUENCES]
            raise JobError(f'--metric "{name}" is not known. {meant(name, known)}')

    @property
    def ranks(self) -> bool:
        """Whether its answers are lists, of items or of documents."""
        return self.lists is not None or self.search is not None

    def asks(self, of: str) -> bool:
        """Whether its score or a limit is of ``events``, of ``symbols``, and so on (see ``metrics.Quality``)."""
        named = (self.score, *(limit.name for limit in self.limits))
        return any(name in QUALITIES and QUALITIES[name].of == of for name in named)

    @property
    def spells(self) -> bool:
        """Whether its score or a limit counts what is wrong in a sequence."""
        return any(name in SEQUENCES for name in (self.score, *(limit.name for limit in self.limits)))

    @property
    def score(self) -> str:
        """The metric that chooses; of moments, of which most are rest, one in which every class counts alike."""
        return self.metric or ("macro_f1" if self.decode else self.task.metric)

    @property
    def unread(self) -> tuple[str, ...]:
        """Columns of the split that no model may read: those that say where a row goes. Of moments the time of a recording is
        one, but not who wears the sensor where sessions of known people are held out."""
        if self.decode is None:
            return self.split.columns if self.split.how != "time" else ()
        known = {self.decode.person} if len(self.split.columns) > 1 else set[str]()
        return tuple(name for name in self.split.columns if name not in known)

    def as_json(self) -> dict[str, Any]:
        parts = {"moments": self.decode, "signals": self.signals, "lists": self.lists, "documents": self.search}
        said = {name: part.as_json() for name, part in parts.items() if part is not None}
        return said | {
            "predict": self.predict,
            "task": self.task.value,
            "metric": self.score,
            "limits": [str(limit) for limit in self.limits],
            "split": str(self.split),
            "ignore": list(self.ignore),
            "kinds": {name: kind.value for name, kind in self.kinds.items()},
            "recipes": list(self.recipes),
            "seed": self.seed,
            "choose": self.choose,
            "coverage": self.coverage,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Job:
        """The job that ``as_json`` wrote, or a job.toml holds. Raises JobError on a wrong word."""
        known = Job("x", decode=Decode(), signals=Sensor(), lists=Lists("x"), search=Documents()).as_json()
        for name in value:
            if name not in known:
                raise JobError(f'job: there is no "{name}". {nearest(name, known)}')
        try:
            limits = value.get("limits", "")
            return Job(
                predict=str(value["predict"]),
                limits=parse(limits),
                metric=str(value.get("metric", "")),
                split=Split.parse(str(value.get("split", "random"))),
                ignore=tuple(str(name) for name in value.get("ignore", ())),
                kinds={str(name): Kind(kind) for name, kind in dict(value.get("kinds", {})).items()},
                recipes=tuple(str(name) for name in value.get("recipes", ())),
                seed=int(value.get("seed", 0)),
                choose=str(value.get("choose", "cheapest")),
                task=Task(value.get("task", "binary")),
                coverage=float(value.get("coverage", 0.9)),
                decode=Decode.from_json(value["moments"]) if "moments" in value else None,
                signals=Sensor.from_json(value["signals"]) if "signals" in value else None,
                lists=Lists.from_json(value["lists"]) if "lists" in value else None,
                search=Documents.from_json(value["documents"]) if "documents" in value else None,
            )
        except (KeyError, TypeError, ValueError) as fault:
            raise JobError(f"job: {fault} is missing or not of the right type.") from None
