"""Transforms of one recording, ours, tonic's or a user's: called alike, with addressed randomness and known shapes."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from snnctl.datasets.codes import in_order, planes
from snnctl.datasets.recording import EVENT
from snnctl.errors import UserError

Shape = tuple[int, ...]


def bound(transforms: Iterable[Callable] | Mapping | None, shape: Shape) -> tuple[tuple[Callable, ...], Shape]:
    """Transforms told of the sensor that they act on, and the shape of a step after them.

    A field `sensor` (ours) or `sensor_size` (tonic's, (W, H, P)) that is None is filled in; lists from YAML become
    tuples, which tonic expects. A mapping counts as its values.

    Args:
        transforms: what `dataset.transform` or `dataset.augment` holds.
        shape: of one time step, channels first.

    Raises:
        UserError: one of them cannot be called.
    """
    result = []
    for transform in transforms.values() if isinstance(transforms, Mapping) else transforms or ():
        if not callable(transform):
            raise UserError(f"a transform is {transform!r}", "expected a callable; in YAML   _target_: MODULE.CLASS")
        if _is_tonic(transform) and hasattr(transform, "transforms"):  # tonic.transforms.Compose
            inner, shape = bound(transform.transforms, shape)
            result.extend(inner)
            continue
        transform = _informed(transform, shape)
        shape = shape_after(transform, shape)
        result.append(transform)
    return tuple(result), shape


def shape_after(transform: Callable, shape: Shape) -> Shape:
    """The shape of one step after `transform`: its own `shape(shape)`, if it has one, or a rule for tonic's.

    Raises:
        UserError: tonic's transform does not make events, or changes the unit of time.
    """
    if hasattr(transform, "shape"):
        return tuple(transform.shape(shape))
    if not _is_tonic(transform):
        return shape
    name = type(transform).__name__
    if name.startswith("To") or name == "NumpyAsType":
        raise UserError(f"tonic's {name} does not return events", "leave it out: binning is dataset.dt and layout")
    if name == "MergePolarities":
        return (1, *shape[1:]) if len(shape) > 1 else shape
    if name == "Downsample" and transform.time_factor != 1:
        raise UserError("tonic's Downsample with a time_factor changes the unit of time", "set dataset.dt instead")
    target = getattr(transform, "target_size", None) or getattr(transform, "size", None)
    if target:
        width, height = (target, target) if isinstance(target, int) else target[:2]
        return (shape[0], height, width)
    if name == "Downsample":
        factor = transform.get_params(transform.spatial_factor)
        return (shape[0], *(math.floor((n - 1) * f) + 1 for n, f in zip(shape[1:], factor[::-1], strict=True)))
    return shape


def apply(transform: Callable, data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One transform's result; `rng` is the only source of chance.

    tonic's transforms draw from numpy's global generator: it is seeded from `rng` for the call and put back after. One
    of ours, or a user's, gets `rng` as its second argument if it takes one; if its class says `keeps_time = True`, what
    it changes in place counts as sorted.

    Args:
        transform: the transform.
        data: (n,) EVENT, or values (L, *shape); may be changed in place.
        rng: generator of this sample, epoch and purpose.

    Returns:
        (m,) EVENT sorted by time, or values.

    Raises:
        UserError: what came back is neither.
    """
    if _is_tonic(transform):
        result = _tonic(transform, data, rng)
    else:
        result = transform(data, rng) if _takes_rng(transform) else transform(data)
    if data.dtype.names is None:
        return np.asarray(result)
    if result is data and (getattr(transform, "keeps_time", False) or in_order(data)):
        return data
    names = getattr(getattr(result, "dtype", None), "names", None) or ()
    if not {"t", "x", "y", "p"} <= set(names):
        raise UserError(f"{_name(transform)} returned {type(result).__name__}", "expected events with t, x, y, p")
    if result.dtype != EVENT:
        events = np.empty(len(result), EVENT)
        for name in EVENT.names:
            events[name] = result[name]
        result = events
    return result if in_order(result) else result[np.argsort(result["t"], kind="stable")]


def _tonic(transform, data, rng):
    before = np.random.get_state()
    np.random.seed(rng.integers(0, 1 << 32, 4, dtype=np.uint32))
    try:
        return copy.copy(transform)(data)  # a copy: CropTime and CenterCrop write into themselves
    finally:
        np.random.set_state(before)


def _informed(transform, shape: Shape):
    if not dataclasses.is_dataclass(transform) or isinstance(transform, type):
        return transform
    change = {}
    for field in dataclasses.fields(transform):
        value = getattr(transform, field.name, None)
        if field.name == "sensor" and value is None:
            change["sensor"] = tuple(shape)
        elif field.name == "sensor_size" and value is None and len(shape) <= 3:
            change["sensor_size"] = planes(shape)[::-1]
        elif isinstance(value, Iterable) and hasattr(value, "append"):
            change[field.name] = tuple(value)
    return dataclasses.replace(transform, **change) if change else transform


def _is_tonic(transform) -> bool:
    return type(transform).__module__.partition(".")[0] == "tonic"


def _name(transform) -> str:
    return getattr(transform, "__name__", type(transform).__name__)


def _takes_rng(transform) -> bool:
    call = transform if inspect.isfunction(transform) else type(transform).__call__
    try:
        return _has_rng(call)
    except TypeError:  # not hashable
        return _has_rng.__wrapped__(call)


@functools.lru_cache(maxsize=256)
def _has_rng(call) -> bool:
    try:
        return "rng" in inspect.signature(call).parameters
    except (TypeError, ValueError):
        return False
