"""Which version answers now, which did before, and which may next.

A change is one assignment between two requests: those that were put on the desk before it are answered by the one or the
other, and none waits or fails. What answered before stays loaded, so that going back takes no time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plimsoll.errors import UserError
from plimsoll.serve.desk import Ways
from plimsoll.serve.journal import tell
from plimsoll.serve.rival import Comparison, Side
from plimsoll.serve.version import Version


@dataclass(frozen=True)
class Rival:
    """A version beside the one that answers, and how the two compare on each path; ``share`` of the requests it answers."""

    version: Version
    share: float
    told: dict[bytes, Comparison]

    def as_json(self) -> dict[str, Any]:
        paths = {path.decode(): told.as_json() for path, told in self.told.items()}
        return {**self.version.as_json(), "share": self.share, "compared": paths}


class Served:
    """What a server answers with; ``ways`` are asked at every turn."""

    def __init__(self, version: Version) -> None:
        self.now = version
        self.before: Version | None = None
        self.rival: Rival | None = None
        self.ways: Ways = version.ways

    def swap(self, version: Version) -> None:
        """Lets another version answer from now on. Its policy takes over the counters that both define alike."""
        if version.gate is not None and self.now.gate is not None:
            version.gate.inherit(self.now.gate)
        self._change(version)

    def back(self) -> None:
        """Lets the version before answer again. Raises UserError where there is none."""
        if self.before is None:
            raise UserError("There is no version to go back to: nothing has been swapped since the server began.")
        self.swap(self.before)

    def challenge(self, version: Version, share: float = 0.0) -> None:
        """Puts a version beside; it answers a ``share`` of the requests, and the others as a shadow."""
        ways = {path: way for path, way in version.ways.items() if path in self.now.ways}
        told = {path: Comparison() for path in ways}
        sides = {path: Side(self.now.ways[path], way, share, told[path]) for path, way in ways.items()}
        self.rival = Rival(version, share, told)
        self.ways = {**self.now.ways, **sides}

    def promote(self) -> None:
        """Lets the version beside take over."""
        if self.rival is None:
            raise UserError("There is no version beside to promote.")
        self._change(self.rival.version)

    def dismiss(self) -> None:
        """Sends the version beside away."""
        self.rival, self.ways = None, self.now.ways

    def _change(self, version: Version) -> None:
        self.before, self.now, self.rival = self.now, version, None
        self.ways = version.ways
        was, now = self.before.as_json(), version.as_json()
        sentence = f"Another version answers: {now.get('bundle', '')} {now['digest'][:12]}".rstrip() + "."
        tell("swapped", sentence, before=_which(was), now=_which(now))

    def as_json(self) -> dict[str, Any]:
        return {
            "now": self.now.as_json(),
            "before": self.before.as_json() if self.before is not None else None,
            "rival": self.rival.as_json() if self.rival is not None else None,
        }


def _which(told: dict[str, Any]) -> dict[str, Any]:
    """What a line of the log says of a version."""
    return {name: told[name] for name in ("bundle", "digest", "policy", "policy_version") if told.get(name)}
