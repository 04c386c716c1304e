"""Optimizers in PyTorch: the solutions against torch.optim, torch.nn.utils and closed forms."""

import copy
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.units import right_ways_07_torch

SOLVED = ("07-optimizers", "optimizers_torch")
F = nn.functional
WAYS = right_ways_07_torch.WAYS

SGD_SETTINGS = [
    {"lr": 0.3},
    {"lr": 0.0, "momentum": 0.9},
    {"lr": 0.1, "momentum": 0.9},
    {"lr": 0.2, "weight_decay": 0.7},
    {"lr": 0.1, "momentum": 0.3, "weight_decay": 0.05},
    {"lr": 0.05, "momentum": 0.99, "nesterov": True},
    {"lr": 0.1, "momentum": 0.7, "nesterov": True, "weight_decay": 0.2},
]
ADAMW_SETTINGS = [
    {},
    {"lr": 0.1, "weight_decay": 0.0},
    {"lr": 0.03, "betas": (0.0, 0.9), "eps": 1e-2},
    {"lr": 0.03, "betas": (0.9, 0.7), "weight_decay": 0.3},
    {"lr": 0.5, "betas": (0.99, 0.9999), "eps": 1.0, "weight_decay": 1.0},
    {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-12, "weight_decay": 2.0},
    {"lr": 0.2, "betas": (0.5, 0.6), "eps": 0.1, "weight_decay": -0.0},
]
CASES = [("SGD", s) for s in SGD_SETTINGS] + [("AdamW", s) for s in ADAMW_SETTINGS]


def walk(make, seed=0, steps=25, device="cpu", dtype=torch.float64, interrupt=None):
    """Parameters of three shapes after random gradients of very different sizes; some are missing.

    The learning rate changes. interrupt(optimizer, params) may replace both in the middle."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(3, 4), (5,), ()]
    start = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    params = [nn.Parameter(w.to(device=device, dtype=dtype)) for w in start]
    optimizer = make(params)
    first = optimizer.param_groups[0]["lr"]
    for t in range(steps):
        if interrupt and t == steps // 2:
            optimizer, params = interrupt(optimizer, params)
        optimizer.param_groups[0]["lr"] = first / (1 + t % 5)
        for number, p in enumerate(params):
            g = 10 ** (2 * torch.rand((), generator=generator) - 1) * torch.randn(
                p.shape, generator=generator
            )
            p.grad = None if (t + number) % 4 == 0 else g.to(p)
        optimizer.step()
    return torch.cat([p.detach().flatten() for p in params])


@pytest.mark.parametrize(("name", "chosen"), CASES)
def test_the_path_is_that_of_the_library_for_odd_settings(answers, name, chosen):
    mine, theirs = (
        walk(lambda params, kind=kind: kind(params, **chosen))
        for kind in (answers[name], getattr(torch.optim, name))
    )
    torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(
    lr=st.floats(0, 1),
    mu=st.floats(0.01, 1),
    nesterov=st.booleans(),
    weight_decay=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_sgd_follows_the_library_for_any_settings(answers, lr, mu, nesterov, weight_decay, seed):
    chosen = {"lr": lr, "momentum": mu, "nesterov": nesterov, "weight_decay": weight_decay}
    mine, theirs = (
        walk(lambda params, kind=kind: kind(params, **chosen), seed)
        for kind in (answers["SGD"], torch.optim.SGD)
    )
    torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    lr=st.floats(0, 1),
    betas=st.tuples(st.floats(0, 0.99), st.floats(0, 0.9999)),
    eps=st.floats(1e-6, 1),
    weight_decay=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_adamw_follows_the_library_for_any_settings(answers, lr, betas, eps, weight_decay, seed):
    chosen = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    mine, theirs = (
        walk(lambda params, kind=kind: kind(params, **chosen), seed)
        for kind in (answers["AdamW"], torch.optim.AdamW)
    )
    torch.testing.assert_close(mine, theirs, rtol=1e-8, atol=1e-8)


def test_adamw_without_decay_is_adam(answers):
    chosen = {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-3}
    mine = walk(lambda params: answers["AdamW"](params, weight_decay=0, **chosen))
    torch.testing.assert_close(mine, walk(lambda params: torch.optim.Adam(params, **chosen)))


@pytest.mark.parametrize(("name", "chosen"), CASES)
def test_a_saved_and_loaded_run_goes_on_as_if_nothing_had_happened(answers, name, chosen):
    kind = answers[name]

    def save_and_load(old, params):
        saved = copy.deepcopy(old.state_dict())
        fresh = [nn.Parameter(p.detach().clone()) for p in params]
        new = kind(fresh, lr=7.0)
        new.load_state_dict(saved)
        return new, fresh

    whole = walk(lambda params: kind(params, **chosen))
    torch.testing.assert_close(walk(lambda params: kind(params, **chosen), interrupt=save_and_load), whole)


@pytest.mark.parametrize(("name", "chosen"), [CASES[4], CASES[10]])
def test_the_state_of_the_library_may_be_loaded(answers, name, chosen):
    """The names of the state are those of torch, so a run can change hands."""
    theirs = getattr(torch.optim, name)

    def hand_over(old, params):
        new = answers[name](params, **chosen)
        new.load_state_dict(old.state_dict())
        return new, params

    whole = walk(lambda params: theirs(params, **chosen))
    mixed = walk(lambda params: theirs(params, **chosen), interrupt=hand_over)
    torch.testing.assert_close(mixed, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_schedules_and_hooks_of_the_library_work_on_it(answers, name):
    paths = []
    for kind in (answers[name], getattr(torch.optim, name)):
        w = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
        optimizer = kind([w], lr=0.1)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
        counted = []
        optimizer.register_step_post_hook(lambda *_, counted=counted: counted.append(1))
        for _ in range(6):
            optimizer.zero_grad()
            (w**4).sum().backward()
            optimizer.step()
            schedule.step()
        assert len(counted) == 6
        paths.append(w.detach())
    torch.testing.assert_close(*paths)


def test_the_decay_of_sgd_enters_the_velocity_and_that_of_adamw_does_not(answers):
    """Catalogue O8: three steps with a zero gradient give 0.9444, and 0.9703 where the decay is decoupled."""
    for name, chosen, expected in (
        ("SGD", {"momentum": 0.9}, 1 - 0.1 * (0.1 + 0.189 + 0.26721)),
        ("AdamW", {}, (1 - 0.01) ** 3),
    ):
        w = nn.Parameter(torch.ones(1, dtype=torch.float64))
        w.grad = torch.zeros_like(w)
        optimizer = answers[name]([w], lr=0.1, weight_decay=0.1, **chosen)
        for _ in range(3):
            optimizer.step()
        assert w.item() == pytest.approx(expected, rel=1e-12), name


def test_without_gradients_nothing_moves_and_nothing_is_kept(answers):
    for name in ("SGD", "AdamW"):
        w = nn.Parameter(torch.ones(3))
        optimizer = answers[name]([w], lr=0.1, weight_decay=0.5)
        optimizer.step()
        assert torch.equal(w, torch.ones(3)) and not optimizer.state_dict()["state"]


@pytest.mark.parametrize("lr", [-1e-9, -3.0, float("-inf")])
def test_a_negative_rate_is_refused_as_the_library_refuses_it(answers, lr):
    for name in ("SGD", "AdamW"):
        for kind in (answers[name], getattr(torch.optim, name)):
            with pytest.raises(ValueError, match=str(lr)):
                kind([nn.Parameter(torch.ones(1))], lr=lr)


@pytest.mark.parametrize("betas", [(1.0, 0.9), (-0.1, 0.9), (0.9, 1.0), (0.9, 1.5)])
def test_betas_are_refused_as_the_library_refuses_them(answers, betas):
    for kind in (answers["AdamW"], torch.optim.AdamW):
        with pytest.raises(ValueError):
            kind([nn.Parameter(torch.ones(1))], betas=betas)


@settings(max_examples=40, deadline=None)
@given(size=st.floats(-4, 4), max_norm=st.floats(1e-3, 1e3), seed=st.integers(0, 9))
def test_clipping_is_that_of_the_library(answers, size, max_norm, seed):
    generator = torch.Generator().manual_seed(seed)
    shapes = [(3, 4), (5,), (2, 2, 2), ()]
    slopes = [10**size * torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
    norms, grads = [], []
    for clip in (answers["clip_gradients"], nn.utils.clip_grad_norm_):
        params = [nn.Parameter(torch.zeros_like(g)) for g in slopes]
        for p, g in zip(params, slopes, strict=True):
            p.grad = g.clone()
        norms.append(torch.as_tensor(clip(iter([*params, nn.Parameter(torch.ones(2))]), max_norm)).double())
        grads.append(torch.cat([p.grad.flatten() for p in params]))
    torch.testing.assert_close(*norms, rtol=1e-12, atol=0)
    torch.testing.assert_close(*grads, rtol=1e-12, atol=0)


@pytest.mark.parametrize("left", [0.0, 5.0])
def test_a_step_of_training_is_that_of_the_library(answers, left):
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)).double()
    other, x, y = copy.deepcopy(model), torch.randn(7, 4).double(), torch.randint(3, (7,))
    for p in model.parameters():
        p.grad = torch.full_like(p, left)
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.5, momentum=0.9) for m in (model, other)]
    for max_norm in (None, 0.01, 100.0):
        value = answers["train_step"](model, optimizers[0], F.cross_entropy, x, y, max_norm)
        optimizers[1].zero_grad()
        loss = F.cross_entropy(other(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(other.parameters(), float("inf") if max_norm is None else max_norm)
        optimizers[1].step()
        assert isinstance(value, float) and value == pytest.approx(loss.item(), rel=1e-12)
        for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-13)


def test_who_never_forgets_gradients_has_momentum_with_mu_one(answers):
    """The third friend of the question: plain steps along the sum of all gradients are those of mu = 1."""
    paths = []
    for forgets, mu in ((False, 0.0), (True, 1.0)):
        w = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
        optimizer = answers["SGD"]([w], lr=0.01, momentum=mu)
        for _ in range(20):
            if forgets:
                optimizer.zero_grad()
            (w**4).sum().backward()
            optimizer.step()
        paths.append(w.detach())
    torch.testing.assert_close(*paths)


def test_the_three_slips_look_as_the_rubric_says(answers):
    """Losses at step 60 of the notebook's network on 200 digits, with SGD and lr = 0.1."""
    from lab.data import read
    from lab.training import as_tensors

    digits = as_tensors(read("digits"), device="cpu")
    x, y = digits.train_x[:200], digits.train_y[:200]
    last = {}
    for slip in ("none", "forgets late", "clips late", "never forgets"):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Flatten(), nn.Linear(64, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Linear(40, 10))
        optimizer = answers["SGD"](net.parameters(), lr=0.1)
        for _ in range(60):
            if slip in ("none", "clips late"):
                optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            if slip == "forgets late":
                optimizer.zero_grad()
            if slip == "none":
                answers["clip_gradients"](net.parameters(), 1.0)
            optimizer.step()
        last[slip] = loss.item()
    expected = {"none": 0.270, "forgets late": 2.478, "clips late": 0.264, "never forgets": 0.002}
    assert last == pytest.approx(expected, abs=0.01)


def test_a_huge_gradient_is_clipped_before_the_step(answers):
    """Catalogue O6: the step is max_norm * lr long; clipped too late it would be 100 long."""
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.ones_(model.weight)
    x = torch.full((1, 1), 1000.0).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    answers["train_step"](model, optimizer, lambda out, y: (out - y).sum(), x, torch.zeros(1, 1), 1.0)
    assert model.weight.item() == pytest.approx(0.9, rel=1e-6)


def test_the_groups_train_the_model_and_spare_its_vectors(answers):
    torch.manual_seed(4)
    model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2))
    before = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(answers["parameter_groups"](model, 0.5), lr=0.1)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    spared = {"0.bias", "1.weight", "1.bias", "3.bias"}
    for (name, new), old in zip(model.named_parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(new, old if name in spared else 0.95 * old)


@pytest.mark.parametrize("curvatures", [(1.0, 1000.0), (-2.0, 3.0), (0.5, 1.0, -1.0, 7.0)])
def test_one_newton_step_solves_a_quadratic_and_finds_the_saddle(answers, curvatures):
    torch.manual_seed(5)
    turn = torch.linalg.qr(torch.randn(len(curvatures), len(curvatures), dtype=torch.float64)).Q
    A, target = turn @ torch.diag(torch.tensor(curvatures).double()) @ turn.T, torch.randn(len(curvatures))
    target = target.double()
    w = torch.randn(len(curvatures), dtype=torch.float64)
    new = answers["newton_step"](lambda v: (v - target) @ A @ (v - target) / 2, w, 0.0)
    torch.testing.assert_close(new, target, rtol=1e-9, atol=1e-9)


def test_damped_newton_divides_each_curvature_plus_delta(answers):
    curvatures = torch.tensor([1.0, -1.0, 4.0], dtype=torch.float64)
    w = torch.tensor([1.0, 1.0, 2.0], dtype=torch.float64)
    new = answers["newton_step"](lambda v: (curvatures * v**2).sum() / 2, w, 1.5)
    torch.testing.assert_close(new, w - curvatures * w / (curvatures + 1.5))


def test_newton_steps_find_a_root_of_the_gradient_faster_than_any_rate(answers):
    """Near a minimum the error is squared: exp(w) - 2 w has its minimum at log 2."""
    w, errors = torch.tensor([1.5], dtype=torch.float64), []
    for _ in range(5):
        w = answers["newton_step"](lambda v: (v.exp() - 2 * v).sum(), w, 0.0)
        errors.append(abs(w.item() - torch.tensor(2.0).double().log().item()))
    assert all(new <= old**2 + 1e-15 for old, new in itertools.pairwise(errors))


def test_examples_of_the_docstrings_hold(answers):
    for nesterov, expected in ((False, [0.8, 0.4]), (True, [0.7, 0.2])):
        w = nn.Parameter(torch.tensor(1.0))
        optimizer, seen = answers["SGD"]([w], lr=0.1, momentum=0.5, nesterov=nesterov), []
        for g in (2.0, 3.0):
            w.grad = torch.tensor(g)
            optimizer.step()
            seen.append(w.item())
        assert seen == pytest.approx(expected)
    w = nn.Parameter(torch.tensor(1.0))
    w.grad = torch.tensor(4.0)
    answers["AdamW"]([w], lr=0.1, weight_decay=0.5, eps=0).step()
    assert w.item() == pytest.approx(0.85)
    pair = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))]
    pair[0].grad, pair[1].grad = torch.tensor([3.0, 0.0]), torch.tensor([4.0])
    assert float(answers["clip_gradients"](pair, 1.0)) == pytest.approx(5)
    torch.testing.assert_close(pair[0].grad, torch.tensor([0.6, 0.0]))
    torch.testing.assert_close(pair[1].grad, torch.tensor([0.8]))
    groups = answers["parameter_groups"](nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), 0.1)
    assert [len(group["params"]) for group in groups] == [1, 3]
    for damping, expected in ((0, 0.0), (2, 0.5)):
        new = answers["newton_step"](lambda v: 3 * v @ v, torch.tensor([2.0]), damping)
        assert new.item() == pytest.approx(expected, abs=1e-6)


def test_second_order_information_pays_without_noise(answers):
    """What the notebook shows: L-BFGS is nearer to the minimum than the others after as many evaluations."""
    torch.manual_seed(6)
    x, y = torch.randn(200, 10, dtype=torch.float64), torch.randint(10, (200,))
    makers = {
        "momentum": lambda weights: answers["SGD"](weights, lr=0.1, momentum=0.9),
        "L-BFGS": lambda weights: torch.optim.LBFGS(weights, line_search_fn="strong_wolfe"),
    }
    least = {name: min(answers["losses_by_evaluation"](make, x, y, 40)) for name, make in makers.items()}
    assert least["L-BFGS"] < least["momentum"]


SLIPS = {
    "a moving average, renewed in place": ("MO1-torch", "mu * v + g)", "mu * v + (1 - mu) * g)"),
    "no look-ahead": ("NE1-torch", "lr * (g + mu * v)", "lr * v"),
    "a rate that is read once": ("SG5-torch", 'group["lr"], group', 'self.defaults["lr"], group'),
}


@pytest.mark.parametrize(("mistake", "right", "wrong"), SLIPS.values(), ids=SLIPS)
def test_a_slip_in_another_hand_is_named(mistake, right, wrong, notebook, questions):
    source = WAYS["SGD"]["through .data, a velocity of zeros for everyone"]
    slipped = source.replace(right, wrong)
    assert slipped != source
    names = notebook.with_source(slipped)
    for asked in questions:
        told = [v.mistake for v in notebook.verdicts(names, "SGD", asked) if not v.passed]
        assert mistake in told, told


NANS = {
    "a factor t and no power": ("b2 ** state", "b2 * state"),
    "the square subtracted": ("+ (1 - b2) * p.grad", "- (1 - b2) * p.grad"),
    "the root of the mean": ("s_hat**0.5", "m_hat**0.5"),
}


@pytest.mark.parametrize(("right", "wrong"), NANS.values(), ids=NANS)
def test_a_nan_that_comes_from_elsewhere_is_not_called_a_count_from_zero(right, wrong, notebook, questions):
    source = WAYS["AdamW"]["the decay after the step, the accepted convention"]
    slipped = source.replace(right, wrong)
    assert slipped != source
    names = notebook.with_source(slipped)
    told = [v.mistake for asked in questions for v in notebook.verdicts(names, "AdamW", asked)]
    assert any(told) and "AD4-torch" not in told, told


def test_the_optimizers_of_the_library_pass_every_probe(notebook, questions):
    """The checks ask for nothing that torch's own do not do; they want a rate of 0 or more, as torch does."""
    library = {
        "SGD": lambda params, lr, momentum=0.0, nesterov=False, weight_decay=0.0: torch.optim.SGD(
            params, lr, momentum, 0, weight_decay, nesterov
        ),
        "clip_gradients": nn.utils.clip_grad_norm_,
    }
    for exercise, theirs in library.items():
        names = {**notebook.names, exercise: theirs}
        for asked in questions:
            assert all(v.passed for v in notebook.verdicts(names, exercise, asked)), exercise


def test_every_catalogued_bug_is_a_mistake_here_too(notebook):
    """Sections I, J (AdamW and Adam), L of the catalogue, and II.3 where it is about a step.

    NE2 is the same function as NE1; AM3, O3 to O5 and O10 to O18 are about loops, data and schedules."""
    ids = {p.mistake.id for p in notebook.unit.patches_of(notebook.reference.notebook)}
    rows = """SG3 SG4 SG5 SG6 MO1 MO2 MO3 MO4 MO5 MO7 MO8 MO10 MO11 NE1 NE4 NE5 NE6
              AD1 AD2 AD3 AD4 AD7 AD8 AD10 AD13 AD14 AD15 AD16 AD17 AD18 AD19 AD20 AD21 AD22
              WD1 WD2 WD3 WD4 WD7 WD8 AM1 AM2 AM4 NT1 NT2 NT3 NT4 NT7"""
    assert {f"{row}-torch" for row in rows.split()} <= ids
    assert {"GC1", "GC2", "GC3", "GC5", "GC6", "GC7", "O2", "O6", "O7", "O8", "O9"} <= ids


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize(("name", "chosen"), CASES)
def test_the_optimizers_walk_on_a_gpu_as_on_the_cpu(answers, name, chosen):
    here, there = (walk(lambda params: answers[name](params, **chosen), device=d) for d in ("cpu", "cuda"))
    torch.testing.assert_close(there.cpu(), here, rtol=1e-9, atol=1e-11)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_other_answers_run_on_a_gpu(answers):
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.Linear(6, 3)).to("cuda")
    optimizer = answers["AdamW"](answers["parameter_groups"](model, 0.1), lr=0.01)
    x, y = torch.randn(9, 4, device="cuda"), torch.randint(3, (9,), device="cuda")
    losses = [answers["train_step"](model, optimizer, F.cross_entropy, x, y, 1.0) for _ in range(50)]
    assert losses[-1] < losses[0]
    assert {v.device.type for s in optimizer.state.values() for v in s.values() if torch.is_tensor(v)} == {
        "cuda"
    }
    norm = torch.as_tensor(answers["clip_gradients"](model.parameters(), 1e-3))
    assert norm.isfinite()
    w = torch.ones(3, device="cuda", dtype=torch.float64)
    new = answers["newton_step"](lambda v: (v**4).sum(), w, 0.0)
    torch.testing.assert_close(new.cpu(), torch.full((3,), 2 / 3, dtype=torch.float64))
