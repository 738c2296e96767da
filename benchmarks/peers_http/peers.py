"""The servers that are compared: what each needs, how it is started, what it is asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

APPS = Path(__file__).parent
MODEL = (f"lightgbm=={version('lightgbm')}", f"scikit-learn=={version('scikit-learn')}", "pandas")
BUNDLE = tuple(f"{name}=={version(name)}" for name in ("msgspec", "safetensors", "onnxruntime", "onnx"))
QUICK = ("uvicorn", "uvloop", "httptools")  # what makes uvicorn quick; every peer gets it
NEEDS: dict[str, tuple[str, ...]] = {
    "fastapi": ("fastapi", *QUICK, *MODEL, *BUNDLE),
    "mlflow": ("mlflow", *QUICK, *MODEL),
    "bentoml": ("bentoml", *QUICK, *MODEL),
    "litserve": ("litserve", *QUICK, *MODEL),
}
TOLD = (  # what a figure depends on
    *("fastapi", "starlette", "pydantic", "uvicorn", "uvloop", "httptools", "mlflow", "bentoml", "litserve"),
    *("lightgbm", "scikit-learn", "pandas", "numpy", "onnxruntime", "msgspec"),
)


class CannotRun(Exception):
    """Why a peer has no figures."""


@dataclass(frozen=True)
class Peer:
    """``command`` is filled with: bin, apps, port, model (a folder), bundle, python (our own)."""

    name: str
    what: str
    home: str  # whose environment it runs in; "" is our own
    command: tuple[str, ...]
    path: str = "/predict"
    body: bytes = b"%b"  # around the row
    ours: bool = False  # whether it answers with our bundle


def uvicorn(app: str) -> tuple[str, ...]:
    """The command that serves an app of this folder as quickly as uvicorn can."""
    quiet = ("--no-access-log", "--no-server-header", "--no-date-header", "--log-level", "warning")
    return ("{bin}/uvicorn", "--app-dir", "{apps}", f"{app}:app", "--port", "{port}", "--workers", "1", *quiet)


_MLFLOW = ("{bin}/mlflow", "models", "serve", "-m", "{model}/mlflow", "--port", "{port}")
_BENTOML = ("{bin}/bentoml", "serve", "bentoml_lean:Service", "--working-dir", "{apps}", "--host", "127.0.0.1")
_SERVE = ("{python}", "-m", "plimsoll", "serve", "{bundle}", "--port", "{port}")
PEERS = (
    Peer("plimsoll", "plimsoll serve", "", _SERVE, ours=True),
    Peer("fastapi-raw", "FastAPI, raw body to the same bundle", "fastapi", uvicorn("fastapi_raw"), ours=True),
    Peer("fastapi-bundle", "FastAPI, pydantic row, the same bundle", "fastapi", uvicorn("fastapi_bundle"), ours=True),
    Peer("fastapi-lean", "FastAPI, pydantic row, Booster.predict", "fastapi", uvicorn("fastapi_lean")),
    Peer("fastapi-frame", "FastAPI, pydantic row, pandas pipeline", "fastapi", uvicorn("fastapi_frame")),
    Peer("litserve", "LitServe, Booster.predict", "litserve", ("{bin}/python", "{apps}/litserve_lean.py", "{port}")),
    Peer("bentoml", "BentoML, pydantic row, Booster.predict", "bentoml", (*_BENTOML, "--port", "{port}")),
    Peer(
        "mlflow",
        "MLflow, pandas pipeline",
        "mlflow",
        (*_MLFLOW, "--env-manager", "local", "--workers", "1"),
        "/invocations",
        b'{"dataframe_records":[%b]}',
    ),
)


def run(command: Sequence[str], what: str) -> str:
    """What a command prints. Raises CannotRun with its last words."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"{what}: {last_words(done.stderr or done.stdout)}")
    return done.stdout


def last_words(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1][:200]


def install(home: str, folder: Path) -> Path:
    """The environment's ``bin``, made where there is none or where it was made for other needs."""
    place, needs = folder / home, "\n".join(NEEDS[home])
    done = place / "needs.txt"
    if not done.exists() or done.read_text() != needs:
        print(f"Installing {home} into {place}", file=sys.stderr)
        run([sys.executable, "-m", "venv", str(place)], f"no environment for {home}")
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, *NEEDS[home]], f"{home} was not installed")
        done.write_text(needs)
    return place / "bin"


def versions(home: Path) -> dict[str, str]:
    """What an environment holds, of what figures depend on."""
    text = run([str(home / "python"), "-m", "pip", "list", "--format=freeze"], "versions")
    found = dict(line.split("==") for line in text.splitlines() if "==" in line)
    return {name: found[name] for name in TOLD if name in found}
