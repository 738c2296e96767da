"""Sequences that answers spell: their error, how they are read, in streams and in bundles, and trials that are scored by them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decode_toys import joined, recordings, stream, sure
from plimsoll import (
    bundle,
    calibration,
    ctc,
    machine,
    offers,
    rule,
    scoresheet,
    sequences,
    spellings,
    underway,
    watching,
    worth,
)
from plimsoll.asked import ask, stated
from plimsoll.clock import Clock
from plimsoll.crew import Crew
from plimsoll.ctc import Beam, Spelling
from plimsoll.errors import BundleError, DataError, JobError, PlimsollError
from plimsoll.events import Rule, Timeline
from plimsoll.finish import Finish
from plimsoll.job import Decode, Job
from plimsoll.judge import Judge
from plimsoll.limits import parse
from plimsoll.metrics import QUALITIES, SEQUENCES
from plimsoll.outlook import Step
from plimsoll.recipes import adaptive_lda
from plimsoll.report.page import render
from plimsoll.report.terminal import terminal
from plimsoll.rounds import Units
from plimsoll.rows import Coded
from plimsoll.rule import Known
from plimsoll.scoring import Seen, qualities, unseen
from plimsoll.search import Search
from plimsoll.serve.line import Line
from plimsoll.serve.outbox import Outbox, Overflow
from plimsoll.serve.packets import Hello, packed
from plimsoll.serve.session import Moment, Session, Symbol
from plimsoll.serve.streams import Bounds
from plimsoll.spellings import Widths
from plimsoll.trial import Status, Trial
from plimsoll.truth import Truth
from plimsoll.worth import Given
from stream_toys import RATE, signal, toy
from test_rule import torn
from test_stream_socket import begun, ended, send, serving

EVENTS = ((1, 60, 110), (2, 160, 210), (3, 260, 310))
SAMPLES, _ = signal(9.0, seed=5)


def lines(streams: int = 6) -> tuple[Timeline, np.ndarray]:
    return joined(*(stream(*EVENTS, start=20_000 * k) for k in range(streams)))


def noted(target: np.ndarray, labels: Sequence[int], streams: int = 6) -> np.ndarray:
    """These symbols in each stream, 40 moments apart."""
    said = np.full(len(target), -1)
    for k in range(streams):
        said[400 * k + 40 * np.arange(1, len(labels) + 1)] = labels
    return said


@pytest.mark.parametrize(
    ("labels", "edits"),
    [([1, 2, 3], 0), ([1, 3, 2], 2), ([1, 2], 1), ([], 3), ([1, 1, 2, 3], 1), ([2, 2, 2], 2), ([1, 2, 3, 1, 2], 2)],
)
def test_an_error_is_the_edits_by_what_was_true(labels: list[int], edits: int):
    """When a symbol was said is no matter, nor in what order rows are; which, and in what order they were said, is."""
    line, target = lines()
    said = noted(target, labels)
    assert sequences.counted(line, target, said).rate == edits / 3
    order = np.random.default_rng(0).permutation(len(target))
    counts = sequences.counted(line.take(order), target[order], said[order])
    assert (counts.edits.tolist(), counts.true.tolist()) == ([edits] * 6, [3] * 6)


def test_streams_are_held_against_their_own_truth():
    """What is missing in one and too much in the next is two faults, and not none."""
    line, target = lines(2)
    said = noted(target, [1, 2, 3], 2)
    said[400:] = np.roll(said[400:], 0)
    said[120], said[430] = -1, 3
    assert sequences.counted(line, target, said).edits.tolist() == [1, 1]


def test_intervals_are_drawn_over_people():
    """Five people of whom one is spelt wrongly throughout: moments, or events, would make it look far surer."""
    line, target = lines(20)
    who = np.repeat(np.arange(20) // 4, 400)
    said = np.where(who == 0, -1, noted(target, [1, 2, 3], 20))
    low, value, high = sequences.interval(sequences.counted(line, target, said, who))
    alone = sequences.interval(sequences.counted(line, target, said))
    assert value == alone[1] == 0.2
    assert (low, high) == (0.0, 0.6)
    assert alone[2] - alone[0] < high - low
    few = sequences.interval(sequences.counted(line, target, said, who // 3))
    assert few == (0.2, 0.2, 0.2)  # two units say nothing of others


def test_a_gain_is_of_the_same_units():
    """Units that are hard for both say nothing against either; which side is better is that of an error."""
    line, target = lines(8)
    hard = np.repeat(np.arange(8) < 4, 400)
    one = np.where(hard, -1, noted(target, [1, 2, 3], 8))
    other = np.where(hard, noted(target, [3, 3, 3, 3], 8), noted(target, [1, 2], 8))
    truth = Truth(target, {}, line)
    gave = [Given(sure(target), target, {"events": each}) for each in (one, other)]
    low, high = worth.gain("event_error_rate", truth, *gave)
    assert 0 < low <= high
    assert worth.gain("event_error_rate", truth, *gave[::-1]) == (-high, -low)
    assert worth.gain("event_error_rate", truth, gave[0], gave[0]) == (0.0, 0.0)


def test_each_piece_is_read_by_itself():
    """The class that one piece ends with begins anew in the next; rows may have any order."""
    line, _ = joined(stream(moments=4), stream(moments=3, start=20_000))
    labels = np.array([0, 1, 1, 2, 2, 2, 1])
    order = np.array([4, 6, 0, 2, 5, 1, 3])
    for width in (1, 8):
        said, later = ctc.spelt(Spelling(width), sure(labels, 0.9999)[order], line.take(order))
        back = np.empty_like(said)
        back[order] = said
        assert back.tolist() == [-1, 1, -1, 2, 2, -1, 1]
        assert later.min() >= 0


def flat(moments: np.ndarray, blank: int, width: int) -> list[int]:
    """The beam over whole prefixes, which settles nothing and forgets nothing."""
    held: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 0.0)}
    for moment in moments:
        found: dict[tuple[int, ...], list[float]] = {}
        for prefix, (ended_, open_) in held.items():
            found.setdefault(prefix, [0.0, 0.0])[0] += (ended_ + open_) * moment[blank]
            for symbol in range(len(moment)):
                if symbol == blank:
                    continue
                again = bool(prefix) and prefix[-1] == symbol
                if again:
                    found.setdefault(prefix, [0.0, 0.0])[1] += open_ * moment[symbol]
                longer = found.setdefault((*prefix, symbol), [0.0, 0.0])
                longer[1] += (ended_ if again else ended_ + open_) * moment[symbol]
        kept = sorted(found, key=lambda prefix: (-sum(found[prefix]), prefix))[:width]
        held = {prefix: (found[prefix][0], found[prefix][1]) for prefix in kept}
    return list(max(held, key=lambda prefix: sum(held[prefix])))


def spiky(seed: int, moments: int = 60, classes: int = 4) -> np.ndarray:
    """Answers as a net that spells gives them: mostly the blank, and now and then a symbol, sure or not."""
    random = np.random.default_rng(seed)
    labels = np.where(random.random(moments) < 0.4, random.integers(0, classes, moments), 0)
    share = random.uniform(0.4, 0.99, moments)[:, None]
    return share * np.eye(classes)[labels] + (1 - share) * random.dirichlet(np.ones(classes), moments)


def likely(moments: np.ndarray, labels: Sequence[int], blank: int = 0) -> float:
    """The logarithm of a sequence's whole probability, by the forward recursion over symbols with blanks between them."""
    states = [blank, *(each for label in labels for each in (label, blank))]
    reached = np.zeros(len(states))
    reached[:2] = 1.0
    total = 0.0
    for k, moment in enumerate(moments):
        if k:
            skips = [i > 1 and states[i] not in (blank, states[i - 2]) for i in range(len(states))]
            moved = (
                reached + np.r_[0.0, reached[:-1]] + np.where(skips, np.r_[0.0, 0.0, reached[:-2]][: len(states)], 0.0)
            )
        else:
            moved = reached
        reached = moved * moment[states]
        total, reached = total + np.log(reached.sum()), reached / reached.sum()
    return float(total + np.log(reached[-2:].sum()))


def test_what_is_settled_is_not_regretted():
    """Held against a beam that settles nothing, by the exact probability of what each reads: as wide it is no better, and ten
    times as wide hardly."""
    gaps = []
    for seed in range(20):
        moments = spiky(seed)
        told = Spelling(6).read(moments)
        exact = [
            likely(moments, each)
            for each in ([symbol.label for symbol in told], flat(moments, 0, 6), flat(moments, 0, 60))
        ]
        gaps.append(np.subtract(exact[1:], exact[0]))
        begins = [symbol.begins for symbol in told]
        assert begins == sorted(set(begins))  # so that two symbols never fall on one row
        assert all(symbol.begins <= symbol.settled < len(moments) for symbol in told)
    alike, wide = np.mean(gaps, axis=0)
    assert alike < 0.01
    assert wide < 0.3


def test_symbols_are_settled_long_before_the_end_where_answers_are_sure():
    """Most within a few moments, or a stream would be silent until it ends."""
    moments = sure(np.tile([0, 0, 1, 0, 0, 2, 0, 3], 50), 0.999)
    told = Spelling(8).read(moments)
    assert len(told) == 150
    assert max(symbol.settled - symbol.begins for symbol in told[:-1]) == 0
    unsure = Spelling(8).read(sure(np.tile([0, 0, 1, 0, 0, 2, 0, 3], 50), 0.9))
    assert 0 < np.mean([symbol.settled - symbol.begins for symbol in unsure]) <= 20


def test_a_stream_that_is_never_sure_is_told_all_the_same():
    """What stays open is bounded: two halves of a doubt that nothing resolves do not fill the memory."""
    beam, told = Beam(blank=0, width=64), []
    for _ in range(2_000):
        for moment in ([0.0, 0.6, 0.4], [1.0, 0.0, 0.0]):
            told += beam.step(moment)
    assert 0 < len(beam.best) <= 11
    assert max(symbol.settled - symbol.begins for symbol in told) <= 20
    assert len(told) + len(beam.end()) == 2_000


def half_heard(label: int, moments: int = 400) -> np.ndarray:
    """Each event of a stream as two moments, of which neither has its symbol as the likeliest: a beam alone reads it."""
    found = sure(np.zeros(moments, dtype=int), 0.9999)
    for symbol, first, _ in EVENTS:
        found[first : first + 2] = 0.55 * np.eye(4)[0] + 0.45 * np.eye(4)[symbol]
    return found if label else sure(stream(*EVENTS)[1], 0.9999)


def known(kinds: Sequence[int]) -> Known:
    """A stream a unit: 1 are those that a beam alone reads, 0 those that anything reads."""
    line, target = lines(len(kinds))
    return Known(line, target, np.concatenate([half_heard(kind) for kind in kinds]))


def test_the_narrowest_is_chosen_that_is_not_worse():
    """Where all read alike the likeliest class is enough; where a beam reads more, the narrowest that reads all of it."""
    for kinds, width in (([0] * 6, 1), ([1] * 6, 4)):
        choice = Widths(known(kinds)).chosen()
        assert choice.best.spelling == Spelling(width, 0)
        assert choice.best.counts.rate == 0.0
        assert [each.spelling.width for each in choice.tried][: len(kinds)] == [1, 4, 16][: len(choice.tried)]
    # One hard unit of twelve makes a beam better, and not measurably so.
    choice = Widths(known([1] + [0] * 11)).chosen()
    assert choice.best.spelling.width == 1
    assert choice.tried[1].counts.rate < choice.best.counts.rate


def test_each_half_is_read_by_the_spelling_that_the_other_half_chose():
    """A half that only a beam reads is read by the likeliest class where the other half taught that, and the other way round."""
    blank = Known(*lines(8), sure(np.zeros(3200, dtype=int)))
    half = blank.halves(seed=0)
    here = known([int(each) for each in half])
    said = Widths(here).crossed(seed=0)
    first = half[np.repeat(np.arange(8), 400)]
    assert (said[first] == -1).all()
    beam = ctc.spelt(Spelling(4), here.probabilities, here.timeline)[0]
    assert (said[~first] == beam[~first]).all()
    one = known([1])
    assert (Widths(one).crossed(seed=0) >= 0).any()  # one unit alone chooses for itself


def test_of_very_many_moments_some_whole_units_choose(monkeypatch: pytest.MonkeyPatch):
    """And what they chose is read of all."""
    monkeypatch.setattr(spellings, "MOST", 2_500)
    widths = Widths(known([1] * 8))
    assert widths.tried[0].counts.true.sum() == 18
    assert widths.chosen().best.spelling.width == 4
    assert (widths.crossed(seed=0) >= 0).sum() == 24


def asked(metric: str = "character_error_rate", limits: str = "") -> Job:
    return Job("gesture", parse(limits), metric, decode=Decode())


def test_answers_of_what_spells_are_not_calibrated():
    """Blanks are no probabilities that nothing is the matter; where a limit alone is on symbols, moments are calibrated."""
    here = known([1] * 6)
    raw = np.clip(here.probabilities, 1e-3, 1.0)
    raw /= raw.sum(axis=1, keepdims=True)
    truth = Truth(here.target, {}, here.timeline)
    spelt = unseen(asked(), truth, np.arange(2400), raw)
    assert np.allclose(spelt.given.answers, raw)
    limited = unseen(asked("macro_f1", "character_error_rate < 0.5"), truth, np.arange(2400), raw)
    assert not np.allclose(limited.given.answers, raw)
    assert set(limited.given.said) == {"symbols"}
    assert calibration.fit(here.target, raw, "character_error_rate").as_json()["scale"] == 1.0


def test_a_job_that_asks_for_nothing_of_the_kind_pays_nothing(monkeypatch: pytest.MonkeyPatch):
    """Neither rules nor widths are tried for a score of moments."""
    here = known([0] * 4)
    for owner, name in ((spellings, "_tried"), (ctc, "spelt")):
        monkeypatch.setattr(owner, name, None)
    found = unseen(asked("macro_f1"), Truth(here.target, {}, here.timeline), np.arange(1600), here.probabilities)
    assert (dict(found.given.said), found.widths) == ({}, None)


def test_a_limit_on_symbols_is_measured_on_the_rows_that_it_speaks_of():
    """Of all, and of one person; where nothing was true there is no figure, and the limit is not kept."""
    limits = parse("character_error_rate < 0.2, character_error_rate[who=p0] < 0.2, character_error_rate[who=p1] < 0.2")
    line, target = lines(3)
    target[800:] = 0
    rows = np.repeat(np.arange(3), 400)
    slices = {f"character_error_rate[who=p{k}]": rows == where for k, where in ((0, 0), (1, 2))}
    said = np.where(rows == 1, -1, noted(target, [1, 2, 3], 3))
    found = qualities(limits, Truth(target, slices, line), Given(sure(target), target, {"symbols": said}))
    assert found.middle("character_error_rate") == 1.0  # three missed, three made up in what was rest throughout
    assert found.middle("character_error_rate[who=p0]") == 0.0
    assert found.middle("character_error_rate[who=p1]") is None
    assert {breach.limit.key for breach in limits.judge(found)} == {
        "character_error_rate",
        "character_error_rate[who=p1]",
    }


def test_what_is_of_a_stream_needs_one():
    """The two errors choose where a job decodes, and nowhere else."""
    for name in SEQUENCES:
        assert Job("gesture", metric=name, decode=Decode()).score == name
        with pytest.raises(JobError, match="--decode"):
            Job("gesture", metric=name)
    with pytest.raises(JobError, match="event_error_rate"):
        Job("gesture", metric="event_eror_rate", decode=Decode())


def judge(said: Sequence[np.ndarray], truth: Truth, metric: str) -> tuple[Judge, list[Trial]]:
    """A judge who has seen what these trials said of the same rows."""
    learn = type("Part", (), {"truth": truth})()
    held: Any = type("Asked", (), {"job": asked(metric), "learn": learn})()
    found = Judge(held, Path())
    trials = []
    for k, each in enumerate(said):
        name = f"t{k:03d}"
        rows, gave = np.arange(len(each)), Given(sure(truth.target), truth.target, {QUALITIES[metric].of: each})
        found.seen[name] = Seen(rows, gave.answers, gave)
        score = worth.score(metric, truth, gave)
        trials.append(Trial(name, "x", {}, Status.FITS, score=score))
    return found, trials


@pytest.mark.parametrize("metric", SEQUENCES)
def test_trials_are_compared_over_people(metric: str):
    """Worse with every person is measurably worse; worse with one of five, however many moments they have, is not."""
    line, target = lines(20)
    who = np.arange(8000) // 1600
    truth = Truth(target, {}, line, {"person": Coded.of([f"p{k}" for k in who])})
    right, short = noted(target, [1, 2, 3], 20), noted(target, [1, 2], 20)
    found, (best, same, poor, odd) = judge([right, right, short, np.where(who == 0, short, right)], truth, metric)
    assert [found.worse(each, best) for each in (same, poor, odd)] == [False, True, False]
    assert (best.score and best.score.value, poor.score and poor.score.value) == (0.0, pytest.approx(1 / 3))


def test_a_score_of_nothing_is_a_line():
    """Rows in which nothing happens have no such score, and a trial on them fails with the reason."""
    line, target = lines(2)
    gave = Given(sure(target), target, {"events": np.full(len(target), -1)})
    with pytest.raises(DataError, match="Nothing happens in the 800 moments"):
        worth.score("event_error_rate", Truth(np.zeros_like(target), {}, line), gave)


def test_approaches_are_compared_by_what_they_say(tmp_path: Path):
    """What was said is kept with the answers of a bout, and each unit is scored over all the folds that it lies in."""
    line, target = lines(4)
    said = noted(target, [1, 2, 3], 4)
    said[:800] = noted(target, [1, 2], 4)[:800]
    answers: dict[scoresheet.Key, scoresheet.Answers] = {}
    for fold, rows in enumerate((np.arange(600), np.arange(600, 1600))):
        gave = Given(sure(target), target, {"symbols": said}).take(rows)
        scoresheet.Answers(rows, gave).write(tmp_path / f"{fold}.npz")
        answers["a", 0, fold] = scoresheet.Answers.read(tmp_path / f"{fold}.npz")
    units = Units("who", ("ann", "bo"), np.repeat([0, 1], 800))
    found = scoresheet.sheet("character_error_rate", Truth(target, {}, line), units, answers)
    assert found.scores["a"].tolist() == [[pytest.approx(1 / 3), 0.0]]
    assert not found.higher_is_better


# Streams.

SPELLING = {"character_error_rate": Spelling}


def heard(session: Session, cuts: Sequence[int]) -> list[Any]:
    """All that a stream tells of the samples, cut at these places, and at its end."""
    bounds = [0, *sorted({cut % len(SAMPLES) for cut in cuts}), len(SAMPLES)]
    told = [each for a, b in itertools.pairwise(bounds) for each in session.step(SAMPLES[a:b])]
    return [*told, *session.end()]


def spelling(width: int) -> bundle.Bundle:
    return toy(spelling=Spelling(width, 0), rule=Rule(0.34, 2, hold=0.1))


@pytest.mark.parametrize("width", [1, 4])
@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 10_000), max_size=60))
def test_a_stream_spells_what_the_whole_spells_whatever_the_chunks(width: int, cuts: list[int]):
    """The same symbols, begun at the same times and told after the same moments."""
    made = spelling(width)
    whole = heard(Session(made, made.model(), "P01"), [])
    assert heard(Session(made, made.model(), "P01"), cuts) == whole
    shares = np.array([list(each.probabilities.values()) for each in whole if isinstance(each, Moment)])
    at = [each.at for each in whole if isinstance(each, Moment)]
    due = [(at[symbol.begins], symbol.label) for symbol in Spelling(width).read(shares)]
    assert [(each.at, each.label) for each in whole if isinstance(each, Symbol)] == due
    assert due


def test_a_gap_ends_what_was_being_spelt():
    """What was open is told before the stream begins anew, and times stay true after it."""
    made = spelling(4)
    cut = next(cut for cut in range(200, 900, 5) if spelt(made, cut)[1])  # in the midst of a doubt
    told, left = spelt(made, cut)
    stream_ = Session(made, made.model(), "P01")
    assert [each for each in stream_.step(SAMPLES[:cut]) if isinstance(each, Symbol)] == told
    assert stream_.restart(lost=100) == left
    assert stream_.end() == []
    after = [each.at for each in [*stream_.step(SAMPLES[cut:]), *stream_.end()] if isinstance(each, Symbol)]
    assert after
    assert min(after) >= (cut + 100) / RATE


def spelt(made: bundle.Bundle, cut: int, first: int = 0) -> tuple[list[Any], list[Any]]:
    """The symbols that are told of the frames up to there, and those that are left when they end."""
    alone = Session(made, made.model(), "P01")
    return [each for each in alone.step(SAMPLES[first:cut]) if isinstance(each, Symbol)], alone.end()


def test_packets_bring_all_symbols_and_the_end_brings_the_rest():
    """Over a line that loses a second, and over a socket; the counts add up."""
    made = spelling(4)
    cut = next(cut for cut in range(500, 900, 5) if spelt(made, cut, 400)[1])  # it ends in the midst of a doubt
    line = Line(Session(made, made.model(), "P01"), Hello(format="int8"), Bounds(rush=1e9))
    for k in [*range(0, 300, 5), *range(400, cut, 5)]:
        for _ in line.hear(packed(k // 5, (k + 5) / RATE, SAMPLES[k : k + 5], "int8"), 0.05 * k / 5):
            pass
    list(line.hear('{"end": true}', 10.0))
    found = msgspec.json.decode(line.outbox.take(line.summary()) or b"")
    alone = Session(made, made.model(), "P01")
    due = [*alone.step(SAMPLES[:300]), *alone.restart(100), *alone.step(SAMPLES[400:cut])]
    left = alone.end()
    assert left
    symbols = [each for each in [*due, *left] if isinstance(each, Symbol)]
    assert found["symbols"] == [{"at": each.at, "label": each.label} for each in symbols]
    assert found["ended"]["symbols"] == len(found["symbols"]) > 1
    assert found["ended"]["events"] == sum(type(each).__name__ == "Event" for each in due)


def test_a_server_tells_symbols():
    """The first answer says that there will be some, and all are told before the last word."""
    made = spelling(1)
    with serving(made) as place, place.connect() as socket:
        assert begun(socket)["symbols"]
        send(socket, SAMPLES)
        told = ended(socket)
    due = [each for each in heard(Session(made, made.model(), "P01"), []) if isinstance(each, Symbol)]
    assert [each["label"] for message in told for each in message.get("symbols", ())] == [each.label for each in due]


def test_a_reader_too_slow_for_symbols_is_told_so():
    """Like events they are never left out in silence."""
    box = Outbox(moments=5, events=3)
    with pytest.raises(Overflow, match="0 events and 4 symbols wait"):
        box.put(1, 0.0, [Symbol(float(k), "a") for k in range(4)])


# Bundles.


def test_a_bundle_carries_its_spelling(tmp_path: Path):
    """It is read back as it was written; one that spells nothing says nothing of it."""
    bundle.write(tmp_path / "b", spelling(4))
    assert bundle.read(tmp_path / "b").spelling == Spelling(4, 0)
    bundle.write(tmp_path / "plain", toy())
    assert bundle.read(tmp_path / "plain").spelling is None
    assert "spelling" not in json.loads((tmp_path / "plain" / "bundle.json").read_text())


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0},
        {"width": 10**9},
        {"width": 4.0},
        {"width": True},
        {"width": None},
        {"rest": 3},
        {"rest": -1},
        {"rest": "0"},
        {"more": 1},
    ],
)
def test_a_hostile_spelling_is_refused(tmp_path: Path, change: dict[str, object]):
    """In one line, whatever it says: a wide beam would take a server's memory and time."""
    bundle.write(tmp_path / "b", spelling(4))
    place = tmp_path / "b" / "bundle.json"
    value = json.loads(place.read_text())
    place.write_text(json.dumps({**value, "spelling": {**value["spelling"], **change}}))
    with pytest.raises(BundleError, match="spelling") as caught:
        bundle.read(tmp_path / "b")
    assert "\n" not in str(caught.value)


def test_a_spelling_for_rows_is_refused(tmp_path: Path):
    """A job that does not decode spells nothing."""
    made = spelling(1)
    with pytest.raises(BundleError, match="spelling is not one for this job"):
        bundle.write(tmp_path / "b", replace(made, rule=None, job=replace(made.job, decode=None)))


# A run.


@pytest.fixture(scope="module", params=SEQUENCES)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A run of two trials that is scored by one of the two."""
    folder = tmp_path_factory.mktemp("run")
    limits = "train < 10 min, character_error_rate < 3, false_activations_per_hour < 10000"
    moments, signals = {"person": "who", "session": "day"}, {"rate": "100 Hz", "ring": True}
    job = stated("labels", limits, split="session", metric=request.param, moments=moments, signals=signals)
    found = underway.begin(ask(job, recordings(folder, people=4, sessions=3), None), folder / "out")
    crew = Crew(machine.core_numbers()[:1])
    try:
        search = Search(found, underway.work(folder / "out"), Clock(600.0), crew.first, lanes=len(crew.lanes))
        search.take(Step("constant", {}), 300.0)
        search.take(Step("adaptive_lda", dict(adaptive_lda.RECIPE.space.default)), 300.0)
        Finish(search, crew, lambda *_: None).run([])
    finally:
        crew.stop()
    record: dict[str, Any] = json.loads((folder / "out" / "run.json").read_text())
    record["manifest"] = json.loads((folder / "out" / "bundle" / "bundle.json").read_text())
    return {**record, "metric": request.param}


def test_a_run_is_scored_by_what_is_said(run: dict[str, Any]):
    """Its trials, its choice, its test rows, each person and each rung of the ladder."""
    metric = run["metric"]
    scores = {trial["recipe"]: trial["score"] for trial in run["trials"]}
    assert {score["metric"] for score in scores.values()} == {metric}
    assert scores["constant"]["value"] == 1.0  # a model that says nothing has missed all there is
    assert scores["adaptive_lda"]["value"] < 0.5
    assert run["trials"][1]["id"] == run["chosen"]
    assert run["test"]["metric"] == run["evidence"]["groups"]["person"]["metric"] == metric
    assert run["test"]["low"] <= run["test"]["value"] <= run["test"]["high"]
    assert {metric} < set(run["evidence"]["ladder"]["rungs"][1]["figures"])
    assert run["manifest"]["facts"]["metrics"][0]["metric"] == metric
    assert run["measured"]["character_error_rate"] < 3


def test_a_run_says_how_it_spells(run: dict[str, Any]):
    """The spelling stands in the bundle beside the rule, and in the record with what each width gives and costs."""
    evidence, manifest = run["evidence"], run["manifest"]
    (points,) = (each["points"] for each in evidence["spellings"] if each["trial"] == run["chosen"])
    (chosen,) = (point for point in points if point["chosen"])
    assert manifest["spelling"] == {"width": chosen["width"], "rest": chosen["rest"]} == evidence["symbols"]["spelling"]
    assert "rule" in manifest
    assert [point["width"] for point in points] == [1, 4, 16][: len(points)]
    assert all(point["seconds"] > 0 and point["later"] >= 0 for point in points)
    plain = calibration.Calibration.none(3).as_json()
    told = {name: manifest["calibration"][name] for name in ("scale", "bias")}
    assert (told == {name: plain[name] for name in told}) == (run["metric"] == "character_error_rate")


def test_the_report_and_the_terminal_say_so(run: dict[str, Any]):
    """In words and figures, with the score's own name on the ladder."""
    page, lines_ = render(run), terminal(run)
    for words in ("Symbols", "Spellings", "the likeliest class", "connectionist temporal classification"):
        assert words in page
    assert f"{run['metric']}: known session" in lines_
    assert "Symbols:" in lines_
    assert "character error rate" in lines_


def test_recordings_in_which_nothing_happens_cannot_score(tmp_path: Path):
    """One line before anything is fitted."""
    path = recordings(tmp_path)
    held = dict(np.load(tmp_path / "band.npz"))
    np.savez(
        tmp_path / "band.npz", **{**held, "labels": np.where(np.arange(len(held["labels"])) < 4800, held["labels"], 0)}
    )
    job = stated(
        "labels",
        split="group:who",
        metric="event_error_rate",
        moments={"rest": "0", "person": "who"},
        signals={"rate": "100 Hz"},
    )
    with pytest.raises(PlimsollError, match="Nothing happens in the recordings"):
        ask(job, path, None)


def test_events_that_score_a_trial_are_decided_crosswise():
    """By the rule that the other half chose, under the job's limits; one chosen by all would flatter."""
    line, target = lines(8)
    answers = np.random.default_rng(0).dirichlet(np.ones(4), len(target)) * 0.5 + 0.5 * sure(target, 0.7)
    truth, job = Truth(target, {}, line), asked("event_error_rate")
    found = unseen(job, truth, np.arange(len(target)), answers)
    due = rule.crossed(Known(line, target, found.given.answers), job.limits, job.seed, job.score)
    assert (found.given.said["events"] == due).all()
    assert (due >= 0).any()


def test_under_limits_the_score_chooses_among_the_rules_that_keep_them():
    """The rule that finds the most errs more than one that is as lawful and finds a little less."""
    here = torn()
    limits = parse("false_activations_per_hour < 5000")
    finds, errs = (rule.chosen(here, limits, score).best for score in ("macro_f1", "event_error_rate"))
    assert finds.figure("detection_rate") > errs.figure("detection_rate")
    assert finds.figure("event_error_rate") > errs.figure("event_error_rate")
    assert not limits.judge(errs.measured)


def test_what_spells_is_not_blended():
    """Nothing is pooled by a log loss that its answers do not have; a search of events still asks for more time than none."""
    search: Any = type("Search", (), {"job": asked(), "served": 1.0})()
    assert offers.blended(search, 1e9) is None


def test_a_server_watches_no_score_that_rows_do_not_have(tmp_path: Path):
    """The score on the test rows is read over and the rest is watched; of a bundle that decodes nothing it is a fault."""
    facts = {"metrics": [{"metric": "event_error_rate", "value": 0.2, "low": 0.1, "high": 0.3}]}
    assert watching._test(facts, spelling(1)) is None
    with pytest.raises(BundleError, match="no metric of such a job"):
        watching._test(facts, replace(spelling(1), job=replace(spelling(1).job, decode=None)))
