"""Schedules, batch size and ensembles in PyTorch: the solutions against torch's own and closed forms."""

import copy
import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim import lr_scheduler, swa_utils

SOLVED = ("08-schedules", "schedules_torch")
F = nn.functional


def sgd_with(*rates):
    groups = [{"params": [nn.Parameter(torch.ones(2))], "lr": lr} for lr in rates]
    return torch.optim.SGD(groups, lr=1.0)


def rates_of(optimizer, scheduler, steps):
    used = []
    for _ in range(steps):
        used.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return used


def library_s(optimizer, W, T, lr_min):
    """Warm-up and cosine of the library, one behind the other; it is right up to step T."""
    down = lr_scheduler.CosineAnnealingLR(optimizer, T - W, eta_min=lr_min)
    if W == 0:
        return down
    up = lr_scheduler.LambdaLR(optimizer, lambda step: (step + 1) / W)
    return lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[W])


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize(("W", "T", "lr_min"), [(0, 7, 0.0), (3, 11, 0.1), (1, 2, 0.05), (10, 40, 0.0)])
def test_the_schedule_is_the_library_s_in_two_parts(answers, W, T, lr_min):
    mine, theirs = sgd_with(0.8, 0.3), sgd_with(0.8, 0.3)
    found = rates_of(mine, answers["WarmupCosine"](mine, W, T, lr_min), T + 1)
    wanted = rates_of(theirs, library_s(theirs, W, T, lr_min), T + 1)
    torch.testing.assert_close(torch.tensor(found), torch.tensor(wanted), rtol=1e-12, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(W=st.integers(0, 20), more=st.integers(1, 30), lr0=st.floats(0.1, 2), share=st.floats(0, 1))
def test_the_rate_rises_once_falls_once_and_stays(answers, W, more, lr0, share):
    optimizer = sgd_with(lr0)
    scheduler = answers["WarmupCosine"](optimizer, W, W + more, share * lr0)
    rates = [rate for (rate,) in rates_of(optimizer, scheduler, W + more + 5)]
    assert rates[max(W - 1, 0)] == pytest.approx(lr0) and max(rates) <= lr0 * (1 + 1e-12)
    assert all(a < b for a, b in itertools.pairwise(rates[:W]))
    assert all(a >= b - 1e-12 for a, b in itertools.pairwise(rates[W:]))
    assert rates[W + more :] == pytest.approx([share * lr0] * 5)


def test_a_run_that_is_cut_in_two_is_the_whole_run(answers):
    whole, first, second = sgd_with(0.5), sgd_with(0.5), sgd_with(9.0)
    wanted = rates_of(whole, answers["WarmupCosine"](whole, 4, 30, 0.1), 33)
    before = answers["WarmupCosine"](first, 4, 30, 0.1)
    found = rates_of(first, before, 13)
    after = answers["WarmupCosine"](second, 1, 2)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    after.load_state_dict(copy.deepcopy(before.state_dict()))
    assert found + rates_of(second, after, 20) == wanted


def small_net(seed=0, norm=nn.Identity):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 6), norm(6), nn.Tanh(), nn.Linear(6, 3)).double()


def some_data(N, seed=1):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(N, 5, generator=draw).double(), torch.randint(3, (N,), generator=draw)


def test_an_epoch_is_the_loop_of_the_textbook(answers):
    x, y = some_data(23)
    mine, theirs = small_net(), small_net()
    runner, reference = (torch.optim.SGD(net.parameters(), 0.4, momentum=0.9) for net in (mine, theirs))
    falling = lr_scheduler.ExponentialLR(runner, 0.8)
    loss = answers["train_epoch"](mine, zip(x.split(5), y.split(5), strict=True), runner, falling, 0.3)
    each = torch.zeros(23).double()
    for t, rows in enumerate(torch.arange(23).split(5)):
        losses = F.cross_entropy(theirs(x[rows]), y[rows], reduction="none")
        each[rows] = losses.detach()
        reference.zero_grad()
        losses.mean().backward()
        norm = torch.cat([w.grad.flatten() for w in theirs.parameters()]).norm()
        for w in theirs.parameters():
            w.grad *= min(1.0, 0.3 / (norm.item() + 1e-6))
        reference.param_groups[0]["lr"] = 0.4 * 0.8**t
        reference.step()
    assert loss == pytest.approx(each.mean().item(), rel=1e-9)
    assert runner.param_groups[0]["lr"] == pytest.approx(0.4 * 0.8**5)
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("micro_batch", [1, 4, 7, 23, 50])
def test_the_gradient_in_parts_is_that_of_the_whole_batch(answers, micro_batch):
    x, y = some_data(23)
    net, twin = small_net(), small_net()
    loss = answers["backward_in_parts"](net, F.cross_entropy, x, y, micro_batch)
    whole = F.cross_entropy(twin(x), y)
    whole.backward()
    assert loss == pytest.approx(whole.item(), rel=1e-12)
    for a, b in zip(net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-10, atol=1e-13)


def test_with_batch_normalization_it_is_another_gradient(answers):
    """What the notebook shows, and the chapter says why."""
    x, y = some_data(64)
    gaps = []
    for micro_batch in (32, 4):
        net, twin = small_net(norm=nn.BatchNorm1d), small_net(norm=nn.BatchNorm1d)
        answers["backward_in_parts"](net, F.cross_entropy, x, y, micro_batch)
        F.cross_entropy(twin(x), y).backward()
        pairs = [(a.grad, b.grad) for a, b in zip(net.parameters(), twin.parameters(), strict=True)]
        off = math.sqrt(sum((a - b).square().sum().item() for a, b in pairs))
        gaps.append(off / math.sqrt(sum(b.square().sum().item() for _, b in pairs)))
    assert 0.01 < gaps[0] < gaps[1]


@pytest.mark.parametrize("B", [1, 5])
def test_the_noise_is_that_of_the_per_example_gradients(answers, B):
    """All batches of B with replacement are too many: as many draws are, in the mean, sigma^2 / B."""
    x, y = some_data(12)
    net = small_net()
    weights = list(net.parameters())
    rows = torch.arange(12).split(1)
    each = torch.stack(
        [
            torch.cat([g.flatten() for g in torch.autograd.grad(F.cross_entropy(net(x[r]), y[r]), weights)])
            for r in rows
        ]
    )
    variance = (each - each.mean(0)).square().sum(1).mean().item()
    draw = torch.Generator().manual_seed(3)
    batches = list(rows) if B == 1 else list(torch.randint(12, (3000, B), generator=draw))
    noise = answers["gradient_noise"](net, F.cross_entropy, x, y, batches)
    assert noise == pytest.approx(math.sqrt(variance / B), rel=1e-9 if B == 1 else 0.03)


def test_snapshots_are_the_run_as_it_was(answers):
    net = small_net(norm=nn.BatchNorm1d)
    runner = torch.optim.SGD(net.parameters(), lr=0.5)
    x, y = some_data(40)
    chosen = (0, 3, 4)
    kept, were = answers["Snapshots"](net, iter(chosen)), []
    for t in range(6):
        answers["train_epoch"](net, [(x, y)], runner)
        kept.after_step(t)
        if t in chosen:
            twin = copy.deepcopy(net).eval()
            were.append(twin(x).detach())
    found = [model(x) for model in kept.models()]
    assert len(found) == 3
    for a, b in zip(found, were, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_the_loss_of_an_ensemble_is_at_most_the_mean_of_its_members(answers):
    """Jensen's inequality, as the chapter derives it."""
    x, y = some_data(50)
    nets = [small_net(seed) for seed in range(4)]
    p = answers["ensemble_probabilities"](nets, x)
    wanted = sum(F.softmax(net(x), dim=1) for net in nets) / 4
    torch.testing.assert_close(p, wanted.detach())
    members = [F.cross_entropy(net(x), y).item() for net in nets]
    assert F.nll_loss(p.log(), y).item() < sum(members) / 4


@pytest.mark.parametrize("decay", [None, 0.7])
def test_averages_are_those_of_the_library(answers, decay):
    net = small_net(norm=nn.BatchNorm1d)
    runner = torch.optim.SGD(net.parameters(), lr=0.5)
    mine = answers["WeightAverage"](net, decay)
    function = None if decay is None else swa_utils.get_ema_multi_avg_fn(decay)
    theirs = swa_utils.AveragedModel(net, multi_avg_fn=function)
    x, y = some_data(60)
    for _ in range(5):
        answers["train_epoch"](net, [(x, y)], runner)
        mine.update(net)
        theirs.update_parameters(net)
    assert mine.updates == 5
    for (name, a), b in zip(
        mine.average.state_dict().items(), theirs.module.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12, msg=name)


def test_refreshed_statistics_are_those_of_the_library(answers):
    mine, theirs = small_net(norm=nn.BatchNorm1d), small_net(norm=nn.BatchNorm1d)
    x, _ = some_data(60)
    for net in (mine, theirs):
        net(x + 7)
        net.eval()
    answers["refresh_batchnorm"](mine, x.split(20))
    swa_utils.update_bn(x.split(20), theirs)
    for a, b in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(mine[1].running_mean, mine[0](x).mean(0))
    assert not mine.training and mine[1].momentum == 0.1


def test_permuted_units_compute_the_same_and_their_mean_does_not(answers):
    """Why the mean of the weights of independent networks is none of them."""
    net, permuted = small_net(), small_net()
    order = torch.randperm(6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        permuted[0].weight.copy_(net[0].weight[order])
        permuted[0].bias.copy_(net[0].bias[order])
        permuted[3].weight.copy_(net[3].weight[:, order])
    mean = answers["WeightAverage"](net)
    mean.update(net)
    mean.update(permuted)
    x, _ = some_data(50)
    torch.testing.assert_close(permuted(x), net(x))
    assert (mean.average(x) - net(x)).std() > 0.2 * net(x).std()


def test_examples_of_the_docstrings_hold(answers):
    optimizer = sgd_with(0.8)
    rates = rates_of(optimizer, answers["WarmupCosine"](optimizer, 2, 6, 0.2), 8)
    shown = [0.4, 0.8, 0.8, 0.712, 0.5, 0.288, 0.2, 0.2]
    assert [rate for (rate,) in rates] == pytest.approx(shown, abs=5e-4)

    flat, steep = nn.Linear(1, 2, bias=False), nn.Linear(1, 2, bias=False)
    flat.load_state_dict({"weight": torch.zeros(2, 1)})
    steep.load_state_dict({"weight": torch.tensor([[math.log(9)], [0.0]])})
    p = answers["ensemble_probabilities"]([flat, steep], torch.ones(1, 1))
    torch.testing.assert_close(p, torch.tensor([[0.7, 0.3]]))

    for decay, wanted in ((None, [1, 1.5, 3]), (0.9, [1, 1.1, 1.59])):
        model = nn.Linear(1, 1, bias=False)
        average, seen = answers["WeightAverage"](model, decay), []
        for shown in (1.0, 2.0, 6.0):
            nn.init.constant_(model.weight, shown)
            average.update(model)
            seen.append(average.average.weight.item())
        assert seen == pytest.approx(wanted)

    norm = nn.BatchNorm1d(1)
    answers["refresh_batchnorm"](norm, [torch.tensor([[1.0], [3.0]]), torch.tensor([[4.0], [8.0]])])
    assert (norm.running_mean.item(), norm.running_var.item()) == pytest.approx((4, 5))


class Slope(nn.Module):
    """One weight; the mean of x is the gradient of its output's mean."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        return self.w * x


def test_the_example_of_the_noise_holds(answers):
    x = torch.tensor([1.0, 4.0, 5.0, -6.0])
    batches = [torch.arange(4), torch.tensor([1]), torch.tensor([2])]
    noise = answers["gradient_noise"](Slope(), lambda z, _: z.mean(), x, x, batches)
    assert noise == pytest.approx(math.sqrt(25 / 3))


def test_three_images_and_one_count_as_four(answers):
    net = small_net()
    x, y = some_data(4)
    still = torch.optim.SGD(net.parameters(), lr=0.0)
    of_three, of_one = (F.cross_entropy(net(x[rows]), y[rows]).item() for rows in (slice(3), slice(3, 4)))
    loss = answers["train_epoch"](net, [(x[:3], y[:3]), (x[3:], y[3:])], still)
    assert loss == pytest.approx((3 * of_three + of_one) / 4)


def test_every_catalogued_bug_is_a_mistake_here_too(notebook):
    """Sections K (cosine and warm-up), N and O of the catalogue, and II.3 and II.5 where they are about code.

    E2 is the NumPy notebook's; E3, E4 and E6 are questions."""
    ids = {p.mistake.id for p in notebook.unit.patches_of(notebook.reference.notebook)}
    rows = """SC18 SC19 SC20 SC21 SC23 SC25 SC26 SC27 SC28 SC29 O2 O4 O5 O6 O9 BS1 BS2 BS3 BS6 BS8 BS9 E1 E5
              TT1 TT2 TT4 TT5 TT7 TT8 TT9"""
    assert {f"{row}-T" for row in rows.split()} <= ids


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_all_answers_run_on_a_gpu(answers):
    torch.manual_seed(7)
    net = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)).to("cuda")
    x, y = torch.randn(30, 5, device="cuda"), torch.randint(3, (30,), device="cuda")
    runner = torch.optim.SGD(net.parameters(), lr=0.1)
    schedule = answers["WarmupCosine"](runner, 2, 10)
    kept, average = answers["Snapshots"](net, [4, 9]), answers["WeightAverage"](net, 0.5)
    losses = []
    for t in range(10):
        losses.append(answers["train_epoch"](net, [(x, y)], runner, schedule, 1.0))
        kept.after_step(t)
        average.update(net)
    assert losses[-1] < losses[0]
    answers["refresh_batchnorm"](average.average, x.split(10))
    p = answers["ensemble_probabilities"]([*kept.models(), average.average], x)
    assert p.device.type == "cuda" and torch.allclose(p.sum(1), torch.ones(30, device="cuda"))
    batches = [torch.arange(10, device="cuda"), torch.arange(20, 25)]
    assert answers["gradient_noise"](net, F.cross_entropy, x, y, batches) > 0
    assert answers["backward_in_parts"](net.eval(), F.cross_entropy, x, y, 7) > 0
