"""`frozentl convert --to sevennet`: the checkpoint of a sevenn foundation with a model's weights."""

from __future__ import annotations

from .fill import Arrays, Refusal, SavedFile, run, silence
from .states import CONSTANTS

with silence():
    import sevenn  # noqa: F401 (what the file's pickle names; without it, another Python is tried)
    import torch


class Checkpoint(SavedFile):
    ending = ".pth"

    def __init__(self, path: str):
        self.content = torch.load(path, map_location="cpu", weights_only=False)
        if not isinstance(self.content, dict) or "model_state_dict" not in self.content:
            raise Refusal(path, "it is no checkpoint of sevenn: it has no model_state_dict")
        # of weights that are no longer there
        for name in ("optimizer_state_dict", "scheduler_state_dict"):
            self.content.pop(name, None)
        self.state = self.content["model_state_dict"]

    def numbers(self) -> Arrays:
        return {name: t.numpy().copy() for name, t in self.state.items()
                if t.is_floating_point() and t.numel() and not any(word in name for word in CONSTANTS)}  # fmt: skip

    def save(self, numbers: Arrays, path: str) -> None:
        state = type(self.state)(self.state)
        for name, array in numbers.items():
            state[name] = torch.from_numpy(array)
        torch.save({**self.content, "model_state_dict": state}, path)


def main() -> int:
    return run(Checkpoint)
