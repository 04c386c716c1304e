"""The experiments of unit 04: signals, networks and measures, and what they promise to their readers."""

import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")
nn = torch.nn

from lab.data import read  # noqa: E402
from lab.experiments import depth, depth_nets  # noqa: E402
from lab.experiments import depth_measures as measures  # noqa: E402
from lab.experiments import depth_signals as signals  # noqa: E402
from lab.experiments.depth_measures import Amount, prepared  # noqa: E402
from lab.experiments.results import save_results  # noqa: E402

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results" / "04-initialization"
EVERYWHERE = [depth.plot_grid, depth.plot_curves, depth.plot_starts, depth.plot_rates]
PHOTOS_ONLY = [depth.plot_story, depth.plot_dead, depth.plot_forms]
PHOTOS_ONLY += [signals.plot_stds, signals.plot_gradients, signals.plot_histograms, signals.plot_blocks]
PHOTOS_ONLY += [signals.plot_products, signals.plot_convolutions]
FEW = Amount(train=80, validation=20, test=30, steps=4, every=2)
ACTIVATIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky relu": lambda z: nn.functional.leaky_relu(z, 0.1),
    "elu": nn.functional.elu,
}


def noise(*shape: int, seed: int = 0) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", signals.ACTIVATIONS)
def test_activations_and_their_slopes_are_torchs(name: str) -> None:
    forward, backward = signals.ACTIVATIONS[name]
    z, dout = noise(50).mul(5).requires_grad_(), noise(50, seed=1)
    expected = ACTIVATIONS[name](z)
    np.testing.assert_allclose(forward(z.detach().numpy()), expected.detach(), atol=1e-12)
    (slope,) = torch.autograd.grad(expected, z, dout)
    np.testing.assert_allclose(backward(dout.numpy(), z.detach().numpy()), slope, atol=1e-12)


def test_gradients_through_many_layers_are_torchs() -> None:
    kept: list[np.ndarray] = []

    def draw(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
        kept.append(signals.INITIALIZERS["He"](fan_in, fan_out, rng))
        return kept[-1]

    own = {"tanh": signals.ACTIVATIONS["tanh"]}
    (record,) = signals.probe(own, {"He": draw}, depth=4, width=6, examples=9, seed=3)
    x, dout = np.random.default_rng(3).normal(size=(2, 9, 6))
    weights = [torch.from_numpy(weight).requires_grad_() for weight in kept]
    outputs = [torch.from_numpy(x)]
    for weight in weights:
        outputs.append(torch.tanh(outputs[-1] @ weight))
    (outputs[-1] * torch.from_numpy(dout)).sum().backward()
    np.testing.assert_allclose(record["gradient"], [w.grad.norm() / 9 for w in weights], rtol=1e-9)
    np.testing.assert_allclose(record["std"], [a.std(correction=0).item() for a in outputs[1:]], rtol=1e-9)


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], dict[str, Any]]:
    """20 layers of 500 units, as the study measures them."""
    chosen = {name: signals.ACTIVATIONS[name] for name in ("sigmoid", "relu")}
    inits = {name: signals.INITIALIZERS[name] for name in ("std 0.01", "Glorot", "He")}
    return {(r["activation"], r["init"]): r for r in signals.probe(chosen, inits)}


def test_relu_keeps_half_of_the_second_moment_and_he_gives_it_back(found: Any) -> None:
    for init, factor in (("Glorot", 0.5**0.5), ("He", 1.0), ("std 0.01", 0.01 * 250**0.5)):
        assert found["relu", init]["rms"][-1] == pytest.approx(factor**20, rel=0.2)


def test_a_good_start_does_not_keep_sigmoids_gradient(found: Any) -> None:
    ratio = {at: record["gradient"][0] / record["gradient"][-1] for at, record in found.items()}
    assert 1e-12 < ratio["sigmoid", "Glorot"] < 1e-11
    assert 1e-10 < ratio["sigmoid", "He"] < 1e-9
    assert 0.5 < ratio["relu", "He"] < 2


def test_shares_count_zeros_and_flat_slopes(found: Any) -> None:
    assert found["relu", "He"]["zeros"][-1] == pytest.approx(0.5, abs=0.03)
    assert found["sigmoid", "He"]["zeros"][-1] == 0
    assert found["relu", "He"]["flat"] == pytest.approx(found["relu", "He"]["zeros"])
    steep = signals.probe(
        {"sigmoid": signals.ACTIVATIONS["sigmoid"]}, {"10": lambda m, n, rng: 10 * np.eye(m)}
    )
    beyond = 2 * 0.3230  # P(|x| > 0.4595): sigmoid's slope is below 0.01 beyond |z| = 4.595
    assert steep[0]["flat"][0] == pytest.approx(beyond, abs=0.005)


def test_histograms_hold_every_value_once(found: Any) -> None:
    for record in found.values():
        assert [h["layer"] for h in record["histograms"]] == [1, 5, 10, 20]
        for histogram in record["histograms"]:
            assert sum(histogram["activations"]) == pytest.approx(1, abs=1e-3)
            assert sum(histogram["gradients"]) <= 1 + 1e-3
    assert sum(found["relu", "He"]["histograms"][-1]["gradients"]) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("name", signals.BLOCKS)
def test_gradients_of_blocks_are_numerical_ones(name: str) -> None:
    forward, backward, _ = signals.block_forms(20)[name]
    values = [noise(5, 4).numpy(), noise(4, 4, seed=1).numpy(), noise(4, 4, seed=2).numpy()]
    dout, step = noise(5, 4, seed=3).numpy(), 1e-6
    for place, gradient in enumerate(backward(dout, *values)):
        for index in [(0, 0), (2, 3), (3, 1)]:
            up, down = ([v.copy() for v in values] for _ in range(2))
            up[place][index] += step
            down[place][index] -= step
            slope = ((forward(*up) - forward(*down)) * dout).sum() / (2 * step)
            assert gradient[index] == pytest.approx(slope, abs=1e-6)


def test_blocks_grow_shrink_and_stay_as_the_sum_of_variances_says() -> None:
    records = {r["block"]: r for r in signals.probe_blocks(examples=100)}
    expected = {
        "full scale": 2**10,
        "branch / sqrt(L)": 1.05**10,
        "last layer zero": 1.0,
        "batch norm in the branch": 21**0.5,
        "0.5 x + branch": 1.25**10,
        "0.5 x + branch / sqrt(L)": 0.3**10,
        "0.5 x, last layer zero": 0.5**20,
    }
    for block, std in expected.items():
        assert records[block]["std"][-1] == pytest.approx(std, rel=0.3), block
    assert records["0.5 x, last layer zero"]["gradient"][0] == pytest.approx(0.5**20, rel=0.05)
    assert 1e4 < records["full scale, one layer, relu at its end"]["std"][-1] < 4e4
    assert len(records) == len(signals.BLOCKS)


def test_a_students_block_gets_he_weights_and_any_depth() -> None:
    seen: list[float] = []

    def forward(x: np.ndarray, W1: np.ndarray, W2: np.ndarray) -> np.ndarray:
        seen.append(W2.var() * len(W2))
        return 2 * x

    (record,) = signals.probe_blocks(
        {"mine": (forward, lambda dout, x, W1, W2: (3 * dout, W1, W2))}, depth=3, width=200, examples=20
    )
    assert seen == pytest.approx([2] * 3, rel=0.05)
    assert record["std"][1] == pytest.approx(2 * record["std"][0])
    assert record["gradient"][0] == pytest.approx(3 * record["gradient"][1])


def test_the_variance_of_a_product_needs_the_means() -> None:
    records = {r["what"]: r for r in signals.products(draws=200_000)}
    exact = {
        "both with mean 0": 4 * 0.25,
        "weight x pixel in [0, 1]": 0.25 / 3,
        "weight x relu(z)": 0.25 / 2,
        "both with a mean": 1 / 3 + 1 + 9 / 3,
    }
    for what, variance in exact.items():
        assert records[what]["measured"] == pytest.approx(variance, rel=0.02)
        assert records[what]["formula"] == pytest.approx(variance, rel=0.02)
    assert records["weight x pixel in [0, 1]"]["var(X) var(Y)"] == pytest.approx(0.25 / 12, rel=0.02)


def test_fan_in_of_a_convolution_counts_the_kernel() -> None:
    for record in signals.convolutions():
        excess = record["kernel"] ** 2 if record["rule"] == "C" else 1
        assert record["var"] == pytest.approx(2 * excess, rel=0.15)


def test_the_numpy_part_and_its_plots_need_no_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from lab.experiments import depth_signals as s\n"
        "assert s.plot_blocks(s.probe_blocks(width=8)).axes\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_images_are_raw_centred_or_standardized_by_those_that_are_trained_on() -> None:
    pixels = read("photo_patches").train_images[:80].astype(float)
    coarse = pixels.reshape(80, 16, 2, 16, 2, 3).mean((2, 4)).transpose(0, 3, 1, 2)
    raw, centred, standardized = (prepared("photos", form, FEW) for form in measures.INPUTS[::-1])
    np.testing.assert_allclose(raw.train_x, coarse, atol=1e-4)
    mean = coarse.mean((0, 2, 3)).reshape(3, 1, 1)
    np.testing.assert_allclose(centred.train_x, coarse - mean, atol=1e-3)
    np.testing.assert_allclose(standardized.train_x.std((0, 2, 3), correction=0), 1, atol=1e-4)
    np.testing.assert_allclose(standardized.train_x.mean((0, 2, 3)), 0, atol=1e-4)
    assert prepared("mnist", "raw", FEW).train_x.shape == (80, 1, 28, 28)
    trained = {image.numpy().tobytes() for image in raw.train_x}
    assert not trained & {image.numpy().tobytes() for image in raw.validation_x}


@pytest.mark.parametrize("name", depth.WAYS)
@pytest.mark.parametrize("layers", [2, 5, 20])
def test_a_network_has_its_hidden_layers_whatever_the_way(name: str, layers: int) -> None:
    way = depth.WAYS[name]
    net = depth_nets.dense(way, layers, inputs=12)
    counted = {
        kind: sum(isinstance(m, kind) for m in net.modules())
        for kind in (nn.Linear, nn.BatchNorm1d, depth_nets.Skip)
    }
    assert counted[nn.Linear] == layers + 1
    assert counted[nn.BatchNorm1d] == (layers if way.norm else 0)
    assert counted[depth_nets.Skip] == ((layers - 1) // 2 if way.skip else 0)
    assert net(torch.randn(3, 3, 2, 2)).shape == (3, 10)


@pytest.mark.parametrize(("init", "variance"), [("Glorot", 2 / 1000), ("He", 2 / 300), ("default", 1 / 900)])
def test_weights_have_the_variance_of_their_name(init: str, variance: float) -> None:
    torch.manual_seed(0)
    layer = depth_nets.linear(300, 700, init)
    assert layer.weight.var().item() == pytest.approx(variance, rel=0.02)
    assert abs(layer.weight.mean().item()) < 4 * (variance / 210_000) ** 0.5
    assert bool(layer.bias.any()) == (init == "default")


@pytest.mark.parametrize("form", depth.FORMS)
def test_blocks_that_are_trained_are_those_that_are_measured(form: str) -> None:
    net = depth_nets.block_net(form, 20, inputs=6, width=8).double()
    linears = [m for m in net.modules() if isinstance(m, nn.Linear)]
    for norm in (m for m in net.modules() if isinstance(m, nn.BatchNorm1d)):
        norm.eps = 1e-12  # NumPy's form divides by the std itself
    assert len(linears) == 42
    x = noise(7, 6).float().double()
    with torch.no_grad():
        y = linears[0](x).numpy()
        forward, _, factor = signals.block_forms(20)["full scale" if form == "no skip" else form]
        for first, second in zip(linears[1:-1:2], linears[2:-1:2], strict=True):
            W1, W2 = first.weight.numpy().T, second.weight.numpy().T
            assert factor or not W2.any()
            y = forward(y, W1, W2) - (y if form == "no skip" else 0)
        expected = linears[-1](torch.from_numpy(y).clamp(min=0))
        np.testing.assert_allclose(net(x), expected, rtol=1e-3, atol=1e-6)


def test_what_arrives_at_the_start_is_measured_and_nothing_is_left_behind() -> None:
    net, data = depth.plain_net(3), prepared("photos", "standardized", FEW)
    found = depth.start(net, data)
    hidden = [net[:3](data.train_x), net[:5](data.train_x), net[:7](data.train_x)]
    assert found["std"] == pytest.approx([h.std(0).mean().item() for h in hidden], rel=1e-4)
    assert found["std_at"] == [1, 2, 3]
    assert all(p.grad is None for p in net.parameters())
    assert not any(m._forward_hooks for m in net.modules())
    nn.functional.cross_entropy(net(data.train_x), data.train_y).backward()
    norms = [m.weight.grad.norm().item() for m in net if isinstance(m, nn.Linear)]
    assert found["gradient"] == pytest.approx(norms, rel=1e-4)


def test_what_arrives_behind_a_block_is_measured_and_not_what_is_inside() -> None:
    data = prepared("photos", "standardized", FEW)
    net = depth_nets.dense(depth.WAYS["ReLU, skips"], 6, inputs=768)
    found = depth.start(net, data)
    assert found["std_at"] == [1, 3, 5, 6] and len(found["gradient"]) == 7
    block = torch.relu(net[:3](data.train_x) + net[3].branch(net[:3](data.train_x)))
    assert found["std"][1] == pytest.approx(block.std(0).mean().item(), rel=1e-4)


def test_units_that_no_image_reaches_are_silent() -> None:
    net = depth_nets.dense(depth_nets.Way("relu"), 2, inputs=768)
    with torch.no_grad():
        net[1].bias[:16] = -1e6  # a quarter of the first layer, an eighth of all
        net[3].bias[:] = 1e6
    shown = prepared("photos", "standardized", FEW).train_x
    assert measures.silent_share(net, shown) == pytest.approx(16 / 128)
    assert not any(m._forward_pre_hooks for m in net.modules())


def test_training_is_sgd_with_momentum_on_the_batches_of_the_seed() -> None:
    data = prepared("photos", "standardized", FEW)
    net, other = (depth.plain_net(2) for _ in range(2))
    record = measures.fit(net, data, FEW, rate=0.05, seed=7)
    draw, losses = torch.Generator().manual_seed(7), []
    speed = [torch.zeros_like(p) for p in other.parameters()]
    for _ in range(4):
        rows = torch.randint(80, (measures.BATCH,), generator=draw)
        loss = nn.functional.cross_entropy(other(data.train_x[rows]), data.train_y[rows])
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, list(other.parameters()))
        with torch.no_grad():
            for p, v, g in zip(other.parameters(), speed, gradients, strict=True):
                v.mul_(0.9).add_(g)
                p.sub_(0.05 * v)
    assert record["loss"] == pytest.approx([sum(losses[:2]) / 2, sum(losses[2:]) / 2], rel=1e-4)
    right = (other(data.test_x).argmax(1) == data.test_y).float().mean().item()
    assert record["test_accuracy"] == pytest.approx(right, abs=0.04)


def test_a_lost_run_is_nan_to_its_end() -> None:
    data = prepared("photos", "raw", FEW)
    record = measures.fit(depth.plain_net(2), data, replace(FEW, steps=6), rate=1e12, seed=0)
    assert len(record["loss"]) == 3 and np.isnan(record["loss"][1:]).all()
    assert 0 <= record["test_accuracy"] <= 0.3


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few runs as each part can do with."""
    size = replace(depth.SIZES["tiny"], grid=FEW, dead=FEW, blocks=FEW, depths=(2, 3))
    monkeypatch.setitem(depth.SIZES, "tiny", size)
    monkeypatch.setattr(depth, "RATES", {"standardized": (0.01, 0.1), "raw": (0.0001,)})
    monkeypatch.setattr(depth, "STARTED", 4)
    few = {"width": 8, "examples": 10}
    for name, less in {
        **{"probe": few, "probe_blocks": few},
        **{"products": {"draws": 1000}, "convolutions": {"examples": 10}},
    }.items():
        real = getattr(signals, name)
        monkeypatch.setattr(signals, name, lambda real=real, less=less, **at: real(**at, **less))


def test_a_students_networks_are_trained_beside_the_librarys_and_drawn(tiny: None) -> None:
    made: list[int] = []

    def mine(layers: int) -> Any:
        made.append(layers)
        return depth.conv_net(lambda channels: nn.Conv2d(channels, channels, 3, padding=1), layers)

    results = depth.compare({"mine": mine}, size="tiny")
    assert {run["way"] for run in results["runs"]} == {"ReLU", "mine"}
    assert set(made) == {2, 3}
    assert [way for way, _ in depth.table(results)] == ["ReLU", "mine"]
    for plot in (depth.plot_grid, depth.plot_curves):
        assert plot(results).axes
    assert {run["way"] for run in depth.compare(size="tiny")["runs"]} == {"ReLU", "ReLU, He", "ReLU, skips"}


def test_a_rerun_gives_the_same_numbers_and_another_seed_others(tiny: None) -> None:
    def numbers(seed: int) -> Any:
        at = depth.Settings("grid", "mnist", "standardized", "ReLU, He", 2, 0.1, seed)
        return depth.run(at, "tiny")["loss"]

    assert numbers(0) == numbers(0) != numbers(1)


def test_dead_units_are_counted_before_and_after(tiny: None) -> None:
    at = depth.Settings("dead", "mnist", "standardized", "relu", 3, 1.0, 0)
    run = depth.run(at, "tiny")
    assert run["silent_at_start"] < 0.2 < run["silent"] <= 1
    assert np.isnan(depth.run(replace(at, rate=1e30), "tiny")["silent"])


def test_the_study_can_be_cut_after_any_run_continued_and_drawn_at_its_end(
    tmp_path: Path, tiny: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depth, "run", made_up)
    for count, results in enumerate(depth.study("tiny"), start=1):
        assert len(results["runs"]) == count
    planned = depth.plan("tiny")
    assert len(set(planned)) == len(planned) == count
    cut = {**results, "runs": results["runs"][:-3]}
    *_, again = depth.study("tiny", begun=cut)
    assert again["runs"] == results["runs"]
    save_results(results, tmp_path / "r.json")
    back = depth.load_results(tmp_path / "r.json")
    for plot in [*EVERYWHERE, *PHOTOS_ONLY]:
        drawn = plot(back, depth=2) if plot is depth.plot_rates else plot(back)
        assert drawn.axes


def made_up(at: Any, size: str) -> dict[str, Any]:
    random = np.random.default_rng([at.seed, at.depth, int(at.rate * 1e5), len(at.way), len(at.part)])
    keys = ("test_accuracy", "train_accuracy", "validation_accuracy", "silent", "silent_at_start")
    return {**asdict(at), "loss": random.random(2).tolist(), **{key: random.random() for key in keys}}


def results_with(*runs: tuple[float, int, list[float], float, float]) -> dict[str, Any]:
    made = [
        {
            **asdict(depth.Settings("grid", "photos", "standardized", "ReLU", 20, rate, seed)),
            "loss": loss,
            "validation_accuracy": valid,
            "test_accuracy": test,
        }
        for rate, seed, loss, valid, test in runs
    ]
    return {"about": {}, "runs": made}


def test_the_rate_is_chosen_on_validation_images_and_accuracy_is_of_the_test() -> None:
    results = results_with(
        (0.1, 0, [1.0], 0.5, 0.9),
        (0.1, 1, [1.0], 0.5, 0.9),
        (0.2, 0, [1.0], 0.4, 0.5),
        (0.2, 1, [1.0], 0.7, 0.7),
    )
    assert depth.best_rate(results, way="ReLU") == 0.2
    expected = {"mean": 0.6, "std": 0.02**0.5, "min": 0.5, "max": 0.7}
    assert depth.summary(results, way="ReLU") == pytest.approx(expected)
    assert depth.table(results)[0][1][20] == pytest.approx(expected)
    assert depth.summary(results, way="ReLU", rate=0.1)["mean"] == pytest.approx(0.9)
    results["runs"][2]["loss"] = [float("nan")]
    assert depth.best_rate(results, way="ReLU") == 0.1


def test_settings_that_no_run_has_are_told() -> None:
    with pytest.raises(ValueError, match="Expected settings of some runs of these results"):
        depth.summary(results_with((0.1, 0, [1.0], 0.5, 0.5)), way="RELU")
    with pytest.raises(ValueError, match="Expected an activation of these records"):
        signals.plot_histograms([], "RELU")


@pytest.mark.parametrize(("name", "data"), [("full", "photos"), ("cifar10", "cifar10")])
def test_the_committed_results_are_whole_and_can_be_drawn(name: str, data: str) -> None:
    results = depth.load_results(RESULTS / f"{name}.json")
    about = results["about"]
    assert len(about["seeds"]) >= 3 and {"device", "torch", "date", "data"} <= set(about)
    planned = [asdict(at) for at in depth.plan("full", data)]
    assert [{key: run[key] for key in planned[0]} for run in results["runs"]] == planned
    for plot in [*EVERYWHERE, *(PHOTOS_ONLY if data == "photos" else [])]:
        assert plot(results).axes
