"""Debugging and hyperparameter search in PyTorch: the solutions against other oracles and closed forms."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from torch import nn

SOLVED = ("09-hyperparameters", "hyperparameters_torch")
F = nn.functional


def small_net(seed=0, dropout=0.0, norm=nn.Identity):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(5, 16), norm(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 3)
    ).double()


def some_data(N, seed=1):
    """Three classes that a plane nearly separates."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(N, 5, generator=draw).double()
    return x, (x[:, :3] + 0.3 * torch.randn(N, 3, generator=draw)).argmax(dim=1)


def batches_of(x, y, size=8):
    return list(zip(x.split(size), y.split(size), strict=True))


def test_a_batch_is_learned_by_heart_whatever_its_labels(answers):
    x = torch.randn(12, 5, generator=torch.Generator().manual_seed(0)).double()
    y = torch.arange(12) % 3
    start, end = answers["overfits_one_batch"](small_net(), x, y, 300, 0.03)
    assert start == pytest.approx(math.log(3), abs=0.4) and end < 0.01


def test_a_model_that_loses_its_input_does_not_learn_a_batch(answers):
    """Equal scores for all images: the best loss is the entropy of the labels, here log 3."""

    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.scores = nn.Parameter(torch.zeros(3).double())

        def forward(self, x):
            return self.scores.expand(len(x), 3)

    start, end = answers["overfits_one_batch"](Blind(), *some_data(12)[:1], torch.arange(12) % 3, 50, 0.1)
    assert start == pytest.approx(math.log(3)) == end


def test_the_model_that_is_tested_is_as_it_was(answers):
    net = small_net(norm=nn.BatchNorm1d).eval()
    before, modes = copy.deepcopy(net.state_dict()), [part.training for part in net.modules()]
    answers["overfits_one_batch"](net, *some_data(12), 5, 0.1)
    for a, b in zip(net.state_dict().values(), before.values(), strict=True):
        assert torch.equal(a, b)
    assert [part.training for part in net.modules()] == modes
    assert all(w.grad is None for w in net.parameters())


CALLS = {  # how each program is called on some examples
    "a": lambda run, net, x, y: run(net, batches_of(x, y), 8, 0.1),
    "b": lambda run, net, x, y: run(net, batches_of(x, y), 8, 0.1),
    "c": lambda run, net, x, y: run(
        net, x, y, [torch.arange(len(x)).flip(0).roll(k) for k in range(8)], 8, 0.1
    ),
    "d": lambda run, net, x, y: run(net, batches_of(x, y), some_data(30, seed=5), 8, 0.1),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_program_as_it_is_given_is_not_the_repaired_one(answers, name):
    x, y = some_data(44)
    sick, well = (CALLS[name](answers[f"{what}_{name}"], small_net(), x, y) for what in ("train", "repaired"))
    assert np.shape(sick) == np.shape(well)
    assert not np.allclose(sick, well, rtol=1e-3) or name == "d"


def textbook(net, batches, lr, velocities=None, momentum=0.0):
    """One epoch of gradient descent by hand; returns the losses of all examples."""
    losses = []
    weights = list(net.parameters())
    for x, y in batches:
        each = F.cross_entropy(net(x), y, reduction="none")
        slopes = torch.autograd.grad(each.mean(), weights)
        with torch.no_grad():
            for k, (w, slope) in enumerate(zip(weights, slopes, strict=True)):
                if velocities is not None:
                    slope = velocities[k] = momentum * velocities.get(k, 0.0) + slope
                w -= lr * slope
        losses.append(each.detach())
    return torch.cat(losses)


def same_weights(a, b):
    for v, w in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        torch.testing.assert_close(v, w, rtol=1e-9, atol=1e-12)


def test_program_a_is_gradient_descent_once_repaired(answers):
    batches = batches_of(*some_data(30))
    net, twin = small_net(), small_net()
    losses = answers["repaired_a"](net, batches, 4, 0.3)
    assert losses == pytest.approx([textbook(twin, batches, 0.3).mean().item() for _ in range(4)])
    same_weights(net, twin)


def test_the_given_program_a_steps_with_the_sum_of_an_epoch_s_gradients(answers):
    """What the notebook says of it: the second step has the gradients of both batches."""
    (first, second) = batches = batches_of(*some_data(16))
    net, twin = small_net(), small_net()
    answers["train_a"](net, batches, 1, 0.1)
    weights = list(twin.parameters())
    slopes = torch.autograd.grad(F.cross_entropy(twin(first[0]), first[1]), weights)
    textbook(twin, [first], 0.1)
    more = torch.autograd.grad(F.cross_entropy(twin(second[0]), second[1]), weights)
    with torch.no_grad():
        for w, a, b in zip(weights, slopes, more, strict=True):
            w -= 0.1 * (a + b)
    same_weights(net, twin)


def test_program_b_is_gradient_descent_once_repaired(answers):
    batches = batches_of(*some_data(30))
    net, twin = small_net(), small_net()
    losses, sure = answers["repaired_b"](net, batches, 3, 0.3)
    assert sure[0] == pytest.approx(first_certainty(batches), abs=1e-12)
    assert losses == pytest.approx([textbook(twin, batches, 0.3).mean().item() for _ in range(3)])
    same_weights(net, twin)


def first_certainty(batches):
    """The mean of the largest probabilities in the first epoch, each from before its step."""
    twin, largest = small_net(), []
    for x, y in batches:
        z = twin(x).detach().numpy()
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        largest += p.max(axis=1).tolist()
        textbook(twin, [(x, y)], 0.3)
    return np.mean(largest)


@pytest.mark.parametrize(("K", "floor"), [(10, 1.4612), (3, 0.5514)])
def test_the_loss_of_the_given_program_b_has_a_floor(answers, K, floor):
    """log(e + K - 1) - 1, for a perfect network: the number that the notebook asks for."""
    sure = nn.Linear(K, K, bias=False).double()
    nn.init.eye_(sure.weight)
    batch = (500 * torch.eye(K).double(), torch.arange(K))
    (loss,), (certainty,) = answers["train_b"](sure, [batch], 1, 0.0)
    assert loss == pytest.approx(math.log(math.e + K - 1) - 1) == pytest.approx(floor, abs=5e-5)
    assert certainty == pytest.approx(1)
    assert answers["repaired_b"](sure, [batch], 1, 0.0)[0] == pytest.approx([0.0], abs=1e-12)


def test_program_c_visits_the_examples_in_their_order_once_repaired(answers):
    x, y = some_data(30)
    orders = [torch.randperm(30, generator=torch.Generator().manual_seed(k)) for k in range(3)]
    net, twin = small_net(), small_net()
    losses = answers["repaired_c"](net, x, y, orders, 8, 0.3)
    wanted = [textbook(twin, batches_of(x[order], y[order]), 0.3).mean().item() for order in orders]
    assert losses == pytest.approx(wanted)
    same_weights(net, twin)


def test_program_c_learns_only_where_it_is_repaired(answers):
    x, y = some_data(120)
    orders = [torch.randperm(120, generator=torch.Generator().manual_seed(k)) for k in range(20)]
    sick = answers["train_c"](small_net(), x, y, orders, 8, 0.1)
    well = answers["repaired_c"](small_net(), x, y, orders, 8, 0.1)
    assert sick[-1] == pytest.approx(math.log(3), abs=0.1) and well[-1] < 0.5


@pytest.mark.parametrize("norm", [nn.Identity, nn.BatchNorm1d])
def test_program_d_gives_back_the_network_of_its_best_epoch(answers, norm):
    x, y = some_data(30)
    x_val, y_val = some_data(40, seed=7)
    y = torch.where(torch.arange(30) % 5 == 0, (y + 1) % 3, y)
    batches, net, twin = batches_of(x, y), small_net(norm=norm), small_net(norm=norm)
    learned, watched = answers["repaired_d"](net, batches, (x_val, y_val), 25, 0.1)
    velocities, states, losses, held_out = {}, [], [], []
    for _ in range(25):
        losses.append(textbook(twin.train(), batches, 0.1, velocities, 0.9).mean().item())
        held_out.append(F.cross_entropy(twin.eval()(x_val), y_val).item())
        states.append(copy.deepcopy(twin.state_dict()))
    assert learned == pytest.approx(losses) and watched == pytest.approx(held_out)
    best = int(np.argmin(held_out))
    assert 0 < best < 24
    twin.load_state_dict(states[best])
    same_weights(net, twin)
    assert F.cross_entropy(net(x_val), y_val).item() == pytest.approx(min(watched))
    assert not net.training


def test_dropout_stays_on_only_where_program_d_is_repaired(answers):
    """Without it the given program learns its training data far better: what its curve shows."""
    x, y = some_data(40)
    y = torch.randint(3, (40,), generator=torch.Generator().manual_seed(2))
    ends = {}
    for name in ("train_d", "repaired_d"):
        net = small_net(dropout=0.5)
        torch.manual_seed(0)
        ends[name] = np.mean(answers[name](net, batches_of(x, y), some_data(20, seed=3), 60, 0.05)[0][-10:])
    assert ends["train_d"] < 0.7 * ends["repaired_d"]


logs_of_three = st.tuples(st.floats(-1.5, 1.0), st.floats(-1.0, 1.0), st.floats(-2.0, 0.5))


def covariance(x, length, scale, noise):
    return scale**2 * np.exp(-((x[:, None] - x) ** 2) / (2 * length**2)) + noise**2 * np.eye(len(x))


@settings(max_examples=40, deadline=None)
@given(logs=logs_of_three, n=st.integers(1, 12), seed=st.integers(0, 99))
def test_the_evidence_is_the_density_of_a_gaussian(answers, logs, n, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-2, 2, n), rng.normal(size=n)
    asked = (torch.tensor(v, dtype=torch.float64) for v in (x, y, *logs))
    found = answers["log_evidence"](*asked)
    wanted = multivariate_normal(np.zeros(n), covariance(x, *np.exp(logs))).logpdf(y)
    assert found.item() == pytest.approx(wanted, rel=1e-8, abs=1e-8)


def test_the_evidence_and_its_gradient_are_those_of_scikit_learn(answers):
    rng = np.random.default_rng(3)
    x, y, (length, scale, noise) = rng.uniform(-2, 2, 9), rng.normal(size=9), (0.6, 1.4, 0.3)
    logs = [v.requires_grad_() for v in torch.tensor([length, scale, noise], dtype=torch.float64).log()]
    own = answers["log_evidence"](torch.tensor(x), torch.tensor(y), *logs)
    own.backward()
    kernel = ConstantKernel(scale**2) * RBF(length) + WhiteKernel(noise**2)
    process = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x[:, None], y)
    value, slopes = process.log_marginal_likelihood(process.kernel_.theta, eval_gradient=True)
    assert own.item() == pytest.approx(value)
    # Theirs are slopes along log s^2, log l and log sigma^2, ours along log l, log s and log sigma.
    assert [w.grad.item() for w in logs] == pytest.approx([slopes[1], 2 * slopes[0], 2 * slopes[2]])


def test_the_gradient_of_the_evidence_is_the_numerical_one(answers):
    rng = np.random.default_rng(5)
    x, y = torch.tensor(rng.uniform(0, 3, 7)), torch.tensor(rng.normal(size=7))
    logs = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (-0.4, 0.3, -1.0)]
    given = (x.requires_grad_(), y.requires_grad_(), *logs)
    assert torch.autograd.gradcheck(answers["log_evidence"], given)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_evidence_keeps_the_dtype(answers, dtype):
    x, y = torch.linspace(0, 3, 8, dtype=dtype), torch.ones(8, dtype=dtype)
    assert answers["log_evidence"](x, y, *torch.zeros(3, dtype=dtype)).dtype == dtype


def test_a_fit_ends_where_scipy_ends(answers):
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 4, 25))
    y = np.sin(2 * x) + 0.1 * rng.normal(size=25)
    points, values = torch.tensor(x), torch.tensor(y)

    def evidence(*logs):
        return answers["log_evidence"](points, values, *logs)

    found = answers["fit_gp"](evidence, 1.0, 1.0, 0.5, 1500, 0.02)
    wanted = minimize(
        lambda logs: -multivariate_normal(np.zeros(25), covariance(x, *np.exp(logs))).logpdf(y), np.zeros(3)
    )
    assert np.log(found) == pytest.approx(wanted.x, abs=1e-3)
    assert found[2] == pytest.approx(0.1, rel=0.4)


def test_optuna_takes_the_objective_as_it_is(answers):
    """The real library: all trials end, pruned ones are pruned, and the settings are in their ranges."""
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    seen = []

    def train(settings):
        seen.append(settings)
        for epoch in range(1, 6):
            yield math.nan if settings["lr"] > 0.5 else abs(math.log10(settings["lr"]) + 2) + 1 / epoch

    objective, pruned = answers["make_objective"](train), answers["Pruned"]

    def told(trial):
        try:
            return objective(trial)
        except pruned as error:
            raise optuna.TrialPruned from error

    study = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(seed=0), pruner=optuna.pruners.MedianPruner()
    )
    study.optimize(told, n_trials=60)
    states = [trial.state.name for trial in study.trials]
    assert set(states) == {"COMPLETE", "PRUNED"}
    assert all((s == "PRUNED") for s, at in zip(states, seen, strict=True) if at["lr"] > 0.5)
    assert {at["width"] for at in seen} == {16, 32, 64, 128}
    assert all(1e-4 <= at["lr"] <= 1 and 0.5 <= at["momentum"] <= 0.99 for at in seen)
    momenta = np.sort([1 - at["momentum"] for at in seen])
    assert 0.03 < np.median(momenta) < 0.15  # 0.07 is the middle of the logarithmic range
    assert study.best_value == pytest.approx(min(t.value for t in study.trials if t.value is not None))


def test_pruning_stops_the_training_at_once(answers):
    paid = []

    def train(_settings):
        for epoch in itertools.count():
            paid.append(epoch)
            yield 1.0

    class Stubborn:
        suggest_float = staticmethod(lambda _name, low, _high, log: low)
        suggest_categorical = staticmethod(lambda _name, choices: choices[0])
        report = staticmethod(lambda _value, step: None)
        should_prune = staticmethod(lambda: len(paid) == 3)

    with pytest.raises(answers["Pruned"]):
        answers["make_objective"](train)(Stubborn())
    assert paid == [0, 1, 2]


def test_examples_of_the_docstrings_hold(answers):
    still = nn.Linear(4, 3).double()
    nn.init.zeros_(still.weight)
    nn.init.zeros_(still.bias)
    start, _ = answers["overfits_one_batch"](still, torch.ones(2, 4).double(), torch.tensor([0, 2]), 1, 0.1)
    assert start == pytest.approx(1.0986, abs=5e-5)

    fixed = nn.Linear(1, 2, bias=False)
    fixed.load_state_dict({"weight": torch.tensor([[math.log(9)], [0.0]])})
    (loss,), (sure,) = answers["repaired_b"](fixed, [(torch.ones(1, 1), torch.tensor([1]))], 1, 0.0)
    assert loss == pytest.approx(2.3026, abs=5e-5) and sure == pytest.approx(0.9)

    zero = torch.zeros(3).double()
    found = answers["log_evidence"](torch.tensor([0.0, 1]).double(), torch.tensor([1, 0.5]).double(), *zero)
    assert found.item() == pytest.approx(-2.7434, abs=5e-5)

    length, scale, noise = answers["fit_gp"](lambda a, b, c: 3 * a + 0 * b + 0 * c, 0.5, 2.0, 0.3, 1, 0.1)
    assert length == pytest.approx(0.5526, abs=5e-5) and (scale, noise) == pytest.approx((2.0, 0.3))
