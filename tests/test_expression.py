"""Expressions: what may be said, and one clear line for everything else."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.errors import PolicyError
from plimsoll.policy.expression import DEEPEST, LONGEST, parse, truth
from plimsoll.policy.terms import FUNCTIONS, Type, Words

WORDS = Words(
    {"age": Type.NUMBER, "text": Type.TEXT, "sent": Type.TIME, "old": Type.TRUTH, "a b": Type.TEXT},
    {"bad": ("x", "y")},
    {"bar": 0.5},
    ("no", "yes"),
)


@pytest.mark.parametrize(
    ("text", "gives"),
    [
        ("age + 1 * 2 - 3 / 4", Type.NUMBER),
        ("-age < 3", Type.TRUTH),
        ("1 < age <= 3", Type.TRUTH),
        ("text in bad and not old", Type.TRUTH),
        ("lower(text)", Type.TEXT),
        ("hour(sent) >= 22 or weekday(sent) == 6", Type.TRUTH),
        ("score('yes') >= bar", Type.TRUTH),
        ("or_else(age, 0) > 1", Type.TRUTH),
        ("missing(field('a b'))", Type.TRUTH),
        ("matches(text, r'\\bfree\\b')", Type.TRUTH),
        ("sent - sent", Type.NUMBER),
    ],
)
def test_what_an_expression_gives_is_known_before_any_event(text: str, gives: Type):
    """Each part has a type, and so has the whole."""
    assert parse(text, WORDS, "rule").type is gives


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("agee < 3", 'rule: "agee" is no field. Did you mean "age"?'),
        ("age < 'x'", "rule: \"'x'\" is a text, and is compared with a number."),
        ("text < 'x'", 'rule: "text" is a text, which is neither more nor less than another.'),
        ("age", 'rule: "age" gives a number, and true or false is due. Write a comparison.'),
        ("age and old", 'rule: "age" is a number, and true or false is due.'),
        ("text in ['a', 3]", "rule: \"['a', 3]\" holds a number, and a text is looked for."),
        ("text in bat", 'rule: "bat" is no list. Did you mean "bad"?'),
        ("bad == 'x'", 'rule: "bad" is a list. Write: field in bad.'),
        ("a == 'x'", 'rule: "a" is no field. Write: field("a b").'),
        ("score('maybe') > 0.5", 'rule: the model has no class "maybe". There are: no, yes.'),
        ("score() > 0.5", 'rule: "score()" must name a class: score("no").'),
        ("lenght(text) > 3", 'rule: "lenght" is no function. Did you mean "length"?'),
        ("contains(text, text)", 'rule: "text" must be written out in quotes.'),
        ("length(text, 3) > 2", 'rule: "length(text, 3)" has 2 parts, and 1 are due.'),
        ("age == None", 'rule: "None" is no value: write missing(…) to ask whether one is there.'),
        ("age > 1e999", 'rule: "1e999" is too large a number.'),
        ("age is 3", 'rule: "3" is compared with "is": write == or missing(…).'),
        ("age <", 'rule: "age <" cannot be read'),
        ("matches(text, '(')", "rule: the pattern"),
        ("matches(text, '\\bfree')", "rule: a pattern holds a control character. Put an r before the quotes: r'…'."),
        ("matches(text, r'(?=x)')", 'rule: "(?=x" in a pattern is not known.'),
        ("matches(text, r'(a)\\1')", 'rule: "\\1" in a pattern is not known.'),
    ],
)
def test_a_mistake_is_told_in_one_line(text: str, says: str):
    """Where, what was found, and what to write."""
    with pytest.raises(PolicyError) as told:
        truth(text, WORDS, "rule")
    assert str(told.value).startswith(says)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "text",
    [
        "text.upper() == 'X'",
        "text[0] == 'x'",
        "[x for x in bad] == 1",
        "(lambda: 1)() > 0",
        "__import__('os').system('ls')",
        "age if old else 3",
        "f'{age}' == '3'",
        "age ** 9999999 > 1",
        "'x' * 999999999 == text",
        "age // 2 > 1",
        "(age := 3) > 1",
        "min(*bad) > 1",
        "length(text=text) > 1",
        "b'x' == text",
        "1j > 2",
        "... == age",
        "await age",
        "not age < 3 < text",
        "{'a': 1} == 1",
        "age @ age > 1",
    ],
)
def test_nothing_but_the_language_is_taken(text: str):
    """No attribute, no index, no loop, no call of anything else; nothing of it is ever run."""
    with pytest.raises(PolicyError):
        truth(text, WORDS, "rule")


def test_an_expression_has_bounds():
    """Neither a long one nor a deep one is carried out."""
    with pytest.raises(PolicyError, match="letters"):
        truth("age > 1 or " * LONGEST + "old", WORDS, "rule")
    with pytest.raises(PolicyError, match="deep"):
        truth("not " * (DEEPEST + 2) + "old", WORDS, "rule")
    with pytest.raises(PolicyError):
        truth("(" * 900 + "old" + ")" * 900, WORDS, "rule")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str):
    """Whatever is written there is a term, or one line that begins with its place."""
    try:
        parse(text, WORDS, "rule")
    except PolicyError as told:
        assert str(told).startswith("rule: ")  # noqa: PT017


def test_every_function_is_carried_out_by_both_ends():
    """A function that is listed has its Python and its Polars."""
    from plimsoll.policy import history, online

    done = {*online._LOOKS, *online._SOURCES} & {*history._PLAIN, *history._WRITTEN}
    assert set(FUNCTIONS) <= done


def test_what_is_compiled_holds_no_letter_of_the_user(monkeypatch: pytest.MonkeyPatch):
    """Names, texts and patterns of a rule are bound as values, so no text of a policy can become code."""
    from plimsoll.policy import online

    seen: list[str] = []
    monkeypatch.setattr(
        online, "compile", lambda source, *rest: seen.append(source) or compile(source, *rest), raising=False
    )
    term = truth("text in ['sneaky'] or contains(text, 'sneaky') or matches(text, 'sneaky')", WORDS, "rule")
    online.compiled([term], ["text"])
    assert "sneaky" not in seen[0]
    assert "text" not in {node.id for node in ast.walk(ast.parse(seen[0])) if isinstance(node, ast.Name)}
