"""Whatever comes from outside is read by one of these, and answered by a value or by an error of ours: fuzzed to see that.

    python tests/fuzzing.py TARGET [--seconds 300]        or: make fuzz SECONDS=300

Each target takes any bytes, in a folder of its own. What else than a ``UserError`` comes out of it is a finding, and so is
what hangs or eats the memory. The long run is guided by coverage (atheris over libFuzzer); the tests run the
same targets for a moment, on seeds that are changed here and there by chance. What was found is kept in ``FOUND``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, urlencode

import atheris

with atheris.instrument_imports(include=["plimsoll"], enable_loader_override=False):
    from plimsoll import archive, bundle, members
    from plimsoll.errors import UserError
    from plimsoll.policy import expression, online, reading, records
    from plimsoll.policy.decision import Decider
    from plimsoll.policy.queue import ASKED, Item, Queue
    from plimsoll.policy.records import Made, Recorder
    from plimsoll.policy.redaction import redact
    from plimsoll.policy.rules import joint, names
    from plimsoll.policy.terms import Type, Words
    from plimsoll.schema import Column, Kind, Schema
    from plimsoll.serve.lister import Lister
    from plimsoll.serve.request import Reader
    from plimsoll.serve.review import Review

from listed_toys import listed
from serving_toys import COLUMNS, toy

Check = Callable[[bytes], None]
MOST = 4_096  # bytes of an input


@dataclass(frozen=True)
class Target:
    """``made`` gives what is asked, in a folder; ``seeds`` are sound inputs, and ``words`` what they are made of."""

    made: Callable[[Path], Check]
    seeds: Sequence[bytes]
    words: Sequence[bytes] = ()


# Requests.

ODD = (*COLUMNS, Column('a "name"\n', Kind.NUMBER), Column("rows", Kind.CATEGORY))
REQUESTS = (
    b'{"age": 39, "job": "cook", "member": true, "seen": "2026-01-01T00:00:00Z", "note": "hi"}',
    b'{"rows": [{"age": "39"}, {"age": null, "hours per week": 1e300}]}',
    b'[{"member": "yes", "job": 7.0}, {"seen": 1e9}]',
    b'{"a \\"name\\"\\n": 1, "rows": "x"}',
)


def _requests(folder: Path) -> Check:
    readers = [Reader(Schema(columns, "income", ("no", "yes"))) for columns in (COLUMNS, ODD)]

    def check(data: bytes) -> None:
        for reader in readers:
            with suppress(UserError):
                reader.read(data)

    return check


# Policies.

WORDS = Words(
    {"n": Type.NUMBER, "t": Type.TEXT, "w": Type.TIME, "b": Type.TRUTH},
    {"bad": ("x", "free"), "few": (1.0, 2.5)},
    {"bar": 0.5},
    ("yes",),
)
EVENTS = ([1.0, "Free x", 1e9, 1.0, 0.7], [float("nan"), None, float("nan"), float("nan"), float("nan")], [1e308] * 5)
EXPRESSIONS = (
    b"n < 3 and not contains(lower(t), 'free') or t in bad",
    b"score('yes') >= bar and hour(w) < 6 and weekday(w) in [0, 1]",
    b"matches(t, r'(?i)\\bx+[^a-c]{2,3}$') or capitals(t) > 0.5",
    b"or_else(n, 2) * -1.5 / abs(n) == max(n, length(t)) - min(1, words(t))",
    b"missing(field('t')) and (b == True) != (w - w > 3e1)",
)


def _expressions(folder: Path) -> Check:
    called = ["n", "t", "w", "b", "score yes"]

    def check(data: bytes) -> None:
        with suppress(UserError):
            fires = online.compiled([expression.truth(data.decode("utf-8", "replace"), WORDS, "rule")], called)
            for event in EVENTS[:2]:
                fires(event)

    return check


POLICY = b"""
name = "p"
version = "1"
outcomes = ["block", "review", "allow"]
limits = ["false_block_rate < 1 % at 95 %", "review_load < 9 per day"]
time = "sent"
audit = 0.01
breaker = 5
statement = "We decided: $outcome."
[fields]
sent = "time"
t = "text"
who = "category"
[lists]
bad = ["x", "y"]
listed = {file = "list.txt"}
[thresholds]
bar = 0.5
[counters.many]
by = "who"
within = "10 min"
when = "length(t) > 3"
[copies.same]
of = "t"
within = "1 h"
alike = 0.8
[[rules]]
name = "r"
when = "score('yes') >= bar and t not in bad and many > 2"
then = "block"
label = "l"
because = "So."
[truth]
column = "label"
[truth.right]
block = ["bad"]
[records]
personal = ["t"]
keep = "90 days"
"""


def _policies(folder: Path) -> Check:
    (folder / "list.txt").write_text("x\ny\n")
    schema = Schema(COLUMNS, "income", ("no", "yes"))

    def check(data: bytes) -> None:
        (folder / "p.toml").write_bytes(data)
        with suppress(UserError):
            told = reading.read(folder / "p.toml", schema)
            Decider(told, names(told, schema))
            joint(told, schema)

    return check


# Bundles.


def _packed() -> dict[str, bytes]:
    made = toy()
    with tempfile.TemporaryDirectory() as folder:
        bundle.write(Path(folder) / "b", made)
        return {path.name: path.read_bytes() for path in sorted((Path(folder) / "b").iterdir())}


def _one_file(files: dict[str, bytes]) -> bytes:
    with tempfile.TemporaryFile() as file:
        archive.pack_files(files, file)
        file.seek(0)
        return file.read()


def _bundles(folder: Path) -> Check:
    def check(data: bytes) -> None:
        (folder / "b.plimsoll").write_bytes(data)
        with suppress(UserError):
            bundle.read(folder / "b.plimsoll")

    return check


def _manifests(folder: Path) -> Check:
    """A manifest as an attacker writes it: the members beside it are as it says."""
    files = _packed()

    def check(data: bytes) -> None:
        (folder / "m.plimsoll").write_bytes(_one_file({**files, archive.MANIFEST: data}))
        with suppress(UserError):
            bundle.read(folder / "m.plimsoll")

    return check


def _members(folder: Path) -> Check:
    def check(data: bytes) -> None:
        for ending in archive.ENDINGS:
            with suppress(UserError):
                members.check(f"a{ending}", data)

    return check


def _lists(folder: Path) -> Check:
    """Members of a bundle of lists, each in the place of each: what is loaded answers."""
    made = listed()

    def check(data: bytes) -> None:
        for name in made.members:
            with suppress(UserError):
                Lister(replace(made, members={**made.members, name: data})).answer(b'{"who": 3, "why": true}')

    return check


# Records.


def _recorded() -> bytes:
    with tempfile.TemporaryDirectory() as place, patch("secrets.token_hex", lambda many: "ab" * many):
        (Path(place) / "p.toml").write_text(
            'name = "p"\noutcomes = ["block", "allow"]\n[fields]\nn = "number"\nt = "text"\n'
            '[[rules]]\nname = "r"\nwhen = "n > 3"\nthen = "block"\n'
        )
        told = reading.read(Path(place) / "p.toml")
        recorder, decider = Recorder(Path(place)), Decider(told, names(told, None))
        for n in (1.0, 5.0):
            event = {"n": n, "t": "hello"}
            recorder.add(Made(told.digest, "", ("t",)), n, event, {}, [0.5], decider.decide([n, "hello"]))
        recorder.flush()
        return records.files(Path(place))[0].read_bytes()


def _records(folder: Path) -> Check:
    def check(data: bytes) -> None:
        path = folder / "decisions-000001.jsonl"
        path.write_bytes(data)
        for ask in (records.verify, Recorder, _redacted):
            with suppress(UserError):
                ask(folder)

    return check


def _redacted(folder: Path) -> None:
    redact(folder, 1e18)


# Forms.

FORMS = tuple(
    path + b"\n" + cookie + b"\n" + urlencode(form).encode()
    for path, cookie, form in (
        (b"/review/login", b"", {"name": "ann", "token": "t"}),
        (b"/review/e1", b"plimsoll-reviewer=ann.0", {"label": "bad", "note": "so"}),
        (b"/review/" + quote("e1/skip", safe="").encode(), b"", {}),
        (b"/review/undo", b"", {}),
    )
)


def _forms(folder: Path) -> Check:
    queue = Queue(folder / "q.db")
    queue.put([Item(f"e{k}", 0.0, ASKED, {"t": "hi"}, {"outcome": "review"}) for k in range(50)])
    review = Review(queue, ("bad", "fine"), None, clock=lambda: 1.0)
    seal = f"plimsoll-reviewer=ann.{review.door._seal('ann')}".encode()

    def check(data: bytes) -> None:
        path, _, rest = data.partition(b"\n")
        cookie, _, body = rest.partition(b"\n")
        for said in (cookie, seal):
            for method in ("GET", "POST"):
                with suppress(UserError):
                    review._reply(method, path.decode("latin-1"), {b"cookie": said}, body)
        with suppress(UserError):
            review.appeal(body.decode("utf-8", "replace"), "no")

    return check


TARGETS: dict[str, Target] = {
    "requests": Target(_requests, REQUESTS, (b'"age"', b"null", b"1e999", b"\\ud800", b'"rows"', b"[", b"{")),
    "expressions": Target(
        _expressions, EXPRESSIONS, (b"and", b"not", b"in", b"score('yes')", b"((", b"1e308", b"missing(", b"matches(t,")
    ),
    "policies": Target(
        _policies, (POLICY,), (b"[[rules]]", b"[records]", b"when", b"nan", b"inf", b"-1", b"= {", b"[]")
    ),
    "bundles": Target(_bundles, (_one_file(_packed()),), (b"PK\x01\x02", b"PK\x05\x06", b"\xff\xff\xff\xff")),
    "manifests": Target(
        _manifests, (_packed()[archive.MANIFEST],), (b"null", b"[]", b"{}", b'"classes"', b"1e308", b"-1", b"true")
    ),
    "members": Target(
        _members,
        tuple(_packed()[name] for name in _packed() if name != archive.MANIFEST),
        (b"\xff" * 8, b"[[[[", b"{}"),
    ),
    "lists": Target(
        _lists, tuple(listed().members.values()), (b"\xff" * 8, b"\x00" * 8, b'"I32"', b'"shape":[', b"120")
    ),
    "records": Target(_records, (_recorded(),), (b"null", b"[]", b'"n"', b'"personal"', b"\n", b"1e999", b"{}")),
    "forms": Target(_forms, FORMS, (b"%00", b"%ff", b"label=", b"&", b"plimsoll-reviewer=", b"%2fskip", b"\xff")),
}
FOUND: dict[str, tuple[bytes, ...]] = {  # what was found once, and must not be again
    "records": (b"\xed\n", b"{}\n\xed"),
}


def changed(target: Target, chance: random.Random) -> bytes:
    """A sound input, changed in a few places."""
    data = bytearray(chance.choice(target.seeds))
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at, many = chance.randrange(len(data) + 1), chance.choice((1, 1, 2, 8, 40))
        match chance.randrange(6):
            case 0:
                data[at : at + many] = b""
            case 1:
                data[at : at + many] = bytes(chance.randrange(256) for _ in range(min(many, 4)))
            case 2:
                data[at:at] = chance.choice(target.words)
            case 3:
                data[at : at + many] = chance.choice(target.words)
            case 4:
                data[at:at] = data[at : at + many]
            case _:
                other = chance.choice(target.seeds)
                start = chance.randrange(len(other))
                data[at:at] = other[start : start + many]
    return bytes(data)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
        yield Path(place)


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("target", choices=TARGETS)
    words.add_argument("--seconds", type=int, default=300)
    words.add_argument("--corpus", type=Path, default=Path(".fuzz"), help="the folder of what was tried and is new")
    given = words.parse_args()
    target, kept = TARGETS[given.target], given.corpus / given.target
    kept.mkdir(parents=True, exist_ok=True)
    for place, seed in enumerate(target.seeds):
        (kept / f"seed-{place}").write_bytes(seed)
    (given.corpus / f"{given.target}.words").write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    options: list[Any] = [f"-max_total_time={given.seconds}", f"-max_len={max(MOST, *map(len, target.seeds))}"]
    options += [f"-dict={given.corpus / given.target}.words", f"-artifact_prefix={given.corpus}/{given.target}-"]
    options += ["-timeout=10", "-rss_limit_mb=2048", "-verbosity=1", "-print_final_stats=1"]
    with folder() as place:
        atheris.Setup([sys.argv[0], *options, str(kept)], target.made(place))
        print(json.dumps({"target": given.target, "seconds": given.seconds}), flush=True)
        atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()
