"""The row and the answer as the peers' typed interfaces know them."""

from __future__ import annotations

from pydantic import BaseModel


class Row(BaseModel):
    n0: float
    n1: float
    n2: float
    n3: float
    n4: float
    n5: float
    n6: float
    n7: float
    c0: str
    c1: str
    c2: str
    c3: str
    c4: str
    c5: str
    c6: str


class Answer(BaseModel):
    prediction: str
    probabilities: dict[str, float]


class Rows(BaseModel):
    rows: list[Row]
