"""The job as it is written: the words of a job.toml, and flags of the same names over them."""

from __future__ import annotations

import os
import re
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plimsoll.errors import JobError, nearest

# Every word of a job, as it may stand in a job.toml. The examples say what type each word has.
EXAMPLES = {
    "data": 'data = "rows.csv"',
    "predict": 'predict = "label"',
    "test": 'test = "test.csv"',
    "split": 'split = "time:day"',
    "limits": 'limits = ["p99 < 2 ms", "train < 5 min"]',
    "metric": 'metric = "roc_auc"',
    "ignore": 'ignore = ["id", "name"]',
    "kinds": 'kinds = {zip = "category"}',
    "recipes": 'recipes = ["linear", "trees"]',
    "seed": "seed = 0",
    "choose": 'choose = "best"',
    "coverage": "coverage = 0.9",
    "out": 'out = "runs/first"',
    "decode": 'decode = "gesture"',
    "moments": 'moments = {window = "250 ms", stride = "50 ms", rest = "0"}',
    "signals": 'signals = {file = "signals.npz:emg", rate = "200 Hz"}',
    "recommend": 'recommend = "item"',
    "lists": 'lists = {to = "user", time = "when", items = "items.csv"}',
    "search": 'search = "documents.jsonl"',
    "documents": 'documents = {queries = "queries.jsonl", judgements = "judgements.csv", text = "title,text"}',
}
# Flags that stand for one part of a word: "--rate 200Hz" is signals = {rate = "200Hz"}.
PARTS = {
    **{name: ("moments", name) for name in ("window", "stride", "settle", "rest", "person", "session")},
    "label_delay": ("moments", "delay"),
    **{name: ("signals", name) for name in ("rate", "resample", "band", "notch", "ring")},
    "signal_file": ("signals", "file"),
    **{name: ("lists", name) for name in ("to", "time", "weight", "items", "users", "again", "forget")},
    **{name: ("documents", name) for name in ("id", "queries", "judgements", "text", "language", "encoder")},
    "cross_encoder": ("documents", "cross"),
}
_ALIASES = {"limit": "limits", "kind": "kinds"}
_COMMAS = ("ignore", "recipes")  # lists that may be written as one text


def words(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The words of the job: those of the job.toml, with the flags that were given over them."""
    found = read(flags["job"]) if flags.get("job") else {}
    given = {name: flags[name] for name in EXAMPLES if flags.get(name) is not None}
    if "kinds" in given:
        given["kinds"] = dict(_kind(word) for word in given["kinds"])
    found.update(given)
    for flag, (word, part) in PARTS.items():
        if flags.get(flag) is not None:
            found[word] = {**found.get(word, {}), part: flags[flag]}
    _settle(found)
    _settle_search(found)
    for name, example in (("data", "plimsoll fit rows.csv --predict COL"), ("predict", "--predict COL")):
        if not found.get(name) and not (name == "predict" and "documents" in found):
            raise JobError(f"{name} is missing. Write {example}.")
    return found


# Words that state another job than a row's answer: what they name, and the part of the job that says how.
_OTHER = {
    "decode": ("moments", "a moment's", "--decode LABEL"),
    "recommend": ("lists", "a list of items", "--recommend ITEM"),
}


def _settle(found: dict[str, Any]) -> None:
    """``decode`` is a ``predict`` whose rows are moments, and ``recommend`` one whose answers are lists of items."""
    asked, before = "predict", "a row's answer"
    for word, (part, answer, flag) in _OTHER.items():
        if named := found.pop(word, None):
            if found.get("predict"):
                raise JobError(f"--{asked} and --{word} are two jobs: {before}, and {answer}. Keep one of the two.")
            asked, before = word, answer if word != "decode" else f"{answer} answer"
            found["predict"], found[part] = named, found.get(part, {})
        elif part in found:
            raise JobError(f"{', '.join(found[part])} speak of {part}. Write {flag} in place of --predict.")


def _settle_search(found: dict[str, Any]) -> None:
    """``search`` names documents, which are the data; what it predicts are their ids, whose column may be found by itself."""
    asked = next((flag for flag in ("lists", "moments") if flag in found), "predict" if found.get("predict") else "")
    if named := found.pop("search", None):
        if asked or found.get("data"):
            other = f"the data {found['data']}" if not asked else "a job over rows"
            raise JobError(f"--search {named} and {other} are two jobs. Keep one of the two.")
        part = dict(found.get("documents", {}))
        found["data"], found["predict"], found["documents"] = named, part.pop("id", ""), part
    elif "documents" in found:
        said = ", ".join(f"--{name}" for name in found["documents"])
        raise JobError(f"{said} speak of documents. Write --search DOCS in place of DATA and --predict.")


def _kind(word: str) -> tuple[str, str]:
    column, equals, kind = word.rpartition("=")
    if not equals or not column or not kind:
        raise JobError(f'--kind "{word}" is not a kind. Write COL=KIND, such as "zip=category".')
    return column, kind


def read(path: Path) -> dict[str, Any]:
    """The words of a job.toml, each of the type that it should have. Raises JobError."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise JobError(f"--job {path} cannot be read: {fault.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise JobError(f"--job {path} is not TOML: {fault}.") from None
    known: dict[str, Any] = {}
    for name, value in found.items():
        word = _ALIASES.get(name, name)
        if word not in EXAMPLES:
            raise JobError(f'{path}: there is no "{name}" in a job. {nearest(name, EXAMPLES)}')
        if not _typed(word, value):
            raise JobError(f"{path}: {name} = {value!r} cannot be understood. Write it as in {EXAMPLES[word]}")
        known[word] = listed(value) if word in _COMMAS and isinstance(value, str) else value
    return known


def _typed(word: str, value: Any) -> bool:
    """
    >>> _typed("seed", 3), _typed("seed", "3"), _typed("ignore", ["id", 3]), _typed("limits", "p99 < 2 ms")
    (True, False, False, True)
    """
    example = tomllib.loads(EXAMPLES[word])[word]
    if isinstance(example, list) and isinstance(value, str):
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    plain = (str,) if word not in ("moments", "signals", "lists", "documents") else (str, int, float, bool)
    return type(value) is type(example) and all(isinstance(part, plain) for part in parts)


def listed(text: str) -> list[str]:
    """
    >>> listed("id, name,")
    ['id', 'name']
    """
    return [part.strip() for part in text.split(",") if part.strip()]


def place(said: Mapping[str, Any], resume: bool) -> Path:
    """The run's folder: the one that was named, or a new one under runs/. Raises JobError."""
    if "out" not in said:
        if resume:
            raise JobError("--resume needs the run to go on with. Write --out RUN.")
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", Path(str(said["data"])).name.split(".")[0]).strip("-") or "data"
        return _writable(Path("runs") / f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}")
    out = Path(said["out"])
    if out.exists() and not out.is_dir():
        raise JobError(f"--out {out} is a file. Name a folder.")
    holds = begun(out)
    if holds and not resume:
        raise JobError(f"--out {out} holds a run already. Add --resume to go on with it, or name another folder.")
    if resume and not holds:
        raise JobError(f"--out {out} holds no run to go on with. Leave --resume out to begin one.")
    return _writable(out)


def begun(folder: Path) -> bool:
    """Whether a run has begun in a folder."""
    return any((folder / name).exists() for name in ("run.json", "ledger.jsonl", "work"))


def file(out: Path) -> Path:
    """A file that a command is to write, where one can stand. Raises JobError."""
    if out.is_dir() or not out.absolute().parent.is_dir():
        why = "it is a folder" if out.is_dir() else "its folder is not there"
        raise JobError(f"--out {out} cannot be written: {why}.")
    return out


def _writable(out: Path) -> Path:
    """The folder itself: what stands in its way is said now, and not once the rows have been read."""
    home = next(place for place in (out.absolute(), *out.absolute().parents) if place.exists())
    if not home.is_dir():
        raise JobError(f"--out {out} cannot be made: {home} is a file.")
    if not os.access(home, os.W_OK | os.X_OK):
        raise JobError(f"--out {out} cannot be written: {home} may not be written to. Name another folder.")
    return out
