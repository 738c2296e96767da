"""Steps of AdamW (Kingma and Ba 2015; Loshchilov and Hutter 2019), for a CPU.

PyTorch's own are the same and drag in its compiler, which takes two seconds to import: longer than many a net here learns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_FIRST, _SECOND, _LEAST = 0.9, 0.999, 1e-8


class AdamW:
    """Steps that follow the slope of every parameter, evened out over time and divided by how large it usually is."""

    def __init__(self, parameters: Iterable[Any], lr: float, weight_decay: float) -> None:
        self.param_groups = [{"lr": lr, "weight_decay": weight_decay}]
        self._parameters = list(parameters)
        self._state: dict[int, dict[str, Any]] = {}

    def zero_grad(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None

    def step(self) -> None:
        import torch

        rate, decay = self.param_groups[0]["lr"], self.param_groups[0]["weight_decay"]
        with torch.no_grad():
            for place, parameter in enumerate(self._parameters):
                slope = parameter.grad
                if slope is None:
                    continue
                state = self._state.setdefault(
                    place,
                    {
                        "step": torch.zeros(()),
                        "exp_avg": torch.zeros_like(parameter),
                        "exp_avg_sq": torch.zeros_like(parameter),
                    },
                )
                state["step"] += 1.0
                turn = float(state["step"])
                mean = state["exp_avg"].lerp_(slope, 1.0 - _FIRST)
                size = state["exp_avg_sq"].mul_(_SECOND).addcmul_(slope, slope, value=1.0 - _SECOND)
                usual = (size / (1.0 - _SECOND**turn)).sqrt_().add_(_LEAST)
                parameter.mul_(1.0 - rate * decay).addcdiv_(mean, usual, value=-rate / (1.0 - _FIRST**turn))

    def state_dict(self) -> dict[str, Any]:
        """As PyTorch's has it: what is remembered of each parameter, by its place."""
        return {"state": {place: dict(state) for place, state in self._state.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raises ValueError where it is not of these parameters."""
        found = {int(place): dict(each) for place, each in state["state"].items()}
        for place, each in found.items():
            if any(each[name].shape != self._parameters[place].shape for name in ("exp_avg", "exp_avg_sq")):
                raise ValueError("the steps are those of other parameters")
        self._state = found
