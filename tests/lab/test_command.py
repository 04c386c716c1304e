"""What the experiments share: files of results, and studies that continue them."""

import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

pytest.importorskip("torch")

from lab.experiments.command import run_missing, run_study
from lab.experiments.results import Results, load_results, save_results


@dataclass(frozen=True)
class Settings:
    way: str
    rate: float | None
    seed: int


PLAN = [Settings(way, rate, seed) for way, rate in (("a", 0.1), ("b", None)) for seed in (0, 1)]


def measured(at: Settings) -> Results:
    return {**asdict(at), "loss": [2.0, math.nan]}


def study(size: str, targets: tuple[str, ...] = (), begun: Results | None = None) -> Iterator[Results]:
    results = begun or {"about": {"size": size, "targets": targets}, "runs": []}
    yield from run_missing(results, PLAN, measured)


def test_a_study_yields_after_every_run() -> None:
    counts = [len(results["runs"]) for results in study("tiny")]
    assert counts == [1, 2, 3, 4]


@pytest.mark.parametrize("there", [[], [0], [2, 0], [0, 1, 2, 3]])
def test_only_the_runs_that_are_missing_are_made_in_the_order_of_the_plan(
    there: list[int], tmp_path: Path
) -> None:
    begun: Results = {"about": {"size": "tiny"}, "runs": [measured(PLAN[i]) for i in there]}
    save_results(begun, tmp_path / "r.json")
    made: list[Settings] = []

    def run(at: Settings) -> Results:
        made.append(at)
        return measured(at)

    list(run_missing(load_results(tmp_path / "r.json"), PLAN, run))
    assert made == [at for i, at in enumerate(PLAN) if i not in there]


def test_losses_that_were_no_numbers_come_back_as_nan_and_all_else_as_it_was(tmp_path: Path) -> None:
    run = {"loss": [1.5, math.nan], "val_loss": [math.inf, 2], "test_loss": math.nan, "rates": [None, 0.1]}
    save_results({"about": {}, "runs": [run]}, tmp_path / "r.json")
    (back,) = load_results(tmp_path / "r.json")["runs"]
    assert back == {
        "loss": pytest.approx([1.5, math.nan], nan_ok=True),
        "val_loss": pytest.approx([math.nan, 2], nan_ok=True),
        "test_loss": None,
        "rates": [None, 0.1],
    }


def test_a_command_line_may_have_other_options_than_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "r.json"
    monkeypatch.setattr(sys, "argv", ["study", "--targets", "x", "y", "--out", str(out)])
    run_study("study", study, ("tiny",), targets={"nargs": "+", "choices": "xyz"})
    results = load_results(out)
    assert results["about"] == {"size": "tiny", "targets": ["x", "y"]}
    assert [run["seed"] for run in results["runs"]] == [0, 1, 0, 1]


def test_a_file_of_another_size_is_not_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "r.json"
    save_results({"about": {"size": "full"}, "runs": []}, out)
    monkeypatch.setattr(sys, "argv", ["study", "--size", "tiny", "--out", str(out)])
    with pytest.raises(SystemExit):
        run_study("study", study, ("tiny", "full"))
    assert load_results(out)["about"]["size"] == "full"
