"""The weights of a torch module, from a file that torch or safetensors wrote."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from snnctl.errors import UserError

WITHIN = ("state_dict", "model_state_dict", "model")  # where checkpoints keep them


def load_weights(module: nn.Module, path: Path) -> None:
    """Put a file's weights into a module; nothing in the file is executed.

    Args:
        module: built.
        path: a state_dict as `torch.save` or safetensors writes it, alone or in a checkpoint; a prefix that all names
            share (model., network.) does not count.

    Raises:
        UserError: it is missing, damaged, holds more than tensors, or is another module's.
    """
    state = _read(path)
    inner = next((state[key] for key in WITHIN if isinstance(state.get(key), dict)), state)
    tensors = {key: value for key, value in inner.items() if isinstance(value, Tensor)}
    if not tensors:
        raise UserError(f"{path} holds no weights", "write them   torch.save(module.state_dict(), FILE)")
    ours = module.state_dict()
    if not set(tensors) & set(ours):
        tensors = {key.partition(".")[2]: value for key, value in tensors.items()}
    missing = [f"{key}: not in the file" for key in ours if key not in tensors]
    missing += [f"{key}: not in {type(module).__name__}" for key in tensors if key not in ours]
    missing += [
        f"{key}: {tuple(value.shape)} in the file, {tuple(ours[key].shape)} in {type(module).__name__}"
        for key, value in tensors.items()
        if key in ours and value.shape != ours[key].shape
    ]
    if missing:
        raise UserError(f"{path} is from another module than {type(module).__name__}", "\n".join(missing[:5]))
    module.load_state_dict(tensors)


def _read(path: Path) -> dict:
    if not path.is_file():
        raise UserError(f"no file  {path}", "give a run's folder, or a file of weights with   module=my.Module")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(f"{path} holds more than weights; nothing of it was executed",
                        "write them   torch.save(module.state_dict(), FILE)") from error  # fmt: skip
    except Exception as error:  # torch, zip and safetensors share no base class of errors
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"{path} is damaged or no file of weights: {first}", "write it again") from error
    if not isinstance(state, dict):
        raise UserError(f"{path} holds a {type(state).__name__}, no weights", "torch.save(module.state_dict(), FILE)")
    return state
