"""A stream is answered as the whole signal is, whatever happens to its packets on their way; and what happened is counted."""

from __future__ import annotations

import collections
import dataclasses
import json
import math
import random
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll import streaming
from plimsoll.errors import DataError, JobError, RequestError
from plimsoll.job import Sensor
from plimsoll.predict import Loaded
from plimsoll.recipe import Model
from plimsoll.rows import Rows, Signals
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.counters import Counters
from plimsoll.serve.line import Line
from plimsoll.serve.outbox import Outbox, Overflow
from plimsoll.serve.packets import NUMBERS, Hello, Packet, hello, packed, read
from plimsoll.serve.session import Event, Moment, Session
from plimsoll.serve.stream_counts import StreamCounts
from plimsoll.serve.streams import Bounds, Drift, Gaps, Reorder, Rush, ahead
from stream_toys import JOB, LAYOUT, RATE, Onset, signal, toy

BUNDLE = toy()
SAMPLES, LABELS = signal(9.0, seed=5)
SIZE = 5  # frames of a packet


def session(bundle: Any = BUNDLE, rule: Any = None) -> Session:
    """A stream of the toy, with a rule of its own where one is given."""
    made = Session(bundle, bundle.model(), "P01")
    made._rule = rule
    made._open()
    return made


def packets(samples: Any = SAMPLES) -> list[Packet]:
    """Packets of five frames, each with the time at which its last one was taken."""
    frames = np.asarray(samples, dtype=np.float32)
    return [Packet(k // SIZE, (k + SIZE) / RATE, frames[k : k + SIZE]) for k in range(0, len(frames), SIZE)]


def heard(sent: Iterable[tuple[float, Packet]], rule: Any = None, **bounds: Any) -> tuple[Line, list[dict[str, Any]]]:
    """A line that has heard packets at their times, and all that it told, each message taken at once."""
    line = Line(session(rule=rule), Hello(format="int8"), Bounds(**{"rush": 1e9, **bounds}))
    told = []
    for now, packet in sent:
        while line.due is not None and line.due < now:
            list(line.lapse(line.due))
        list(line.hear(packed(packet.seq, packet.sent, packet.frames, "int8"), now))
        if (message := line.outbox.take()) is not None:
            told.append(json.loads(message))
    list(line.hear('{"end": true}', now))
    told.append(json.loads(line.outbox.take(line.summary()) or b""))
    return line, told


def in_time(sent: Iterable[Packet]) -> list[tuple[float, Packet]]:
    """Each packet as its last frame is taken."""
    return [(packet.sent, packet) for packet in sent]


def moments(told: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [moment for message in told for moment in message["moments"]]


def plain(told: Iterable[Any]) -> list[Any]:
    """Moments and events as JSON has them."""
    return json.loads(msgspec.json.encode(list(told)))  # type: ignore[no-any-return]  # a list


def whole(samples: Any = SAMPLES) -> list[Any]:
    """What is answered where all of the signal comes at once."""
    return plain(session().step(samples))


def alike(found: list[Any], due: list[Any]) -> bool:
    """The same but for the last digits of probabilities, which hang on where in memory a window lies."""
    names = [[(name, each.get(name)) for name in ("prediction", "label")] for each in (*found, *due)]
    figures = [
        [each["at"], *each.get("probabilities", {"": each.get("probability")}).values()] for each in (*found, *due)
    ]
    many = len(found)
    return (
        many == len(due)
        and names[:many] == names[many:]
        and all(np.allclose(one, other, 1e-6, 1e-9) for one, other in zip(figures[:many], figures[many:], strict=True))
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 90), min_size=1, max_size=30))
def test_chunks_of_any_size_give_what_the_whole_gives(sizes: list[int]):
    """With the same events."""
    one, many = session(rule=Onset()), session(rule=Onset())
    cuts = np.minimum(np.cumsum([0, *sizes]), len(SAMPLES))
    told = [each for begin, end in pairwise(cuts) for each in many.step(SAMPLES[begin:end])]
    assert alike(plain(told), plain(one.step(SAMPLES[: cuts[-1]])))


def test_a_stream_answers_as_rows_do():
    """A moment of a stream is a row whose signal ends there."""
    ends = np.arange(20, len(SAMPLES) + 1, 5)
    rows = Rows(len(ends), {"emg": Signals(SAMPLES, np.zeros_like(ends), ends)})
    batch = BUNDLE.model().predict(rows)
    told = session().step(SAMPLES)
    assert np.allclose([list(each.probabilities.values()) for each in told], batch, atol=1e-9)


def filtered() -> Any:
    """The toy, of a sensor that comes at 200 Hz and is brought to 100 Hz and filtered."""
    return toy(
        job=dataclasses.replace(JOB, signals=Sensor(rate=200.0, resample=100.0, low=5.0, high=40.0, heard=200.0))
    )


def test_a_stream_is_made_ready_as_it_comes():
    """Samples come at the sensor's rate; moments are where they would be had all been made ready at once. A gap begins it anew."""
    bundle = filtered()
    fast = np.repeat(SAMPLES, 2, axis=0).astype(np.float32)
    ready = streaming.prepared(bundle.job, bundle.schema)
    assert ready is not None
    frames = ready.push(fast)
    ends = np.arange(20, len(frames) + 1, 5)
    rows = Rows(len(ends), {"emg": Signals(frames, np.zeros_like(ends), ends)})
    stream = Session(bundle, bundle.model())
    assert stream.rate == 200.0
    told = [each for k in range(0, len(fast), 7) for each in stream.step(fast[k : k + 7])]
    assert [each.at for each in told] == pytest.approx((ends / RATE).tolist())
    found = np.array([list(each.probabilities.values()) for each in told])
    assert np.allclose(found, bundle.model().predict(rows), atol=1e-6)
    assert stream.seconds == pytest.approx(len(frames) / RATE)
    assert np.allclose(stream.values()[0], frames[-50:], atol=1e-3)
    before = stream.seconds
    stream.restart(lost=200)
    assert stream.seconds == pytest.approx(before + 1.0)
    assert [each.at - before - 1.0 for each in stream.step(fast[:200])] == pytest.approx(
        [each.at for each in told[:17]]
    )


def test_rows_together_are_made_ready_as_each_alone():
    """A list at /predict, and the row by itself; and what is watched of it."""
    answerer = Answerer(filtered())
    row = {"emg": np.repeat(SAMPLES, 2, axis=0)[:200].tolist()}
    one, many = (json.loads(answerer.answer(json.dumps(body).encode())) for body in (row, [row, row]))
    assert many[1]["probabilities"] == pytest.approx(one["probabilities"])
    (cells,) = answerer.cells(json.dumps(row).encode())
    assert len(cells[0]) == 100  # type: ignore[arg-type]  # a signal


def test_a_state_may_be_gone_on_from_twice():
    """What one branch heard is not in the other's window."""

    class Sums:
        reach = 4

        def answer(self, values: Any) -> list[float]:
            return [float(values[0].sum())]

    model = streaming.Windowed(Sums(), 4, 1)  # type: ignore[arg-type]  # a model as far as it is asked
    _, before = model.step(np.ones((3, 1), dtype=np.float32), model.start(4, 1))
    one, _ = model.step(np.full((2, 1), 10.0, dtype=np.float32), before)
    other, _ = model.step(np.full((2, 1), 100.0, dtype=np.float32), before)
    again, _ = model.step(np.full((2, 1), 10.0, dtype=np.float32), before)
    assert (one.ravel().tolist(), other.ravel().tolist()) == ([13.0, 22.0], [103.0, 202.0])
    assert again.tolist() == one.tolist()


def test_events_come_with_the_moment_that_decides_them():
    """An event stands behind its moment, and says what the data call the class."""
    told = session(rule=Onset()).step(SAMPLES)
    events = [(place, each) for place, each in enumerate(told) if isinstance(each, Event)]
    assert [each.label for _, each in events] == [1, 2]
    for place, event in events:
        before = told[place - 1]
        assert isinstance(before, Moment)
        assert (before.at, before.prediction, before.probabilities[str(event.label)]) == (
            event.at,
            event.label,
            event.probability,
        )
        assert LABELS[round(event.at * RATE) - 1] == event.label


@pytest.mark.parametrize(
    ("chunk", "says"),
    [
        ([[1.0, 2.0, 3.0]], "A chunk has 3 channels, and this bundle hears 2"),
        ([1.0, 2.0], "of shape (2,)"),
        (np.zeros((2, 2, 2)), "of shape (2, 2, 2)"),
        ([[1.0, 2.0], [3.0]], "not all of 2 channels"),
        ([[1.0, math.nan]], 'Frame 0 of a chunk has nan in channel "emg1"'),
        ([[1.0, 1.0], [1e39, 1.0]], 'Frame 1 of a chunk has 1e+39 in channel "emg0"'),
        ([["a", "b"]], "holds text"),
        ([[True, False]], "holds booleans"),
        ([[1j, 2.0]], "holds complex numbers"),
        ([[None, 1.0]], "holds objects"),
        ("emg", "holds text"),
        (None, "holds objects"),
    ],
)
def test_a_chunk_that_is_none_is_refused_in_a_line_and_changes_nothing(chunk: Any, says: str):
    """The stream goes on as if it had not come."""
    stream = session()
    stream.step(SAMPLES[:30])
    with pytest.raises(
        DataError, match="(?s)" + says.replace("(", r"\(").replace(")", r"\)").replace("+", r"\+")
    ) as found:
        stream.step(chunk)
    assert "\n" not in str(found.value)
    other = session()
    assert alike(plain(stream.step(SAMPLES[30:60])), plain(other.step(SAMPLES[:60])[3:]))


def test_lists_integers_and_no_frames_are_chunks():
    """What comes from JSON is as good as an array."""
    one, other = session(), session()
    assert alike(plain(one.step(SAMPLES[:40].tolist())), plain(other.step(SAMPLES[:40].astype(np.int16))))
    assert one.step([]) == [] == one.step(np.zeros((0, 2)))


def test_somebody_unknown_is_answered_by_what_holds_for_everybody():
    """A name that no model knows is no fault; what is no name is."""
    loaded = Loaded(Answerer(BUNDLE))
    assert alike(plain(loaded.start("nobody").step(SAMPLES)), whole())
    assert alike(plain(loaded.start().step(SAMPLES)), whole())
    assert loaded.start("P01").beside == ("P01",)
    assert loaded.start(3).beside == ("3",)
    with pytest.raises(DataError, match="Give the name"):
        loaded.start(1.5)  # type: ignore[arg-type]  # what is asked
    rows = dataclasses.replace(BUNDLE, job=dataclasses.replace(BUNDLE.job, decode=None))
    with pytest.raises(JobError, match="answers rows, not streams"):
        Loaded(Answerer(rows)).start()


def test_packets_that_come_in_order_are_answered_as_the_whole():
    """And nothing is counted as a fault."""
    line, told = heard(in_time(packets()))
    assert alike(moments(told), whole())
    assert not any(line.counts.faults.values())
    assert told[-1]["ended"]["frames"] == len(SAMPLES)


def test_packets_that_are_doubled_and_out_of_order_are_answered_as_the_whole():
    """Planted: neighbours change places, every seventh comes twice, one comes long after."""
    sent = packets()
    order = list(range(len(sent)))
    for place in range(3, len(order) - 1, 10):
        order[place], order[place + 1] = order[place + 1], order[place]
    order = [copy for place in order for copy in ([place, place] if place % 7 == 0 else [place])]
    line, told = heard([(0.04 * when, sent[place]) for when, place in enumerate([*order, 4])])
    assert alike(moments(told), whole())
    assert line.counts.faults["doubled"] == sum(place % 7 == 0 for place in range(len(sent))) + 1
    assert line.counts.faults["reordered"] == len(range(3, len(sent) - 1, 10))
    assert line.counts.faults["lost"] == 0


def test_a_lost_packet_is_filled_with_its_last_frame():
    """Planted: one packet is lost. Moments stay where they were, and those long after are as without the loss."""
    sent = packets()
    line, told = heard(in_time(sent[:50] + sent[51:]))
    assert [moment["at"] for moment in moments(told)] == [moment["at"] for moment in whole()]
    filled = SAMPLES.copy()
    filled[250:255] = filled[249]
    assert alike(moments(told), whole(filled))
    assert (line.counts.faults["lost"], line.counts.faults["filled"], line.counts.faults["restarted"]) == (1, 5, 0)


def test_a_long_gap_begins_the_stream_anew_and_says_so():
    """Planted: a second is lost. No moment looks across it, and times stay true."""
    sent = packets()
    line, told = heard(in_time(sent[:50] + sent[70:]))
    again = next(message["restarted"] for message in told if "restarted" in message)
    assert again == {"at": 3.5, "lost": 100}
    after = [moment for moment in moments(told) if moment["at"] > 2.5]
    alone = [{**moment, "at": moment["at"] + 3.5} for moment in whole(SAMPLES[350:])]
    assert alike(after, alone)
    assert (line.counts.faults["lost"], line.counts.faults["restarted"], line.session.restarts) == (20, 1, 1)


def test_what_comes_after_it_was_given_up_is_late():
    """Planted: one packet comes a second after its turn. It is counted, and changes nothing."""
    sent = packets()
    late = in_time(sent[:50] + sent[51:])
    line, told = heard([*late[:70], (late[69][0], sent[50]), *late[70:]])
    _, without = heard(late)
    assert alike(moments(told), moments(without))
    assert (line.counts.faults["late"], line.counts.faults["doubled"]) == (1, 0)


def test_a_missing_packet_is_waited_for_no_longer_than_is_bounded():
    """By the clock where nothing else comes, and by the frames that wait where much does."""
    one = np.zeros((10, 2), dtype=np.float32)
    by_clock = Reorder(most=1_000, patience=0.1)
    assert [len(by_clock.put(Packet(seq, 0.0, one), 0.0)) for seq in (0, 2)] == [1, 0]
    assert (by_clock.due, by_clock.lapse(0.09), len(by_clock.lapse(0.1)), by_clock.due) == (0.1, [], 1, None)
    by_frames = Reorder(most=25, patience=1e9)
    assert [len(by_frames.put(Packet(seq, 0.0, one), 0.0)) for seq in (0, 2, 3, 4)] == [1, 0, 0, 3]


def test_a_sender_that_begins_anew_is_heard_again():
    """Its numbers begin at 0 in mid-stream: after a few packets that look old it is believed."""
    sent = packets()
    line, told = heard([(0.05 * when, packet) for when, packet in enumerate([*sent[100:150], *sent[:60]])])
    assert line.counts.faults["restarted"] == 1
    assert len([moment for moment in moments(told) if moment["at"] > 2.6]) > 20


@given(st.integers(0, NUMBERS - 1), st.integers(-1_000, 1_000))
def test_numbers_of_packets_go_round(seq: int, step: int):
    """Four thousand million packets on, the order is still known."""
    assert ahead((seq + step) % NUMBERS, seq) == step


def test_packets_are_ordered_over_the_end_of_their_numbers():
    """The packet after the last number is number 0."""
    line = Reorder(most=100, patience=1.0)
    one = np.zeros((1, 2), dtype=np.float32)
    told = [line.put(Packet(seq % NUMBERS, 0.0, one), 0.0) for seq in (NUMBERS - 2, NUMBERS, NUMBERS - 1, NUMBERS + 1)]
    assert [packet.seq for each in told for packet in each] == [NUMBERS - 2, NUMBERS - 1, 0, 1]


def test_a_sender_says_how_long_a_missing_packet_is_waited_for():
    """Not at all: what comes next is answered at once, and what comes late is late."""
    line = Line(session(), Hello(format="int8", reorder=0.0, fill=0.0), Bounds(rush=1e9))
    sent = packets()
    for packet in (*sent[:6], sent[7]):
        list(line.hear(packed(packet.seq, packet.sent, packet.frames, "int8"), packet.sent))
    assert (line.counts.faults["lost"], line.counts.faults["restarted"], line.due) == (1, 1, None)


def test_a_number_from_nowhere_says_nothing_of_time():
    """A hostile jump does not move the stream's clock by years."""
    gaps = Gaps(10)
    one = np.zeros((1, 2), dtype=np.float32)
    gaps.before(Packet(0, 0.0, one))
    found = gaps.before(Packet(2**30, 0.0, one))
    assert found is not None
    assert (found.frames, found.filled) == (0, None)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.0, 0.3))
def test_every_moment_comes_once_and_in_order_whatever_happens(seed: int, share: float):
    """Lost, doubled, late and shuffled at random: no moment is told twice, none out of turn, none at a time that was not."""
    rng = random.Random(seed)
    sent = []
    for packet in packets():
        for _ in range(rng.choices([0, 1, 2], [share, 1.0 - share, share / 2])[0]):
            sent.append((packet.sent + (rng.random() * 0.4 if rng.random() < share else 0.0), packet))
    sent = sorted(sent, key=lambda each: each[0]) or in_time(packets()[:1])
    _, told = heard(sent)
    at = [moment["at"] for moment in moments(told)]
    assert at == sorted(set(at))
    assert all(abs(when * 20 - round(when * 20)) < 1e-6 for when in at)


def test_a_clock_that_drifts_is_found_out_and_said_once():
    """Planted: samples come 2 % too fast, by a clock that says otherwise."""
    samples = np.concatenate([SAMPLES] * 3)
    line, told = heard([(packet.sent / 1.02, packet) for packet in packets(samples)])
    warned = [message["warning"] for message in told if "warning" in message]
    assert warned == ["Samples come at 102 a second, and not at 100."]
    assert line.counts.faults["drifted"] == 1
    assert line.clocks()["rate"] == pytest.approx(102.0, rel=1e-3)
    assert line.clocks()["clock"] == pytest.approx(1 / 1.02 - 1, abs=1e-3)


def test_delays_that_come_and_go_are_no_drift():
    """Packets in rushes of a fifth of a second, by a clock that is right."""
    line, _ = heard([(math.ceil(packet.sent * 5) / 5, packet) for packet in packets(np.concatenate([SAMPLES] * 3))])
    assert line.counts.faults["drifted"] == 0
    assert line.clocks()["rate"] == pytest.approx(RATE, rel=3e-3)


def test_a_sender_without_a_clock_has_none_that_drifts():
    """Its samples are a clock as well."""
    line, _ = heard([(packet.sent, packet._replace(sent=math.nan)) for packet in packets()])
    assert "clock" not in line.clocks()
    assert "samples" in line.clocks()


def test_a_rush_is_counted_and_answered():
    """Planted: twice, a second of packets comes at once."""
    sent = in_time(packets())
    for begin in (40, 100):
        sent[begin : begin + 20] = [(sent[begin + 19][0], packet) for _, packet in sent[begin : begin + 20]]
    line, told = heard(sent)
    assert alike(moments(told), whole())
    assert line.counts.faults["bursts"] == 2


def test_signal_that_comes_too_fast_for_long_is_refused():
    """Ten seconds may come at once, and then twice the rate; not three times."""
    rush = Rush(100.0, times=2.0, rush=10.0)
    assert rush.takes(1_000, 0.0)
    assert all(rush.takes(10, 0.051 * k) for k in range(1, 200))
    assert not all(rush.takes(10, 10.2 + 0.033 * k) for k in range(1, 2_000))
    with pytest.raises(RequestError, match="more than 2 times the rate") as found:
        heard([(0.0, packet) for packet in packets()], rush=1.0)
    assert found.value.status == 429


def test_a_slow_reader_loses_moments_that_are_counted_and_no_event():
    """Nothing is taken for the whole signal: the last moments are there, all events, and how many moments are not."""
    line = Line(session(rule=Onset()), Hello(format="int8"), Bounds(rush=1e9, moments=10))
    for packet in packets():
        list(line.hear(packed(packet.seq, packet.sent, packet.frames, "int8"), packet.sent))
    told = json.loads(line.outbox.take() or b"")
    assert alike(told["moments"], whole()[-10:])
    assert told["thinned"] == len(whole()) - 10 == line.counts.faults["thinned"]
    assert [event["label"] for event in told["events"]] == [1, 2]
    assert line.outbox.take() is None


def test_where_even_events_are_too_many_the_stream_ends():
    """A reader that would lose an event is told so, not spared it."""
    line = Line(session(rule=Onset(always=True)), Hello(format="int8"), Bounds(rush=1e9, events=20))
    sent = (packed(packet.seq, packet.sent, packet.frames, "int8") for packet in packets())
    with pytest.raises(Overflow) as found:
        collections.deque(each for place, data in enumerate(sent) for each in line.hear(data, 0.05 * place))
    assert found.value.waiting == 21


def test_an_outbox_says_each_thing_once():
    """What was taken is gone, notes among it."""
    box = Outbox(10, 10)
    box.note(warning="one")
    box.note(warning="two")
    assert json.loads(box.take() or b"")["warning"] == "two"
    assert not box


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "body looks like"),
        ("[]", "body looks like"),
        ('{"rate": 1000}', "hears 100 frames a second, not 1000"),
        ('{"rate": -100}', "not -100"),
        ('{"format": "int64"}', "format"),
        ('{"who": "me"}', "unknown field"),
        ('{"person": 1.5}', "person"),
        ('{"reorder": 3}', "reorder"),
    ],
)
def test_a_first_message_that_is_none_is_refused(text: str, says: str):
    """In one line, with how it looks."""
    with pytest.raises(RequestError, match=says):
        hello(text, LAYOUT)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not 12 of header"),
        (b"\0" * 15, "whole frames of 2 × int16"),
        (packed(0, math.inf, np.zeros((1, 2)), "int16"), "time of a packet is inf"),
        (packed(0, 0.0, np.zeros((101, 2)), "int16"), "a packet of 101 frames is too large"),
        ('{"seq": -1}', "seq"),
        ('{"seq": 0, "frames": [[1, 2, 3]]}', "3 channels"),
        ('{"seq": 0, "frames": [[1, 1e39]]}', "Give finite"),
        ('{"seq": 0, "frames": 3}', "frames"),
        ("nonsense", "body looks like"),
    ],
)
def test_a_packet_that_is_none_is_refused(data: Any, says: str):
    """Whatever comes."""
    with pytest.raises(RequestError, match=says):
        read(data, Hello(format="int16"), LAYOUT, 100)


def test_bytes_where_json_was_said_to_come_are_refused():
    """The two cannot be told apart by looking."""
    with pytest.raises(RequestError, match="JSON was said to come"):
        read(b"\0" * 14, Hello(format="json"), LAYOUT, 100)


@pytest.mark.parametrize("form", ["int8", "int16", "float32"])
@pytest.mark.parametrize("clock", ["seconds", "microseconds"])
def test_a_packet_is_read_as_it_was_written(form: str, clock: str):
    """Number, time and samples come back."""
    asked = Hello(format=form, clock=clock)  # type: ignore[arg-type]  # one of those
    found = read(packed(NUMBERS + 7, 12.345678, SAMPLES[:9], form, clock), asked, LAYOUT, 100)
    assert isinstance(found, Packet)
    assert (found.seq, round(found.sent, 6)) == (7, 12.345678)
    assert found.frames.dtype == np.float32
    assert np.array_equal(found.frames, SAMPLES[:9])


def test_a_packet_of_floats_that_are_none_is_refused():
    """A sensor's fault is not passed on to the model."""
    frames = np.zeros((3, 2), dtype=np.float32)
    frames[1, 1] = math.nan
    with pytest.raises(RequestError, match='Frame 1 of a chunk has nan in channel "emg1"'):
        read(packed(0, 0.0, frames), Hello(), LAYOUT, 100)


def test_counts_of_several_workers_are_added_up():
    """As those of requests are; and a server without streams says nothing of them."""
    one, other = Counters(), Counters()
    one.streams = StreamCounts()
    one.streams.faults["lost"] = 3
    one.streams.open = 1
    one.streams.end("slow")
    other.add(json.loads(json.dumps(one.state())))
    other.add(one.state())
    assert other.streams is not None
    assert 'plimsoll_stream_faults_total{kind="lost"} 6' in other.text()
    assert 'plimsoll_streams_ended_total{why="slow"} 2' in other.text()
    assert "stream" not in Counters().text()


def test_drift_is_not_told_before_it_is_known():
    """Two seconds say nothing of a clock."""
    drift = Drift()
    for k in range(200):
        drift.note(0.01 * k, 0.01 * k)
    assert drift.share is None


def test_the_model_is_asked_for_no_more_than_its_window(monkeypatch: pytest.MonkeyPatch):
    """However long a stream is, what is kept of it is bounded, and the window is a view of it."""
    bundle = toy()
    model: Model = bundle.model()
    seen: list[Any] = []
    answer = type(model).answer
    monkeypatch.setattr(type(model), "answer", lambda self, values: (seen.append(values[0]), answer(self, values))[1])
    stream = Session(bundle, model)
    for _ in range(20):
        for k in range(0, len(SAMPLES), 5):
            stream.step(SAMPLES[k : k + 5])
    assert max(len(window) for window in seen) == 20
    assert max(window.base.nbytes for window in seen) <= 5 * 20 * 2 * 4 + 5 * 8
    assert len(stream.values()[0]) == 50  # type: ignore[arg-type]  # a signal


def test_a_model_without_an_answer_ends_in_a_line():
    """A probability that is not finite is not given out as a small one."""
    stream = session()

    class Nothing:
        reach = 1

        def answer(self, values: Any) -> list[float]:
            return [math.nan, 0.5, 0.5]

    stream._model = Nothing()  # type: ignore[assignment]  # a model as far as it is asked
    stream._open()
    with pytest.raises(RequestError, match="no finite answer"):
        stream.step(SAMPLES[:30])
