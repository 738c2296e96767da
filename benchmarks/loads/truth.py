"""What a server that is swapped may answer: one version's answer or the other's, and after a swap was confirmed only the new."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plimsoll.serve.version import DECIDE, PREDICT, Origin, load

PATHS = (DECIDE.decode(), PREDICT.decode())


@dataclass
class Truth:
    """Answers by version, path and event; and which versions have stood, in their order."""

    bodies: Sequence[bytes]
    answers: Mapping[str, Mapping[str, Sequence[Any]]]
    _stood: list[str] = field(default_factory=list)
    _sure: int = 0  # from here on a version may answer

    def begins(self, version: str) -> None:
        """From now on this one may answer too."""
        self._stood.append(version)

    def confirmed(self) -> None:
        """From now on no other may answer than the last that began."""
        self._sure = len(self._stood) - 1

    def mark(self) -> int:
        """To be taken as a request is sent."""
        return self._sure

    def allows(self, mark: int, path: str, event: int, answer: Any) -> bool:
        """Whether a version that stood since the mark gives this answer."""
        return any(self.answers[version][path][event] == answer for version in set(self._stood[mark:]))


def known(origins: Mapping[str, Origin], bodies: Sequence[bytes]) -> Truth:
    """The answers as they are in process, without a server. Ends the run where the versions cannot be told apart."""
    answers: dict[str, dict[str, list[Any]]] = {}
    for name, origin in origins.items():
        ways = load(origin).ways
        answers[name] = {path: [json.loads(ways[path.encode()].answer(body)) for body in bodies] for path in PATHS}
    first, second = answers.values()
    alike = sum(one == other for path in PATHS for one, other in zip(first[path], second[path], strict=True))
    if alike:
        raise SystemExit(f"The two versions answer {alike} events alike, so they cannot be told apart.")
    return Truth(bodies, answers)


def policies(template: Path, folder: Path) -> dict[str, Path]:
    """Two policies of ten rules, with other names and other thresholds."""
    text = template.read_text().replace("[lists]", "audit = 0.002\n\n[lists]")
    changes = {"a": ("0.95", "0.85", "1"), "b": ("0.9", "0.8", "2")}
    made = {}
    for name, (block, review, version) in changes.items():
        made[name] = folder / f"policy_{name}.toml"
        told = text.replace("= 0.95", f"= {block}").replace("= 0.85", f"= {review}")
        told = told.replace('version = "1"', f'version = "{version}"').replace('name = "', f'name = "{name} ')
        made[name].write_text(told)
    return made
