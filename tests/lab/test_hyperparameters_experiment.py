"""The experiments of unit 09: the problem, the searches, the sick programs, and what they promise."""

import itertools
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lab.data import read  # noqa: E402
from lab.experiments import command  # noqa: E402
from lab.experiments import hyperparameters as hp  # noqa: E402
from lab.experiments import hyperparameters_problem as problem  # noqa: E402
from lab.experiments import hyperparameters_search as searching  # noqa: E402
from lab.experiments import hyperparameters_sick as sick  # noqa: E402
from lab.experiments.results import save_results  # noqa: E402

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results" / "09-hyperparameters" / "full.json"
PLOTS = [getattr(hp, name) for name in hp.__all__ if name.startswith("plot_")]
TINY = hp.SIZES["tiny"].amount


def test_no_image_is_in_two_of_the_three_parts() -> None:
    data = problem.images(1000, 1000, 3000)
    assert [len(part) for part in data[::2]] == [1000, 1000, 3000]
    whole = torch.cat(data[::2])
    assert len(torch.unique(whole, dim=0)) >= 5000 - 5  # MNIST itself holds a few images twice
    assert data.train_x.double().mean().item() == pytest.approx(0, abs=1e-6)
    assert data.train_x.double().std(correction=0).item() == pytest.approx(1, abs=1e-6)


def test_a_pixel_is_the_mean_of_four() -> None:
    data, images = problem.images(1000, 1000, 3000), read("mnist5k").train_images[:1000, ..., 0] / 255
    pooled = torch.nn.functional.avg_pool2d(torch.from_numpy(images)[:, None], 2).flatten(1)
    expected = (pooled - pooled.mean()) / pooled.std(correction=0)
    assert torch.allclose(data.train_x, expected.float(), atol=1e-6)


def test_a_rerun_gives_the_same_losses_another_seed_others_and_fewer_epochs_their_beginning() -> None:
    first, again = (problem.train(hp.BASE, 0, TINY)["loss"] for _ in range(2))
    assert first == again
    assert first != problem.train(hp.BASE, 1, TINY)["loss"]
    shorter = problem.train(hp.BASE, 0, problem.Amount(200, 200, 500, 2))["loss"]
    assert shorter == first[:2]
    assert [round(loss, 4) for loss in hp.losses(hp.BASE, 0, "tiny")] == first


def test_a_training_is_that_of_a_plain_loop() -> None:
    data, net = problem.images(200, 200, 500), problem.network(hp.BASE, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-3)
    shuffle = torch.Generator().manual_seed(3)
    for _ in range(4):
        for rows in torch.randperm(200, generator=shuffle).split(32):
            optimizer.zero_grad()
            torch.nn.CrossEntropyLoss()(net(data.train_x[rows]), data.train_y[rows]).backward()
            optimizer.step()
        net.eval()
        loss = torch.nn.CrossEntropyLoss()(net(data.validation_x), data.validation_y).item()
        net.train()
    assert problem.train(hp.BASE, 3, TINY)["loss"][-1] == pytest.approx(loss, abs=2e-4)


def test_a_search_never_sees_a_test_image(monkeypatch: pytest.MonkeyPatch) -> None:
    data = problem.images(200, 200, 500)
    lost = data._replace(test_x=data.test_x * math.nan, test_y=data.test_y * 0)
    kept = [problem.train(hp.BASE, 0, TINY), *hp.run_job(hp.Job("search", "coarse to fine", 0), "tiny", [])]
    monkeypatch.setattr(problem, "images", lambda *amount: lost)
    without = [
        problem.train(hp.BASE, 0, TINY),
        *hp.run_job(hp.Job("search", "coarse to fine", 0), "tiny", []),
    ]
    assert without == kept
    assert not any("test_loss" in record for record in kept)
    assert math.isnan(problem.train(hp.BASE, 0, TINY, test=True)["test_loss"])


def test_a_run_that_diverges_ends_and_its_losses_are_nan() -> None:
    run = problem.train(hp.BASE | {"lr": 1e6}, 0, TINY)
    assert len(run["loss"]) == 4 and math.isnan(run["loss"][-1])
    assert problem.score(run["loss"][-1]) == problem.score(1e9) == math.log(10)
    assert problem.score(0.4) == 0.4


@pytest.mark.parametrize("way", hp.SEARCHES)
def test_a_search_asks_as_often_as_it_may_and_again_the_same_with_the_same_seed(way: str) -> None:
    if way.startswith("optuna"):
        pytest.importorskip("optuna")

    def trials(seed: int) -> list[dict[str, Any]]:
        # The bowl has its least value, 0.3, at a rate of 0.01 and nowhere else.
        train = lambda config: {"loss": [0.3 + math.log10(config["lr"] / 0.01) ** 2]}  # noqa: E731
        return list(searching.told(hp.SEARCHES[way], 14, seed, train))

    first = trials(0)
    assert len(first) == 14 and first == trials(0) and first != trials(1)
    for trial in first:
        assert 1e-4 <= trial["lr"] <= 1 and 0 <= trial["momentum"] <= 0.99 and 0 <= trial["dropout"] <= 0.6
        assert trial["width"] in hp.SPACE["width"][1] and trial["batch"] in hp.SPACE["batch"][1]


def test_a_search_is_told_log_ten_of_what_diverged() -> None:
    told: list[float] = []

    def ask_thrice(ask: Any, trials: int, seed: int) -> None:
        told.extend(ask(hp.BASE | {"lr": lr}) for lr in (1.0, 2.0, 3.0))

    losses = iter((math.nan, math.inf, 0.7))
    records = searching.told(ask_thrice, 3, 0, lambda config: {"loss": [next(losses)]})
    assert told == [math.log(10), math.log(10), 0.7] and len(list(records)) == 3


def test_the_second_stage_stays_in_a_box_around_the_best_of_the_first() -> None:
    asked: list[dict[str, Any]] = []

    def ask(config: dict[str, Any]) -> float:
        asked.append(config)
        return abs(math.log10(config["lr"]))  # the highest rate is the best

    searching.coarse_to_fine(ask, 20, seed=1)
    best = max(config["lr"] for config in asked[:10])
    u = 1 + math.log10(best) / 4
    low = min(max(u - 0.25, 0), 0.5)
    fine = [1 + math.log10(config["lr"]) / 4 for config in asked[10:]]
    assert len(asked) == 20
    assert all(low - 1e-9 <= at <= low + 0.5 + 1e-9 for at in fine)


def test_a_grid_of_nine_has_three_values_each_and_random_trials_nine() -> None:
    for seed in range(5):
        grid, random = searching.plane("grid", 9, seed), searching.plane("random", 9, seed)
        assert [len(np.unique(column)) for column in grid.T] == [3, 3]
        assert [len(np.unique(column)) for column in random.T] == [9, 9]
        assert ((grid >= 0) & (grid < 1)).all()
    corners = searching.corners()
    assert len(corners) == 64 == len({tuple(corner.values()) for corner in corners})
    assert all(len({corner[name] for corner in corners}) == 2 for name in hp.SPACE)


def test_expected_improvement_by_quantiles_is_that_of_the_formula() -> None:
    norm = pytest.importorskip("scipy.stats").norm
    x, y = np.array([0.1, 0.45, 0.9]), np.array([1.0, -0.6, 0.4])
    new = np.linspace(0, 1, 41)
    mu, sd = searching.posterior(x, y, new)
    best = searching.posterior(x, y, x)[0].min()
    z = (best - mu) / sd
    expected = (best - mu) * norm.cdf(z) + sd * norm.pdf(z)
    assert searching.most_promising(x, y, new) == expected.argmax()


def test_the_gaussian_process_finds_the_valley_of_a_bowl() -> None:
    def asked(search: Any) -> float:
        best = []
        for seed in range(5):
            found: list[float] = []
            bowl = lambda config: found.append(math.log10(config["lr"] / 0.02) ** 2) or found[-1]  # noqa: E731,B023
            search(bowl, 8, seed)
            best.append(min(found))
        return float(np.mean(best))

    assert asked(searching.line_process) < 0.2 * asked(searching.line_random)


def test_ones_own_next_trial_is_asked_with_standardized_scores() -> None:
    seen: list[tuple[int, float, float]] = []

    def next_trial(x: np.ndarray, y: np.ndarray, candidates: np.ndarray) -> int:
        assert candidates[[0, -1]].tolist() == [0, 1]
        seen.append((len(x), y.mean(), y.std()))
        return 100

    results = hp.compare_lines("tiny", next_trial)
    assert [count for count, _, _ in seen] == [3] * 2  # a fourth trial, in two searches
    assert all(mean == pytest.approx(0, abs=1e-9) for _, mean, _ in seen)
    yours = [run for run in results["runs"] if run["way"] == "yours"]
    assert yours[3]["lr"] == pytest.approx(0.01)  # the middle of 0.0001 to 1, on a log scale
    assert list(hp.line_table(results)) == ["grid", "random", "Gaussian process", "yours"]
    assert hp.plot_lines(results).axes


def test_an_objective_of_ones_own_is_searched_by_optuna_and_may_prune() -> None:
    pytest.importorskip("optuna")

    class Pruned(Exception):
        pass

    def objective(trial: Any) -> float:
        rate = trial.suggest_float("lr", 1e-4, 1.0, log=True)
        trial.report(rate, 0)
        if rate > 0.1:
            raise Pruned
        return rate

    results = hp.run_optuna(objective, samplers=("random",), size="tiny", prune=True, pruned=(Pruned,))
    states = {run["state"]: run for run in results["runs"]}
    assert len(results["runs"]) == 2 * 4 and set(states) <= {"COMPLETE", "PRUNED"}
    assert states["COMPLETE"]["loss"] == [states["COMPLETE"]["params"]["lr"]]
    assert list(hp.search_table(results)) == ["random"] and hp.plot_searches(results).axes


def test_optuna_asks_for_one_minus_the_momentum_on_a_log_scale() -> None:
    optuna = pytest.importorskip("optuna")
    u = {"lr": 0.01, "1 - momentum": 0.05, "weight_decay": 1e-3, "batch": 64, "width": 32, "dropout": 0.25}
    config = hp.suggest(optuna.trial.FixedTrial(u))
    assert config["momentum"] == pytest.approx(0.95)
    assert list(config) == list(hp.SPACE) and config["batch"] == 64


def test_every_sick_program_shows_the_symptom_that_its_name_says() -> None:
    of, nothing = problem.Amount(1000, 1000, 3000, 8), math.log(10)
    runs = {name: sick.run(name, 0, of) for name in sick.PROGRAMS}
    ends = {name: (run["train_loss"][-1], run["loss"][-1]) for name, run in runs.items()}
    train, validation = ends["healthy"]
    assert train < 0.3 and validation < 0.5
    assert min(ends["rate too high"]) > 0.9 * nothing
    assert min(ends["rate too low"]) > 3 * validation
    assert ends["not shuffled"][1] > 2 * validation
    assert ends["labels shuffled"][1] > nothing > ends["labels shuffled"][0]
    assert min(ends["softmax twice"]) > 1.4612 and runs["softmax twice"]["accuracy"][-1] > 0.8
    assert ends["gradients not zeroed"][0] > 10
    assert ends["dropout at validation"][1] > 1.5 * validation
    assert ends["overfitting"][0] < 0.05 and ends["overfitting"][1] > 2 * validation
    assert all(loss == pytest.approx(nothing, abs=0.05) for loss in ends["dead units"])
    assert ends["leak"][1] < 0.3 * validation
    assert ends["other scaling"][1] > 1.5 * validation and ends["other scaling"][0] == pytest.approx(train)


def test_half_of_the_leaking_programs_training_images_are_validation_images() -> None:
    data = problem.images(200, 200, 500)
    leaking = sick.leak(data, 0)
    assert len(leaking.train_x) == 200 and torch.equal(leaking.train_x[100:], leaking.validation_x)
    assert torch.equal(leaking.train_y[100:], leaking.validation_y)


def test_a_study_is_written_job_by_job_and_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tiny.json"
    whole = hp.plan("tiny")
    monkeypatch.setattr(hp, "WRITTEN_EVERY", 0.0)
    monkeypatch.setattr(hp, "plan", lambda size: few_of_each_part(whole))
    for results in itertools.islice(hp.study("tiny"), 5):
        save_results(results, out)
    begun = hp.load_results(out)
    monkeypatch.setattr(sys, "argv", ["hyperparameters", "--size", "tiny", "--out", str(out)])
    command.run_study("hyperparameters", hp.study, hp.SIZES, (problem.SET,))
    results = hp.load_results(out)
    assert results["runs"][: len(begun["runs"])] == begun["runs"]
    done = {hp.Job(run["part"], run["way"], run["number"]) for run in results["runs"]}
    assert done == set(few_of_each_part(whole))
    monkeypatch.setattr(sys, "argv", ["hyperparameters", "--size", "short", "--out", str(out)])
    with pytest.raises(SystemExit):
        command.run_study("hyperparameters", hp.study, hp.SIZES, (problem.SET,))
    assert "holds size tiny" in capsys.readouterr().err


def few_of_each_part(jobs: list[hp.Job]) -> list[hp.Job]:
    """At most two jobs of each part, and the finals of those searches that are left."""
    parts = {job.part: [other for other in jobs if other.part == job.part][:2] for job in jobs}
    return [job for found in parts.values() for job in found]


def test_tiny_results_are_drawn() -> None:
    results = hp.load_results(RESULTS.with_name("tiny.json"))
    assert results["about"]["size"] == "tiny"
    for plot in PLOTS:
        assert plot(results).axes


def test_committed_results_have_three_seeds_of_every_run_and_are_drawn() -> None:
    results = hp.load_results(RESULTS)
    assert results["about"]["size"] == "full" and results["about"]["seeds"] == [0, 1, 2]
    done = {hp.Job(run["part"], run["way"], run["number"]) for run in results["runs"]}
    assert done == set(hp.plan("full"))
    keys = [tuple(run[key] for key in ("part", "way", "number", "trial", "seed")) for run in results["runs"]]
    assert len(set(keys)) == len(keys)
    for part in ("pool", "grid", "curve", "corners", "sick"):
        assert {run["seed"] for run in results["runs"] if run["part"] == part} == {0, 1, 2}
    for plot in PLOTS:
        assert plot(results).axes
