"""Which of very many points lie near one, without looking at all: from neighbour to neighbour through a graph in which few steps
lead from any point to any other (HNSW, Malkov and Yashunin 2018), as faiss walks it.

Of 200,000 points of 200 numbers (sentences of Python's documentation by LSA) looking at all takes 6.7 ms on one thread, and the graph
0.7 ms with 99.2 % of the first ten. faiss would read a graph from a file that anybody may have written with a program that trusts it. So a
bundle holds plain arrays: which points each is linked with, layer by layer. They are checked before faiss is given them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import top
from plimsoll.clock import Clock
from plimsoll.dense import Points
from plimsoll.errors import MissingExtra
from plimsoll.scorer import scalar, taken

Array = NDArray[Any]
LEAST = 50_000  # points from which on a graph is worth its while
_DEEP = 100  # how far down a list the graph is asked; for what is further down all points are looked at
_GIVEN = 200  # points that the graph gives
_LINKS = 32  # of a point in a layer; twice as many in the lowest
_BREADTH = 200  # points that are kept in mind while a point is linked
_FOUND = 0.98  # of the first ten, that the graph finds at least: the lower end of a 95 % interval over queries
_FIRST = 10
_ALIKE = 1e-6  # of cosines
_BREADTHS = (200, 400, 800)  # and while one is looked for: as few as find so many
_ASKED = 400  # points that it is settled by
_SURE = 1.645  # standard errors
_LAYERS = 12
_PIECE = 10_000
_PREFIX = "world."
_ARRAYS = "layers links entry breadth"


@dataclass(frozen=True)
class SmallWorld:
    """A graph of ``points`` of length one. ``layers``, shape (points,): in how many layers each is, the lowest first; ``links``: in each of
    these the points that it is linked with, 64 in the lowest and 32 in the others, -1 where there are fewer. A walk begins at ``entry``, and
    keeps ``breadth`` points in mind."""

    points: Points
    layers: NDArray[np.uint8]
    links: NDArray[np.int32]
    entry: int
    breadth: int

    def towards(self, point: Points, also: Array | None = None) -> NDArray[np.float32]:
        """The cosine with one of the points that lie nearest, and of those that are named ``also``; zero for the others, shape
        (``top.room(many)``,)."""
        found = np.zeros(top.room(len(self.points)), dtype=np.float32)
        places = self.near(point)
        places = places if also is None else np.concatenate([places, also])
        found[places] = self.points.take(places, axis=0) @ point
        return found

    def near(self, point: Points) -> NDArray[np.int64]:
        """The numbers of the nearest points, nearly all of them."""
        return self._walked(point, self.breadth)

    def _walked(self, point: Points, breadth: int) -> NDArray[np.int64]:
        how = _faiss().SearchParametersHNSW(efSearch=breadth)
        found: NDArray[np.int64] = self._index.search(point[None], _GIVEN, params=how)[1][0]
        return found[found >= 0]

    def found(self, point: Points, edge: float, breadth: int) -> float:
        """The share of the first ten, those with a cosine of ``edge`` or more, that a walk of this breadth gives. Points may be alike."""
        given = self.points.take(self._walked(point, breadth), axis=0) @ point
        return min(1.0, float((given >= edge - _ALIKE).sum()) / _FIRST)

    @cached_property
    def _index(self) -> Any:
        """The graph as faiss has it, over a copy of the points."""
        faiss = _faiss()
        made = faiss.IndexHNSWFlat(self.points.shape[1], _LINKS, faiss.METRIC_INNER_PRODUCT)
        made.storage.add(self.points)
        made.ntotal, graph = len(self.points), made.hnsw
        faiss.copy_array_to_vector(self.layers.astype(np.int32), graph.levels)
        faiss.copy_array_to_vector(_begins(self.layers).astype(np.uint64), graph.offsets)
        faiss.copy_array_to_vector(np.ascontiguousarray(self.links), graph.neighbors)
        graph.entry_point, graph.max_level = self.entry, int(self.layers[self.entry]) - 1
        return made

    def arrays(self) -> dict[str, Array]:
        return {f"{_PREFIX}{name}": np.asarray(getattr(self, name)) for name in _ARRAYS.split()}


def every(depth: int, among: object | None) -> bool:
    """Whether all points are looked at for a list so long, of those ``among`` all that may be listed (None: all of them)."""
    return among is not None or depth > _DEEP


def made(points: Points, asked: Iterable[Points], seed: int = 0, clock: Clock | None = None) -> SmallWorld | None:
    """The graph of points of length one, walked as narrowly as finds what the points ``asked`` about lie nearest to. None where points
    are few enough to look at all, where a walk does not find them or the time is up, and where faiss is not installed."""
    if len(points) < LEAST or find_spec("faiss") is None or not (some := list(islice(asked, _ASKED))):
        return None
    found = _linked(points, seed, clock)
    if found is None:
        return None
    edges = [np.partition(points @ point, -_FIRST)[-_FIRST] for point in some]
    for breadth in _BREADTHS:
        held = [found.found(point, edge, breadth) for point, edge in zip(some, edges, strict=True)]
        if np.mean(held) - _SURE * np.std(held) / len(held) ** 0.5 >= _FOUND:
            return replace(found, breadth=breadth)
    return None


def _linked(points: Points, seed: int, clock: Clock | None) -> SmallWorld | None:
    """On one thread, so that the same points are linked in the same way."""
    faiss = _faiss()
    index = faiss.IndexHNSWFlat(points.shape[1], _LINKS, faiss.METRIC_INNER_PRODUCT)
    graph = index.hnsw
    graph.efConstruction, graph.rng = _BREADTH, faiss.RandomGenerator(seed)
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        for begin in range(0, len(points), _PIECE):
            if clock is not None:
                clock.note("linking", begin / len(points))
                if clock.up:
                    return None
            index.add(points[begin : begin + _PIECE])
    finally:
        faiss.omp_set_num_threads(threads)
    layers, links = (faiss.vector_to_array(each) for each in (graph.levels, graph.neighbors))
    return SmallWorld(points, layers.astype(np.uint8), links, int(graph.entry_point), _BREADTHS[0])


def parted(arrays: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Those of the arrays that are a graph's, and the others."""
    own = {name: array for name, array in arrays.items() if name.startswith(_PREFIX)}
    return own, {name: array for name, array in arrays.items() if name not in own}


def of(arrays: Mapping[str, Array], points: Points) -> SmallWorld | None:
    """The graph of these points that ``arrays`` wrote, None of none. Raises ValueError where they cannot be one, and MissingExtra without
    faiss."""
    if not arrays:
        return None
    layers, links, entry, breadth = taken({name.removeprefix(_PREFIX): each for name, each in arrays.items()}, _ARRAYS)
    found = SmallWorld(points, layers, links, int(scalar(entry, "entry")), int(scalar(breadth, "breadth")))
    _check(found)
    found._index  # noqa: B018  # whoever asks first is not the one who waits for it
    return found


def _check(world: SmallWorld) -> None:
    """Raises ValueError where a walk could leave the arrays."""
    many, layers, links = len(world.points), world.layers, world.links
    if layers.dtype != np.uint8 or layers.shape != (many,) or not many or layers.min() < 1 or layers.max() > _LAYERS:
        raise ValueError(f"layers of {layers.dtype} and shape {layers.shape} for {many} points")
    begins = _begins(layers)
    if links.dtype != np.int32 or links.shape != (begins[-1],) or links.min() < -1 or links.max() >= many:
        raise ValueError(f"links of {links.dtype} and shape {links.shape} for {many} points")
    if not (0 <= world.entry < many and layers[world.entry] == layers.max() and world.breadth in _BREADTHS):
        raise ValueError(f"a walk that begins at {world.entry} and keeps {world.breadth} in mind")
    for layer in range(1, int(layers.max())):
        there = np.flatnonzero(layers > layer)
        own = links[(begins[there] + _LINKS * (layer + 1))[:, None] + np.arange(_LINKS)]
        if (layers[own[own >= 0]] <= layer).any():
            raise ValueError(f"links of layer {layer} that lead out of it")


def _begins(layers: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where the links of each point begin, and where all end."""
    return np.concatenate([[0], np.cumsum((layers.astype(np.int64) + 1) * _LINKS)])


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise MissingExtra(
            "A search by meaning over very many documents needs faiss. Write: pip install 'plimsoll[vectors]'"
        ) from None
    return faiss


def memory(documents: float, rank: float) -> float:
    """Bytes that a graph holds: its links, and a copy of the points."""
    return 4.0 * documents * (rank + 2.2 * _LINKS) if documents >= LEAST else 0.0


def work(documents: float, rank: float) -> float:
    """Operations of linking the points."""
    return 2.0 * rank * _BREADTH * _LINKS * documents if documents >= LEAST else 0.0
