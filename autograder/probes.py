"""A probe calls somebody's code on given inputs and returns arrays. It asks; it never answers.

    @probe("batchnorm_forward", cases=4, rtol=1e-7)
    def normalizes_scales_and_shifts(s, x, gamma, beta, eps):
        return {"y": s.batchnorm_forward(x, gamma, beta, eps=eps)}

`s` is a namespace: of the student, of the reference, or of the reference with a known mistake.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Given(NamedTuple):
    """An input that is a function: the student's own where they check themselves, the reference's
    (or a known mistake's) where the engine grades, served over the wire without its code."""

    name: str
    mistake: str | None = None


Inputs = dict[str, Any]  # name -> array, number, text, bool, list or dict of them, or Given


@dataclass
class Probe:
    """One question about one exercise, asked on several inputs (cases)."""

    of: str
    run: Callable[..., Mapping[str, Any]]
    cases: int = 3
    rtol: float | None = None
    hidden: bool = False
    judges: str | None = None
    wrong: tuple[str, ...] = ()
    share: float | None = None
    make_inputs: Callable[..., Inputs] | None = None
    make_expected: Callable[..., Mapping[str, Any]] | None = None
    breakers: list[Callable[[Callable[..., Any]], Callable[..., Any]]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")

    def inputs(self, make: Callable[..., Inputs]) -> Callable[..., Inputs]:
        """Register the generator of inputs, `make(rng) -> dict`. It stays with the author.

        What the probe has no parameter for is kept for `expect`: it is neither released nor sent."""
        self.make_inputs = make
        return make

    def expect(self, make: Callable[..., Mapping[str, Any]]) -> Callable[..., Mapping[str, Any]]:
        """Register what is right on given inputs, `make(**inputs) -> dict`, where the reference does not
        know: statistics of something random, with the probe's rtol as bound; labels, with its share.
        It stays with the author."""
        self.make_expected = make
        return make

    def asked(self, inputs: Inputs) -> Inputs:
        """Those of the inputs that the probe itself gets."""
        wanted = list(inspect.signature(self.run).parameters.values())[1:]
        if any(p.kind is p.VAR_KEYWORD for p in wanted):
            return inputs
        names = {p.name for p in wanted}
        return {name: value for name, value in inputs.items() if name in names}

    def broken(self, breaker: Callable[..., Callable[..., Any]]) -> Callable[..., Callable[..., Any]]:
        """Register a way to break a right function, for exercises that ask for a test.

        It is shipped: on the student's machine it breaks the student's own function."""
        self.breakers.append(breaker)
        return breaker


def probe(
    of: str,
    *,
    cases: int = 3,
    rtol: float | None = None,
    hidden: bool = False,
    judges: str | None = None,
    wrong: Sequence[str] = (),
    share: float | None = None,
) -> Callable[[Callable[..., Mapping[str, Any]]], Probe]:
    """Make a probe of the exercise `of` (a function or class of the notebook).

    cases: how many inputs, publicly and again in secret; rtol: the bound on the relative error for
    float64, where the default of 1e-9 does not fit; hidden: never released; judges: for an exercise
    that asks for a test, the function that the test judges; wrong: the ids of the mistakes of that
    function that a good test must reject; share: as many of the entries must be the expected ones.
    """

    def make(run: Callable[..., Mapping[str, Any]]) -> Probe:
        return Probe(of, run, cases, rtol, hidden, judges, tuple(wrong), share)

    return make
