"""The blocks of code in a page, by the word behind their first fence."""

from __future__ import annotations

from pathlib import Path


def blocks(page: Path, language: str) -> list[str]:
    """Every block of a language, without its fences; ``""`` for those with no word."""
    found: list[str] = []
    inside: str | None = None
    for line in page.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("```"):
            inside = line[3:].strip() if inside is None else None
            if inside == language:
                found.append("")
        elif inside == language:
            found[-1] += line
    return found
