"""The statement of reasons: what is said to the person whom a decision befalls, from a template in the policy.

What it should hold follows Article 17 of the European Digital Services Act: what was decided, on what ground, whether by
machine, and what can be done about it.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from plimsoll.errors import PolicyError, nearest
from plimsoll.policy.records import number_of
from plimsoll.policy.rules import Policy

TEMPLATE = """\
On $time we decided: $outcome.

Why: $because

This was decided $automated, by version $version of our policy "$policy". The decision has the number $id.
If you think that it is wrong, you can appeal, and a person who did not decide it will look at it again."""
_WORDS = ("time", "outcome", "because", "automated", "version", "policy", "id")


def check(template: str) -> None:
    """Raises PolicyError where a template asks for what is not known.

    >>> check("We decided $outcom.")
    Traceback (most recent call last):
    plimsoll.errors.PolicyError: statement: "$outcom" is not known. Did you mean "outcome"?
    """
    for found in string.Template.pattern.finditer(template):
        name = found["named"] or found["braced"]
        if found["invalid"] is not None:
            raise PolicyError("statement: a $ stands alone. Write $$ for one that should be shown.")
        if name is not None and name not in _WORDS:
            raise PolicyError(f'statement: "${name}" is not known. {nearest(name, _WORDS)}')


def statement(policy: Policy, record: Mapping[str, Any], reviewer: bool = False) -> str:
    """What is said of a recorded decision; ``reviewer``: a person has made it."""
    reasons = {rule.name: rule.because for rule in policy.rules}
    because = [reasons.get(name, "") for name in record["by"]]
    moment = datetime.fromtimestamp(record["at"], UTC)
    words = {
        "time": f"{moment:%Y-%m-%d %H:%M} UTC",
        "outcome": record["outcome"],
        "because": " ".join(dict.fromkeys(reason for reason in because if reason)) or "no rule gave a reason.",
        "automated": "by a person" if reviewer else "by a machine, with no person taking part",
        "version": policy.version or policy.digest[:12],
        "policy": policy.name,
        "id": number_of(record),
    }
    return string.Template(policy.statement or TEMPLATE).substitute(words)
