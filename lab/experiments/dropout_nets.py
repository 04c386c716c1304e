"""Where the networks of unit 05 have their dropout and their batch norm: names, and the layers of each."""

from collections.abc import Callable, Mapping

from lab.device import nn
from lab.nets import MakeLayers

MakeDropout = Callable[[float], nn.Module]
Layers = Mapping[str, MakeLayers]


def _dense(p: float, make: MakeDropout) -> Layers:
    return {"flat": lambda _: [make(p)], "dense": lambda _: [make(p)]}


def _everywhere(p: float, make: MakeDropout) -> Layers:
    return {"pool": lambda _: [make(p / 2)], **_dense(p, make)}


def _batch_norm(p: float, make: MakeDropout) -> Layers:
    return {place: lambda n: [nn.BatchNorm1d(n)] for place in ("flat", "dense")}


def _dropout_first(p: float, make: MakeDropout) -> Layers:
    return {place: lambda n: [make(p), nn.BatchNorm1d(n)] for place in ("flat", "dense")}


def _batch_norm_first(p: float, make: MakeDropout) -> Layers:
    return {place: lambda n: [nn.BatchNorm1d(n), make(p)] for place in ("flat", "dense")}


def _last(p: float, make: MakeDropout) -> Layers:
    return {"flat": lambda n: [nn.BatchNorm1d(n)], "dense": lambda n: [nn.BatchNorm1d(n), make(p)]}


def _normalized(p: float, make: MakeDropout) -> Layers:
    return {"conv": lambda n: [nn.BatchNorm2d(n)], "dense": lambda n: [nn.BatchNorm1d(n)]}


def _both(p: float, make: MakeDropout) -> Layers:
    return {"conv": lambda n: [nn.BatchNorm2d(n)], **_dense(p, make)}


def _both_everywhere(p: float, make: MakeDropout) -> Layers:
    return {"conv": lambda n: [nn.BatchNorm2d(n)], **_everywhere(p, make)}


VARIANTS: dict[str, Callable[[float, MakeDropout], Layers]] = {
    "dropout": _dense,  # before the hidden layer and behind it
    "dropout everywhere": _everywhere,  # with half the rate behind both max-pools too
    # Batch norm in the dense part: the order.
    "batch norm": _batch_norm,
    "dropout, then batch norm": _dropout_first,
    "batch norm, then dropout": _batch_norm_first,
    "batch norm, dropout before the last layer": _last,
    # Batch norm between convolution and max-pool, behind the ReLU, as Garbin et al. (2020) place it.
    "batch norm in all layers": _normalized,
    "both": _both,
    "both everywhere": _both_everywhere,
    # Dropout behind the max-pools alone.
    "single numbers": lambda p, _: {"pool": lambda n: [nn.Dropout(p)]},
    "whole channels": lambda p, _: {"pool": lambda n: [nn.Dropout2d(p)]},
}
