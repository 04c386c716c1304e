"""Penalties and noise in PyTorch: the solutions against torch's own functions, numerical gradients and
binomial bounds, and slips that the catalogue does not have."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.units.solved import refused

SOLVED = ("06-regularization", "regularization_torch")
F = nn.functional


UNLISTED = {
    "a penalty on the gradients": (
        "penalized_loss",
        "return loss + sum(l1 * w.grad.abs().sum() for w in model.parameters() if w.grad is not None)",
    ),
    "the largest weight alone": (
        "penalized_loss",
        "ws = [w for w in model.parameters() if w.ndim > 1]\n"
        "    return loss + l1 * sum(w.abs().max() for w in ws) + l2 / 2 * sum((w**2).sum() for w in ws)",
    ),
    "an elastic net of l1": (
        "penalized_loss",
        "ws = [w for w in model.parameters() if w.ndim > 1]\n"
        "    return loss + sum(l1 * w.abs().sum() + (1 - l1) * l2 / 2 * (w**2).sum() for w in ws)",
    ),
    "the loss is scaled down": (
        "penalized_loss",
        "ws = [w for w in model.parameters() if w.ndim > 1]\n"
        "    return (1 - l2) * loss + sum(l1 * w.abs().sum() + l2 / 2 * (w**2).sum() for w in ws)",
    ),
    "the gradients are cleared": (
        "penalized_loss",
        "model.zero_grad()\n    ws = [w for w in model.parameters() if w.ndim > 1]\n"
        "    return loss + sum(l1 * w.abs().sum() + l2 / 2 * (w**2).sum() for w in ws)",
    ),
    "a layer of one unit is left out": (
        "penalized_loss",
        "ws = [w for w in model.parameters() if w.squeeze().ndim > 1]\n"
        "    return loss + sum(l1 * w.abs().sum() + l2 / 2 * (w**2).sum() for w in ws)",
    ),
    "parameters without a gradient are passed by": (
        "soft_threshold_",
        "with torch.no_grad():\n        for w in parameters:\n            if w.grad is None:\n"
        "                continue\n            w.copy_(w.sign() * (w.abs() - threshold).clamp(min=0))",
    ),
    "gradients are switched on for everyone": (
        "predict_marginal",
        "was = [(m, m.training) for m in model.modules()]\n"
        "    for m, _mode in was:\n        m.training = isinstance(m, kinds)\n"
        "    torch.set_grad_enabled(False)\n"
        "    mean = sum(model(x).softmax(1) for _ in range(draws)) / draws\n"
        "    torch.set_grad_enabled(True)\n"
        "    for m, mode in was:\n        m.training = mode\n    return mean",
    ),
    "a threshold of the mean size": (
        "soft_threshold_",
        "with torch.no_grad():\n        for w in parameters:\n"
        "            t = threshold * w.abs().mean()\n"
        "            w.copy_(w.sign() * (w.abs() - t).clamp(min=0))",
    ),
    "what is below goes, the rest shrinks by a factor": (
        "soft_threshold_",
        "with torch.no_grad():\n        for w in parameters:\n"
        "            w.mul_((w.abs() > threshold) * (1 - threshold))",
    ),
    "a tiny rest is left": (
        "soft_threshold_",
        "with torch.no_grad():\n        for w in parameters:\n"
        "            w.copy_(w.sign() * (w.abs() - threshold).clamp(min=1e-8))",
    ),
    "twice": (
        "soft_threshold_",
        "with torch.no_grad():\n        for w in [*parameters] * 2:\n"
        "            w.copy_(w.sign() * (w.abs() - threshold).clamp(min=0))",
    ),
    "every row to the mean length": (
        "max_norm_",
        "w = layer.weight.data.flatten(1)\n    n = w.norm(dim=1, keepdim=True).clamp(min=1e-9)\n"
        "    w.mul_(n.mean().clamp(max=c) / n)",
    ),
    "rows that are too long become 0": (
        "max_norm_",
        "w = layer.weight.data.flatten(1)\n    w.mul_(w.norm(dim=1, keepdim=True) <= c)",
    ),
    "the bound is squared": (
        "max_norm_",
        "w = layer.weight.data.flatten(1)\n    w.mul_((c**2 / w.norm(dim=1, keepdim=True)).clamp(max=1))",
    ),
    "the excess is subtracted": (
        "max_norm_",
        "w = layer.weight.data.flatten(1)\n"
        "    w.sub_((w.norm(dim=1, keepdim=True) - c).clamp(min=0) * w.sign())",
    ),
    "every class alike": (
        "predict_marginal",
        "return torch.zeros(len(x), 3) + 1 / 3",
    ),
}


@pytest.mark.parametrize(("exercise", "body"), UNLISTED.values(), ids=UNLISTED)
def test_a_wrong_answer_that_no_catalogue_has_is_refused(exercise, body, notebook, questions):
    assert refused(notebook, questions, exercise, notebook.with_body(exercise, body))


CLASSES = {
    "stops after as many epochs as patience says": """
class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best_loss, self.best_state, self.k = patience, math.inf, None, 0
    def step(self, loss, model):
        self.k += 1
        if loss < self.best_loss:
            self.best_loss, self.best_state = loss, copy.deepcopy(model.state_dict())
        return self.k >= self.patience
    def restore(self, model):
        if self.best_state is not None:
            model.load_state_dict(self.best_state)
""",
    "restores the first epoch": """
class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best_loss, self.best_state, self.k = patience, math.inf, None, 0
    def step(self, loss, model):
        self.k += 1
        if self.best_state is None and loss == loss:
            self.best_state = copy.deepcopy(model.state_dict())
        if loss < self.best_loss:
            self.best_loss, self.k = loss, 0
        return self.k >= self.patience
    def restore(self, model):
        if self.best_state is not None:
            model.load_state_dict(self.best_state)
""",
    "wants to be better by a hundredth": """
class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best_loss, self.best_state, self.k = patience, math.inf, None, 0
    def step(self, loss, model):
        self.k += 1
        if loss < self.best_loss - 0.2:
            self.best_loss, self.k = loss, 0
            self.best_state = copy.deepcopy(model.state_dict())
        return self.k >= self.patience
    def restore(self, model):
        if self.best_state is not None:
            model.load_state_dict(self.best_state)
""",
    "wants to be better by a thousandth of the loss": """
class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best_loss, self.best_state, self.k = patience, math.inf, None, 0
    def step(self, loss, model):
        self.k += 1
        if loss < self.best_loss * 0.999:
            self.best_loss, self.k = loss, 0
            self.best_state = copy.deepcopy(model.state_dict())
        return self.k >= self.patience
    def restore(self, model):
        if self.best_state is not None:
            model.load_state_dict(self.best_state)
""",
    "gives the model back itself when it stops": """
class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best_loss, self.best_state, self.k = patience, math.inf, None, 0
    def step(self, loss, model):
        self.k += 1
        if loss < self.best_loss:
            self.best_loss, self.k = loss, 0
            self.best_state = copy.deepcopy(model.state_dict())
        if self.k >= self.patience:
            self.restore(model)
        return self.k >= self.patience
    def restore(self, model):
        if self.best_state is not None:
            model.load_state_dict(self.best_state)
""",
    "clears the gradients": """
class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best_loss, self.best_state, self.k = patience, math.inf, None, 0
    def step(self, loss, model):
        self.k += 1
        model.zero_grad()
        if loss < self.best_loss:
            self.best_loss, self.k = loss, 0
            self.best_state = copy.deepcopy(model.state_dict())
        return self.k >= self.patience
    def restore(self, model):
        if self.best_state is not None:
            model.load_state_dict(self.best_state)
""",
    "leaves the model in training mode": """
class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best_loss, self.best_state, self.k = patience, math.inf, None, 0
    def step(self, loss, model):
        self.k += 1
        if loss < self.best_loss:
            self.best_loss, self.k = loss, 0
            self.best_state = copy.deepcopy(model.state_dict())
        return self.k >= self.patience
    def restore(self, model):
        if self.best_state is not None:
            model.load_state_dict(self.best_state)
            model.train()
""",
    "smooths the scores": """
class SmoothedCrossEntropy(nn.Module):
    def __init__(self, eps=0.1):
        super().__init__()
        self.eps = eps
    def forward(self, scores, y):
        mean = scores.mean(dim=1, keepdim=True)
        return F.cross_entropy((1 - self.eps) * scores + self.eps * mean, y)
""",
    "smooths the probabilities": """
class SmoothedCrossEntropy(nn.Module):
    def __init__(self, eps=0.1):
        super().__init__()
        self.eps = eps
    def forward(self, scores, y):
        p = (1 - self.eps) * scores.softmax(1) + self.eps / scores.shape[1]
        return F.nll_loss(p.log(), y)
""",
    "smooths by the batch": """
class SmoothedCrossEntropy(nn.Module):
    def __init__(self, eps=0.1):
        super().__init__()
        self.eps = eps
    def forward(self, scores, y):
        log_p = scores.log_softmax(1)
        right = log_p.gather(1, y[:, None]).mean()
        return -(1 - self.eps) * right - self.eps * log_p.sum() / len(y) ** 2
""",
    "noise that is Laplace's": """
class GaussianNoise(nn.Module):
    def __init__(self, sigma, p=1.0):
        super().__init__()
        self.sigma, self.p = sigma, p
    def forward(self, x):
        if not self.training:
            return x
        u = torch.rand_like(x) - 0.5
        noise = -u.sign() * torch.log1p(-2 * u.abs()) * self.sigma
        return x + (torch.rand(len(x), *[1] * (x.ndim - 1), device=x.device) < self.p) * noise
""",
    "noise that depends on the coin": """
class GaussianNoise(nn.Module):
    def __init__(self, sigma, p=1.0):
        super().__init__()
        self.sigma, self.p = sigma, p
    def forward(self, x):
        if not self.training:
            return x
        coin = torch.rand(len(x), *[1] * (x.ndim - 1), device=x.device).to(x.dtype)
        return x + (coin < self.p) * coin * self.sigma * torch.randn_like(x)
""",
    "only even places get noise": """
class GaussianNoise(nn.Module):
    def __init__(self, sigma, p=1.0):
        super().__init__()
        self.sigma, self.p = sigma, p
    def forward(self, x):
        if not self.training:
            return x
        hit = (torch.arange(len(x), device=x.device) % 2 == 0).view(-1, *[1] * (x.ndim - 1))
        return x + hit * self.sigma * torch.randn_like(x)
""",
}


@pytest.mark.parametrize("source", CLASSES.values(), ids=CLASSES)
def test_a_wrong_class_that_no_catalogue_has_is_refused(source, notebook, questions):
    exercise = source.split()[1].split("(")[0].rstrip(":")
    assert refused(notebook, questions, exercise, notebook.with_source(source))


def network():
    torch.manual_seed(0)
    parts = [nn.Conv2d(2, 3, (2, 1)), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(18, 4)]
    return nn.Sequential(*parts).double()


def test_the_penalty_is_what_weight_decay_adds_to_the_gradient(answers):
    """Steps of SGD with weight_decay on the weights, against SGD on the penalized loss."""
    x, y = torch.randn(6, 2, 4, 2, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 0, 1])
    mine = network()
    theirs = copy.deepcopy(mine)
    groups = [
        {"params": [w for w in theirs.parameters() if w.ndim > 1], "weight_decay": 0.3},
        {"params": [w for w in theirs.parameters() if w.ndim == 1]},
    ]
    for net, optimizer in (
        (mine, torch.optim.SGD(mine.parameters(), lr=0.1, momentum=0.9)),
        (theirs, torch.optim.SGD(groups, lr=0.1, momentum=0.9)),
    ):
        for _ in range(4):
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            (answers["penalized_loss"](loss, net, 0.0, 0.3) if net is mine else loss).backward()
            optimizer.step()
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


def test_the_gradient_of_both_penalties_equals_difference_quotients(answers):
    net = network()
    weight, h = net[3].weight, 1e-6
    answers["penalized_loss"](torch.zeros((), dtype=torch.float64), net, 0.2, 0.7).backward()
    for place in ((0, 0), (1, 5), (3, 17)):
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                weight[place] += sign * h
                values.append(answers["penalized_loss"](torch.zeros(()), net, 0.2, 0.7).item())
                weight[place] -= sign * h
        assert weight.grad[place].item() == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-6)


@pytest.mark.parametrize("threshold", [0.0, 0.4, 3.0])
def test_the_threshold_is_that_of_the_library(answers, threshold):
    w = nn.Parameter(torch.randn(40, 7, dtype=torch.float64))
    expected = F.softshrink(w.detach(), threshold)
    answers["soft_threshold_"]([w], threshold)
    assert torch.equal(w.detach(), expected)


def test_the_threshold_is_the_minimum_that_the_proximal_step_asks_for(answers):
    grid = torch.linspace(-4, 4, 80_001, dtype=torch.float64)
    v = torch.tensor([-3.0, -0.2, 0.0, 0.5, 1.7], dtype=torch.float64)
    minimum = grid[((grid - v[:, None]) ** 2 / 2 + 0.6 * grid.abs()).argmin(dim=1)]
    w = nn.Parameter(v.clone())
    answers["soft_threshold_"](iter([w]), 0.6)
    torch.testing.assert_close(w.detach(), minimum, rtol=0, atol=2e-4)


@pytest.mark.parametrize("layer", [nn.Linear(9, 7), nn.Conv2d(3, 8, (3, 2)), nn.Conv2d(4, 6, 3, groups=2)])
def test_the_bound_is_that_of_the_library(answers, layer):
    layer = copy.deepcopy(layer).double()
    lengths = layer.weight.detach().flatten(1).norm(dim=1)
    c = lengths.median().item() * 1.001
    expected = layer.weight.detach().renorm(2, 0, c)
    answers["max_norm_"](layer, c)
    torch.testing.assert_close(layer.weight.detach(), expected, rtol=1e-6, atol=0)
    assert (layer.weight.flatten(1).norm(dim=1) <= c * (1 + 1e-12)).all()


@pytest.mark.parametrize("eps", [0.0, 0.1, 0.7])
def test_the_smoothed_loss_and_its_gradient_are_those_of_the_library(answers, eps):
    scores = torch.randn(8, 5, dtype=torch.float64, requires_grad=True)
    y = torch.randint(5, (8,))
    mine = torch.autograd.grad(answers["SmoothedCrossEntropy"](eps)(scores, y), scores)[0]
    loss = F.cross_entropy(scores, y, label_smoothing=eps)
    torch.testing.assert_close(answers["SmoothedCrossEntropy"](eps)(scores, y), loss)
    torch.testing.assert_close(mine, torch.autograd.grad(loss, scores)[0])
    q = (1 - eps) * F.one_hot(y, 5) + eps / 5
    torch.testing.assert_close(mine, (scores.detach().softmax(1) - q) / 8, rtol=1e-6, atol=1e-9)


def test_early_stopping_finds_the_epoch_that_numpy_finds(answers):
    """Random losses: the stop and the best by their definition, in NumPy."""
    rng = np.random.default_rng(0)
    for _ in range(30):
        losses, patience = rng.integers(0, 9, 25) / 4, int(rng.integers(1, 5))
        lowest = np.minimum.accumulate(losses)
        best_at = np.array([np.flatnonzero(losses == low)[0] for low in lowest])
        over = np.flatnonzero(np.arange(25) - best_at >= patience)
        stopper, model = answers["EarlyStopping"](patience), nn.Linear(1, 1)
        said = []
        for k, loss in enumerate(losses):
            nn.init.constant_(model.weight, k)
            said.append(stopper.step(loss, model))
            if said[-1]:
                break
        assert said == [k == len(said) - 1 and over.size > 0 for k in range(len(said))]
        assert len(said) == (over[0] + 1 if over.size else 25)
        stopper.restore(model)
        assert model.weight.item() == best_at[len(said) - 1]


def within_five_deviations(count, n, probability):
    """A binomial count is further off than this once in two million times."""
    return abs(count - n * probability) <= 5 * math.sqrt(n * probability * (1 - probability))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_the_number_of_noisy_images_is_binomial_and_the_noise_is_normal(answers, p):
    torch.manual_seed(1)
    x = torch.randn(4000, 2, 3, dtype=torch.float64)
    added = answers["GaussianNoise"](0.3, p)(x) - x
    noisy = (added != 0).flatten(1).any(dim=1)
    assert within_five_deviations(noisy.sum().item(), 4000, p)
    z = added[noisy].flatten() / 0.3
    assert abs(z.mean().item()) <= 5 / math.sqrt(len(z))
    for bound in (0.5, 1.0, 2.0):
        inside = math.erf(bound / math.sqrt(2))
        assert within_five_deviations((z.abs() < bound).sum().item(), len(z), inside)


def test_noise_on_a_linear_model_is_a_penalty_on_the_weights(answers):
    """The chapter's p sigma^2 times the squared norm, measured."""
    torch.manual_seed(2)
    w, x, t = (torch.randn(n, dtype=torch.float64) for n in (6, 6, 1))
    noisy = answers["GaussianNoise"](0.4, 0.3)(x.expand(400_000, 6))
    measured = ((t - noisy @ w) ** 2).mean().item()
    expected = ((t - x @ w) ** 2).item() + 0.3 * 0.4**2 * (w @ w).item()
    assert measured == pytest.approx(expected, rel=0.02)


def test_marginal_prediction_agrees_with_the_sum_over_all_masks(answers):
    """Three inputs have eight masks."""
    torch.manual_seed(3)
    p, draws, x = 0.3, 20_000, torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
    linear = nn.Linear(3, 4).double()
    masks = torch.tensor(np.array(np.meshgrid(*[[0.0, 1.0]] * 3)).reshape(3, -1).T)
    weight = torch.where(masks == 1, 1 - p, p).double().prod(dim=1)
    with torch.no_grad():
        each = linear(masks * x / (1 - p)).softmax(dim=1)
    exact = weight @ each
    std = (weight @ (each - exact) ** 2).sqrt()
    mean = answers["predict_marginal"](nn.Sequential(nn.Dropout(p), linear), x, draws)
    assert ((mean[0] - exact).abs() <= 5 * std / math.sqrt(draws)).all()


def test_what_the_first_listing_prints_is_what_the_catalogue_measured(answers):
    """O8: 0.9444 coupled, 0.9703 decoupled, after three steps without a gradient."""
    settings = {"lr": 0.1, "weight_decay": 0.1}
    coupled = answers["decayed"](lambda w: torch.optim.SGD(w, momentum=0.9, **settings))
    decoupled = answers["decayed"](lambda w: torch.optim.AdamW(w, **settings))
    assert (round(coupled, 4), round(decoupled, 4)) == (0.9444, 0.9703)


def test_examples_of_the_docstrings_hold(answers):
    layer = nn.Linear(2, 1)
    layer.weight.data, layer.bias.data = torch.tensor([[3.0, -4.0]]), torch.tensor([2.0])
    assert answers["penalized_loss"](torch.tensor(1.0), layer, 0.1, 0.2).item() == pytest.approx(4.2)
    w = nn.Parameter(torch.tensor([2.0, 0.3, -0.8]))
    answers["soft_threshold_"]([w], 0.5)
    torch.testing.assert_close(w.detach(), torch.tensor([1.5, 0.0, -0.3]))
    layer = nn.Linear(2, 2)
    layer.weight.data = torch.tensor([[3.0, 4.0], [0.6, 0.8]])
    answers["max_norm_"](layer, 2)
    torch.testing.assert_close(layer.weight.detach(), torch.tensor([[1.2, 1.6], [0.6, 0.8]]))
    stopper = answers["EarlyStopping"](2)
    assert [stopper.step(loss, layer) for loss in (3, 2, 2.5, 2)] == [False, False, False, True]
    loss = answers["SmoothedCrossEntropy"](0.2)(torch.tensor([[0.0, math.log(3)]]), torch.tensor([1]))
    assert loss.item() == pytest.approx(0.398, abs=5e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_torch_answers_run_on_a_gpu(answers):
    images = torch.randn(64, 2, 4, 2, device="cuda")
    net = nn.Sequential(answers["GaussianNoise"](0.5, 0.5), *network().float(), nn.Dropout(0.2)).to("cuda")
    loss = answers["SmoothedCrossEntropy"](0.1)(net(images), torch.arange(64, device="cuda") % 4)
    answers["penalized_loss"](loss, net, 0.01, 0.01).backward()
    answers["soft_threshold_"](net.parameters(), 0.01)
    answers["max_norm_"](net[1], 0.3)
    assert (net[1].weight.flatten(1).norm(dim=1) <= 0.3001).all()
    stopper = answers["EarlyStopping"](1)
    assert not stopper.step(loss.detach(), net)
    stopper.restore(net)
    mean = answers["predict_marginal"](net, images, 5)
    assert mean.device.type == "cuda"
    torch.testing.assert_close(mean.sum(dim=1), torch.ones(64, device="cuda"))
    assert answers["GaussianNoise"](0.5)(images.half()).dtype == torch.float16


def test_every_catalogued_bug_is_a_mistake_here_too(notebook):
    ids = {p.mistake.id for p in notebook.unit.patches_of(notebook.reference.notebook)}
    rows = ("RG1", "RG2", "RG3", "RG5", "RG6", "RG8", "RG9", "RG10", "RG15", "RG17", "RG18")
    rows += ("O13", "O14", "U3", "U17", "U18")
    assert {f"{row}-torch" for row in rows} | {"O12"} <= ids
