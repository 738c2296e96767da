"""Events are decided alike in a stream and at once, and no silent, chattering or late decoder scores well."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decode_toys import CLASSES, FIRST, RATE, STRIDE, joined, stream, sure
from plimsoll import edits, event_figures, events, matching
from plimsoll.errors import DataError, JobError
from plimsoll.events import Rule, Timeline

THREE = ((1, 100, 150), (2, 200, 250), (3, 300, 350))
QUICK = Rule(threshold=0.9, votes=2, every=1, hold=0.25)


def scored(labels: np.ndarray, line: Timeline, target: np.ndarray, rule: Rule = QUICK) -> dict[str, float]:
    """The figures of a decoder that is sure of these labels."""
    decided = events.decisions(rule, sure(labels), line)
    return {name: value for name, (_, value, _) in event_figures.figures(line, target, decided).each.items()}


@st.composite
def answers(draw: st.DrawFn) -> np.ndarray:
    """Probabilities that dwell on a class for a while, and waver."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = np.repeat(random.integers(0, CLASSES, 60), random.integers(1, 12, 60))[:200]
    noise = random.dirichlet(np.full(CLASSES, draw(st.sampled_from([0.2, 1.0]))), len(labels))
    return 0.6 * sure(labels) + 0.4 * noise


rules = st.builds(
    Rule,
    threshold=st.sampled_from([0.2, 0.3, 0.5, 0.7, 0.9]),
    votes=st.integers(1, 6),
    every=st.integers(1, 4),
    hold=st.sampled_from([0.0, 0.05, 0.1, 0.25, 1.0]),
    rest=st.integers(0, CLASSES - 1),
)


@given(rules, answers(), st.integers(1, 50))
def test_a_stream_in_chunks_decides_what_is_decided_at_once(rule: Rule, probabilities: np.ndarray, size: int):
    """Whatever the rule and the chunks, ``step`` gives the events that ``decisions`` gives."""
    line, _ = stream(moments=len(probabilities))
    state, found = rule.start(FIRST, STRIDE, RATE), []
    for begin in range(0, len(probabilities), size):
        made, state = rule.step(probabilities[begin : begin + size], state)
        found += [(each.frame, each.label) for each in made]
    decided = events.decisions(rule, probabilities, line)
    at = np.flatnonzero(decided >= 0)
    assert found == list(zip(line.ends[at].tolist(), decided[at].tolist(), strict=True))


@given(rules, answers(), st.integers(0, 9))
def test_the_order_of_rows_changes_no_decision(rule: Rule, probabilities: np.ndarray, seed: int):
    """Rows of folds come in any order; decisions stay with their moments."""
    line, _ = stream(moments=len(probabilities))
    shuffled = np.random.default_rng(seed).permutation(len(probabilities))
    decided = events.decisions(rule, probabilities[shuffled], line.take(shuffled))
    assert (decided == events.decisions(rule, probabilities, line)[shuffled]).all()


def test_a_run_has_one_event_and_a_flicker_within_the_hold_is_the_same_run():
    """A gap shorter than the hold fires no second time; one longer does."""
    labels = np.zeros(100, dtype=np.int64)
    labels[10:20] = labels[23:30] = labels[60:70] = 1  # gaps of 4 and 31 moments of 50 ms
    line, _ = stream(moments=100)
    assert np.flatnonzero(events.decisions(Rule(0.9, 2, 1, 0.25), sure(labels), line) >= 0).tolist() == [11, 61]
    assert np.flatnonzero(events.decisions(Rule(0.9, 2, 1, 0.1), sure(labels), line) >= 0).tolist() == [11, 24, 61]


def test_votes_for_two_classes_do_not_add_up():
    """A decoder that wavers between two classes is not sure of either."""
    labels = np.zeros(60, dtype=np.int64)
    labels[20:40] = np.arange(20) % 2 + 1
    line, _ = stream(moments=60)
    assert (events.decisions(Rule(0.9, 2), sure(labels), line) < 0).all()


def test_votes_end_where_a_stream_does():
    """Two votes at the end of one stream and one at the start of the next are not three, close together though they lie."""
    one, two = stream(moments=50), stream(moments=50, start=540)
    line, target = joined(one, two)
    labels = np.zeros(100, dtype=np.int64)
    labels[48:51] = 1
    assert (events.decisions(Rule(0.9, 3), sure(labels), line) < 0).all()
    assert (events.decisions(Rule(0.9, 2), sure(labels), line) >= 0).sum() == 1
    assert target.sum() == 0


def test_a_perfect_decoder_finds_all_and_is_late_by_its_votes():
    """Detection 1, no errors; the delay is the wait for the first moment, 20 ms here, and one vote of 50 ms more."""
    line, target = stream(*THREE)
    found = scored(target, line, target)
    assert found["detection_rate"] == 1.0
    assert found["event_error_rate"] == found["false_activations_per_hour"] == found["wrong_class_share"] == 0.0
    assert found["delay_p50"] == found["delay_p99"] == pytest.approx(0.070)


def test_a_silent_decoder_finds_nothing_and_its_error_is_one():
    """The trap of scores that look only at what was said: silence is no success, and has no delay to boast of."""
    line, target = stream(*THREE)
    found = scored(np.zeros_like(target), line, target)
    assert found["detection_rate"] == 0.0
    assert found["event_error_rate"] == 1.0
    assert "delay_p50" not in found
    assert "delay_p99" not in found


def test_a_chattering_decoder_is_worse_than_silence():
    """Hits bought with a stream of false alarms: everything is found, and the error is above one."""
    line, target = stream(*THREE)
    labels = np.where(np.arange(len(target)) % 20 < 4, 1 + np.arange(len(target)) // 20 % 3, target)
    found = scored(labels, line, target)
    assert found["event_error_rate"] > 1.0
    assert found["false_activations_per_hour"] > 60.0


def test_a_wrong_class_is_no_detection():
    """An event with a decision of another class upon it is missed, and said to be mistaken for it."""
    line, target = stream(*THREE)
    found = scored(np.where(target == 2, 1, target), line, target)
    assert found["detection_rate"] == pytest.approx(2 / 3)
    assert found["wrong_class_share"] == pytest.approx(1 / 3)
    assert found["event_error_rate"] == pytest.approx(1 / 3)
    assert found["false_activations_per_hour"] == 0.0  # it did not happen at rest
    assert found["unmatched_per_hour"] > 0.0


def test_an_event_is_found_once_and_the_second_decision_is_a_false_alarm():
    """Two decisions within one event: one matches, the other does not."""
    line, target = stream((1, 100, 150))
    labels = target.copy()
    labels[120:130] = 0
    found = scored(labels, line, target)
    assert found["detection_rate"] == 1.0
    assert found["unmatched_per_hour"] == pytest.approx(3600 / (400 * 0.05))
    assert found["event_error_rate"] == 1.0  # an insertion over one event


@pytest.mark.parametrize(("moment", "hit"), [(98, False), (99, True), (155, True), (156, False)])
def test_a_decision_counts_from_just_before_the_onset_until_just_after_the_end(moment: int, hit: bool):
    """The onset lies 4 frames before moment 100, so 50 ms before it are 6 frames before moment 99; 250 ms after the end are
    5 moments."""
    line, target = stream((1, 100, 150))
    decided = np.full(len(target), -1)
    decided[moment] = 1
    found = event_figures.figures(line, target, decided).each
    assert found["detection_rate"][1] == float(hit)


def test_decisions_between_two_near_events_go_to_both():
    """Both decisions may find either event: the earlier takes the earlier, and the later is left with the other."""
    line, target = stream((1, 100, 110), (1, 113, 130))
    held = events.pieces(line)
    decided = np.full(len(target), -1)
    decided[[113, 114]] = 1  # within 250 ms of the first one's end, and within the second
    true = matching.happened(line, target, held)
    assert matching.matched(true, events.placed(decided, held), held, RATE).tolist() == [0, 1]


def brute(true: matching.Happened, made: events.Fired, held: events.Pieces) -> list[int]:
    """Decisions in the order of time, each taking the earliest free event that it may find."""
    found = [-1] * len(true.labels)
    when, piece = held.frames[made.at], held.piece[made.at]
    for k in np.argsort(when, kind="stable"):
        for e in np.argsort(true.lasts, kind="stable"):
            near = true.onsets[e] - 10 <= when[k] <= true.lasts[e] + 50
            if found[e] < 0 and near and true.piece[e] == piece[k] and true.labels[e] == made.labels[k]:
                found[e] = int(k)
                break
    return found


@given(st.integers(0, 2**32 - 1))
def test_matching_is_that_of_going_through_the_decisions_one_by_one(seed: int):
    """The quick way gives what the plain way gives, also where events of a class lie close together."""
    random = np.random.default_rng(seed)
    labels = np.repeat(random.integers(0, 3, 80), random.integers(1, 7, 80))[:200]
    one, two = stream(moments=100), stream(moments=100, start=50_000)
    line, _ = joined(one, two)
    labels = np.resize(labels, 200)
    onsets = line.ends - 4
    same = np.flatnonzero((labels[1:] == labels[:-1]) & (np.arange(1, 200) != 100)) + 1
    for k in same:
        onsets[k] = onsets[k - 1]
    line = Timeline(line.streams, line.ends, onsets, RATE, FIRST, STRIDE)
    held = events.pieces(line)
    decided = np.where(random.random(200) < 0.4, random.integers(1, 3, 200), -1)
    true, made = matching.happened(line, labels, held), events.placed(decided, held)
    assert matching.matched(true, made, held, RATE).tolist() == brute(true, made, held)


def test_a_piece_that_begins_within_an_event_counts_it_from_there():
    """What was true before the first moment that is known is nobody's to have found."""
    line, target = stream((1, 100, 150))
    rows = np.arange(120, 400)
    found = scored(target[rows], line.take(rows), target[rows])
    assert found["delay_p50"] == pytest.approx(0.05)


def test_the_delay_is_the_sum_of_its_parts():
    """Wait for the stride, window, votes and compute add up to the mean delay, and the votes are what the rule takes."""
    line, target = stream(*THREE)
    late = np.roll(target, 3)  # three moments until the window has filled
    decided = events.decisions(Rule(0.9, 4, 1, 0.25), sure(late), line)
    found = event_figures.figures(line, target, decided, votes=0.15, compute=0.001)
    assert found.parts == pytest.approx({"label": 0.0, "stride": 0.02, "window": 0.15, "votes": 0.15, "compute": 0.001})
    assert sum(found.parts.values()) == pytest.approx(found.each["delay_p50"][1])


def test_a_label_delay_is_part_of_the_delay():
    """Where labels say what was true 100 ms before, a decision at the first labelled moment is 100 ms late at least."""
    line, target = stream((1, 100, 150))
    delayed = Timeline(line.streams, line.ends, line.onsets - 20, RATE, FIRST, STRIDE, delay=20)
    decided = events.decisions(Rule(0.9, 1), sure(target), delayed)
    found = event_figures.figures(delayed, target, decided)
    assert found.each["delay_p50"][1] == pytest.approx(0.12)
    assert found.parts["label"] == pytest.approx(0.1)
    assert found.parts["stride"] == pytest.approx(0.02)


def test_intervals_are_drawn_over_people():
    """One person of five is never understood: the interval is that of so few, and holds the value."""
    streams = [stream(*THREE, start=20_000 * k) for k in range(5)]
    line, target = joined(*streams)
    who = np.repeat(np.arange(5), 400)
    decided = events.decisions(QUICK, sure(np.where(who == 0, 0, target)), line)
    low, value, high = event_figures.figures(line, target, decided, who).each["detection_rate"]
    assert value == pytest.approx(0.8)
    assert low < 0.6
    assert high == 1.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"threshold": float("nan")}, "not a number"),
        ({"threshold": 1.5}, "between 0 and 1"),
        ({"votes": 0}, "votes"),
        ({"votes": 2.5}, "whole numbers"),
        ({"votes": 10**9}, "votes"),
        ({"hold": -1.0}, "hold"),
        ({"hold": float("inf")}, "not a number"),
        ({"rest": True}, "not a number"),
        ({"every": "often"}, "not a number"),
        ({"extra": 1}, "has threshold"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_in_one_line(change: dict[str, object], says: str):
    """A bundle is hostile until it has been checked."""
    with pytest.raises(JobError, match=says) as caught:
        Rule.from_json({**Rule().as_json(), **change})
    assert "\n" not in str(caught.value)


def test_a_rule_reads_back_as_it_was_written():
    """All its parts, with their types."""
    rule = Rule(0.35, 4, 2, 0.5, 3)
    assert Rule.from_json(rule.as_json()) == rule


def plain(truth: list[int], given: list[int]) -> int:
    """Levenshtein's distance by its definition."""
    if not truth or not given:
        return len(truth) + len(given)
    kept = plain(truth[1:], given[1:]) + (truth[0] != given[0])
    return min(kept, plain(truth[1:], given) + 1, plain(truth, given[1:]) + 1)


short = st.lists(st.integers(0, 2), max_size=6)


@given(short, short)
def test_edits_are_the_fewest_there_are(truth: list[int], given: list[int]):
    """The total is that of the definition, and the counts are of one way that leads there."""
    found = edits.distance(truth, given)
    assert found.total == plain(truth, given)
    assert found.insertions - found.deletions == len(given) - len(truth)
    assert min(found.substitutions, found.insertions, found.deletions) >= 0
    back = edits.distance(given, truth)
    assert (back.insertions, back.deletions) == (found.deletions, found.insertions)


def test_edits_of_long_sequences_are_quick():
    """Two thousand symbols against as many take no recursion and no table."""
    truth = np.arange(2_000) % 7
    assert edits.distance(truth, np.delete(truth, [5, 900])) == edits.Edits(deletions=2)


def test_edits_are_of_sequences():
    """A table is refused."""
    with pytest.raises(DataError, match="one dimension"):
        edits.distance(np.zeros((2, 2), dtype=np.int64), [1])
