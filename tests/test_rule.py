"""The decision rule: chosen on answers that were not learned from, held to the limits on events, and carried in the bundle."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from decode_toys import joined, stream, sure
from plimsoll import bundle, events, goal, rule, scoring
from plimsoll.errors import BundleError, JobError, LimitError
from plimsoll.events import Rule
from plimsoll.job import Decode, Job
from plimsoll.limits import Limits, parse
from plimsoll.rule import Known
from plimsoll.truth import Truth
from plimsoll.worth import Given
from serving_toys import toy

EVENTS = ((1, 60, 110), (2, 160, 210), (3, 260, 310))


def known(noise: float = 0.1, streams: int = 6, seed: int = 0) -> Known:
    """Answers that flicker at a share of the moments, mostly towards a class that is not there, sure of themselves or not."""
    random = np.random.default_rng(seed)
    line, target = joined(*(stream(*EVENTS, start=20_000 * k) for k in range(streams)))
    wrong = random.random(len(target)) < noise
    labels = np.where(wrong, random.integers(0, 4, len(target)), target)
    likely = random.uniform(0.55, 0.99, (len(target), 1))
    answers = likely * sure(labels, 1.0) + (1 - likely) * random.dirichlet(np.ones(4), len(target))
    return Known(line, target, answers, np.repeat(np.arange(streams), 400))


def torn(streams: int = 12, seed: int = 0) -> Known:
    """Events of which some are answered half-heartedly, and bursts at rest of which some look sure: more found is more made up."""
    random = np.random.default_rng(seed)
    line, target = joined(*(stream(*EVENTS, start=20_000 * k) for k in range(streams)))
    spell = (np.arange(len(target)) + 40) // 50  # an event is one, and what lies between two
    labels, likely = target.copy(), random.uniform(0.32, 0.97, spell[-1] + 1)[spell]
    burst = (random.random(spell[-1] + 1) < 0.3)[spell] & (target == 0)
    labels[burst] = 1 + spell[burst] % 3
    answers = likely[:, None] * sure(labels, 1.0) + (1 - likely[:, None]) * np.eye(4)[0]
    return Known(line, target, answers, np.repeat(np.arange(streams), 400))


def test_without_limits_the_rule_errs_least():
    """No rule of the grid has decided sequences that are nearer to what happened, of those that were compared."""
    here = known()
    choice = rule.chosen(here, Limits())
    least = min(here.erring(each).figure("event_error_rate") for each in choice.tried)
    assert choice.best.figure("event_error_rate") == least
    assert choice.best.figure("detection_rate") > 0.9
    assert choice.best.rule.votes > 1  # one vote would take every flicker for an event


def test_a_limit_on_false_activations_is_kept_and_most_is_found_under_it():
    """The stricter the limit, the less is found, and never the limit passed where it can be kept."""
    here = known(noise=0.3)
    loose, strict = (rule.chosen(here, parse(f"false_activations_per_hour < {most}")) for most in (200, 20))
    assert loose.best.figure("false_activations_per_hour") < 200
    assert strict.best.figure("false_activations_per_hour") < 20
    assert loose.best.figure("detection_rate") >= strict.best.figure("detection_rate")
    rivals = [each for each in strict.tried if not parse("false_activations_per_hour < 20").judge(each.at(0.95))]
    assert strict.best.figure("detection_rate") == max(each.figure("detection_rate") for each in rivals)


def test_a_limit_on_detection_alone_does_not_make_up_the_most():
    """Of the rules that find enough, the one that errs least; the one that finds the most would fire at every flicker."""
    here = torn()
    enough = rule.chosen(here, parse("detection_rate > 0.5"))
    most = max(enough.tried, key=lambda each: (each.figure("detection_rate"), -each.mistakes))
    assert enough.best.figure("detection_rate") > 0.5
    assert enough.best.figure("false_activations_per_hour") < most.figure("false_activations_per_hour")
    assert enough.best.figure("event_error_rate") < here.erring(most).figure("event_error_rate")


def test_the_limits_are_kept_with_room_to_spare_where_that_can_be():
    """A rule at the very edge of a limit would pass it on every other day."""
    here = torn()
    tempting = 0  # at its edge a limit would allow a rule that finds more
    for most in (190, 300):
        limits = parse(f"false_activations_per_hour < {most}")
        choice = rule.chosen(here, limits)
        assert choice.best.at(0.95).middle("false_activations_per_hour") < most
        found = choice.best.figure("detection_rate")
        tempting += any(
            not limits.judge(each.measured) and each.figure("detection_rate") > found for each in choice.tried
        )
    assert tempting


def test_a_limit_on_the_delay_takes_a_quick_rule():
    """Ten votes find as much, and take too long."""
    quick = rule.chosen(known(), parse("delay_p99 < 150 ms")).best
    assert quick.figure("delay_p99") < 0.15
    assert quick.rule.votes * quick.rule.every < 4


def test_what_a_step_takes_is_part_of_the_delay_that_is_chosen_by():
    """A decoder that takes 100 ms a step has less left for votes."""
    slow = replace(known(), compute=0.1)
    found = rule.chosen(slow, parse("delay_p99 < 200 ms")).best
    assert 0.1 < found.figure("delay_p99") < 0.2


def test_where_no_rule_keeps_the_limits_the_nearest_shows_by_how_much():
    """A rule there always is; the limits judge it."""
    limits = parse("detection_rate > 99.9 %, false_activations_per_hour < 1")
    choice = rule.chosen(known(noise=0.6), limits)
    assert limits.judge(choice.best.measured)


def test_a_silent_model_has_a_rule_and_no_delay():
    """Nothing found has no delay, so that a limit on it is not kept."""
    here = known()
    silent = replace(here, probabilities=sure(np.zeros_like(here.target)))
    best = rule.chosen(silent, Limits()).best
    assert best.figure("event_error_rate") == 1.0
    assert best.measured.middle("delay_p50") is None
    assert parse("delay_p99 < 9 s").judge(best.measured)


def test_nothing_on_the_frontier_is_beaten():
    """Each has fewer false activations, more found, or less delay than every other."""
    choice = rule.chosen(known(noise=0.3), Limits())
    edge = choice.frontier()
    names = ("false_activations_per_hour", "delay_p50")
    corners = [(*(each.figure(name) for name in names), -each.figure("detection_rate")) for each in edge]
    assert len(edge) > 2
    for one in corners:
        assert not any(all(a <= b for a, b in zip(other, one, strict=True)) for other in corners if other != one)
    best = max(each.figure("detection_rate") for each in choice.tried)
    assert max(each.figure("detection_rate") for each in edge) == best


def test_each_half_is_decided_by_the_rule_that_the_other_half_chose():
    """A half in which a class is shouted at rest makes the other half strict, and not itself."""
    quiet, loud = known(noise=0.0, streams=4), known(noise=0.6, streams=4, seed=1)
    line, target = joined((quiet.timeline, quiet.target), (loud.timeline, loud.target))
    line = replace(line, streams=line.streams + np.repeat([0, 10**6], 1600), ends=line.ends + np.repeat([0, 10**6], 1600),
                   onsets=line.onsets + np.repeat([0, 10**6], 1600))  # fmt: skip
    both = Known(line, target, np.concatenate([quiet.probabilities, loud.probabilities]), np.repeat([0, 1], 1600))
    made = rule.crossed(both, Limits(), seed=0)
    strict, mild = (rule.chosen(each, Limits()).best.rule for each in (loud, quiet))
    assert strict != mild
    assert (made[:1600] == events.decisions(strict, quiet.probabilities, quiet.timeline)).all()
    assert (made[1600:] == events.decisions(mild, loud.probabilities, loud.timeline)).all()


def test_limits_on_events_are_measured_each_on_the_rows_that_it_speaks_of():
    """A share of what was found, a time, and the same of one person only; what is of moments stays of moments."""
    limits = parse(
        "detection_rate > 80 %, delay_p99 < 300 ms, detection_rate[who=p0] > 0.5, accuracy > 0.5, event_error_rate < 1"
    )
    assert [str(limit) for limit in limits][:2] == ["detection_rate > 0.8", "delay_p99 < 300 ms"]
    line, target = joined(stream(*EVENTS), stream(*EVENTS, start=20_000))
    first = np.arange(800) < 400
    truth = Truth(target, {"detection_rate[who=p0]": first}, line)
    labels = np.where(first, 0, target)
    decided = events.decisions(Rule(0.9, 2), sure(labels), line)
    found = scoring.qualities(limits, truth, Given(sure(labels), labels, {"events": decided}), compute=0.01)
    assert found.middle("detection_rate") == 0.5
    assert found.middle("detection_rate[who=p0]") == 0.0
    assert found.middle("delay_p99") == pytest.approx(0.08)
    assert found.middle("event_error_rate") == 0.5
    assert found.middle("accuracy") == pytest.approx(np.mean(labels == target))
    assert [breach.limit.key for breach in limits.judge(found)] == ["detection_rate[who=p0]", "detection_rate"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("detection_rate < 0.8", "is written with >"),
        ("delay_p99 < 80 %", "not a time"),
        ("detection > 0.8", "detection_rate"),
    ],
)
def test_a_limit_on_events_that_cannot_be_is_refused(text: str, says: str):
    """The side and the unit are those of the figure."""
    with pytest.raises(LimitError, match=says):
        parse(text)


def test_events_can_be_limited_and_not_be_what_chooses():
    """A silent model, or a hasty one, has the best of each; no curve is drawn of any."""
    for name in ("detection_rate", "false_activations_per_hour", "delay_p50", "shift_robustness"):
        with pytest.raises(JobError, match=r"silent.*Write it as a limit.*event_error_rate"):
            Job("gesture", metric=name, decode=Decode())
    with pytest.raises(LimitError, match="not one quality"):
        goal.read("detection_rate > 0.9")


def test_a_limit_of_thousands_is_read_again_as_it_was_written():
    """A run writes its limits as text for the processes of its trials, where a comma would part one limit from the next."""
    limits = parse("false_activations_per_hour < 10000, rmse < 25000")
    assert parse([str(limit) for limit in limits]) == limits


def decoder() -> bundle.Bundle:
    return replace(toy(), job=replace(toy().job, decode=Decode()), rule=Rule(0.8, 2, rest=1))


def test_a_bundle_carries_its_rule(tmp_path: Path):
    """It is read back as it was written; a bundle that decodes nothing has none, and says nothing of it."""
    bundle.write(tmp_path / "b", decoder())
    assert bundle.read(tmp_path / "b").rule == Rule(0.8, 2, rest=1)
    bundle.write(tmp_path / "plain", toy())
    assert bundle.read(tmp_path / "plain").rule is None
    assert "rule" not in json.loads((tmp_path / "plain" / "bundle.json").read_text())


@pytest.mark.parametrize(
    "change",
    [{"rest": 99}, {"votes": 0}, {"threshold": 2.0}, {"hold": 1e9}, {"every": None}, {"rest": -1}, {"votes": 1e300}],
)
def test_a_hostile_rule_is_refused(tmp_path: Path, change: dict[str, object]):
    """In one line, whatever it says."""
    bundle.write(tmp_path / "b", decoder())
    place = tmp_path / "b" / "bundle.json"
    value = json.loads(place.read_text())
    place.write_text(json.dumps({**value, "rule": {**value["rule"], **change}}))
    with pytest.raises(BundleError, match="rule") as caught:
        bundle.read(tmp_path / "b")
    assert "\n" not in str(caught.value)


def test_a_rule_for_rows_is_refused(tmp_path: Path):
    """A job that does not decode decides no events."""
    with pytest.raises(BundleError, match="not one for this job"):
        bundle.write(tmp_path / "b", replace(decoder(), job=toy().job))
