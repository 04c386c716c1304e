"""Transfer in PyTorch: the solutions against closed forms, NumPy's own loops, torch's fused layers."""

import copy
import math
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lab.source_nets import resnet18_backbone, small_backbone
from tests.units import right_ways_11_torch

SOLVED = ("11-transfer-learning", "transfer_torch")
F = nn.functional
WAYS = right_ways_11_torch.WAYS
STAGES = ["stem", "stage1", "stage2", "stage3"]  # of lab.source_nets.small_backbone, before its pool


def backbone_of(seed=0):
    """Two stages with batch norms that have seen images, dropout, and a pool; features (N, 6), in 64 bits."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        OrderedDict(
            first=nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.4)),
            second=nn.Sequential(nn.Conv2d(4, 6, 2), nn.BatchNorm2d(6)),
            pool=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        )
    )
    for _ in range(10):
        net(1 + torch.randn(8, 3, 6, 5))
    return net.double()


def images(seed, N=7):
    return torch.tensor(np.random.default_rng(seed).normal(1, 2, (N, 3, 6, 5)))


def state(module):
    return {name: values.clone() for name, values in module.state_dict().items()}


def same(state, other):
    return state.keys() == other.keys() and all(torch.equal(v, other[k]) for k, v in state.items())


def by_numpy(backbone, x):
    """Features in evaluation mode by loops over output pixels, from the formula of each layer."""
    x = x.numpy()
    for conv, norm in ((backbone.first[0], backbone.first[1]), (backbone.second[0], backbone.second[1])):
        w, b = (p.detach().numpy() for p in (conv.weight, conv.bias))
        k = w.shape[2]
        H, W = x.shape[2] - k + 1, x.shape[3] - k + 1
        y = np.zeros((len(x), len(w), H, W))
        for r in range(H):
            for c in range(W):
                y[:, :, r, c] = np.einsum("ncij,kcij->nk", x[:, :, r : r + k, c : c + k], w) + b
        mean, var, gamma, beta = (
            v.detach().numpy()[:, None, None]
            for v in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        x = gamma * (y - mean) / np.sqrt(var + norm.eps) + beta
        x = np.maximum(x, 0) if conv is backbone.first[0] else x
    return x.mean(axis=(2, 3))


@pytest.mark.parametrize("mode", [True, False])
def test_frozen_features_are_those_of_the_running_statistics_in_every_mode(answers, mode):
    backbone, x = backbone_of(), images(1)
    expected = by_numpy(backbone, x)
    model = nn.Sequential(answers["FrozenBackbone"](backbone), nn.Linear(6, 2).double())
    np.testing.assert_allclose(model[0](x), expected, rtol=1e-10)
    np.testing.assert_allclose(model.train(mode)[0](x), expected, rtol=1e-10)


def test_a_frozen_backbone_is_bit_for_bit_the_same_after_training_with_decay_and_momentum(answers):
    """F1, F2, F3 and F5 at once: two epochs, the mode set anew in each, zeroed and not removed gradients."""
    backbone = backbone_of()
    before = state(backbone)
    model = nn.Sequential(answers["FrozenBackbone"](backbone), nn.Linear(6, 2).double())
    head = state(model[1])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9, weight_decay=0.1)
    for epoch in range(2):
        model.train()
        for seed in range(3):
            optimizer.zero_grad(set_to_none=False)
            model(images(10 * epoch + seed)).square().sum().backward()
            optimizer.step()
        model.eval()
    assert same(before, state(backbone))
    assert not same(head, state(model[1]))
    assert all(p.grad is None for p in backbone.parameters())


def test_a_frozen_backbone_is_moved_and_saved_with_its_model(answers):
    model = nn.Sequential(answers["FrozenBackbone"](backbone_of()), nn.Linear(6, 2).double())
    kept = len(backbone_of().state_dict()) + 2
    assert len(model.state_dict()) == kept
    assert {p.dtype for p in model.float().parameters()} == {torch.float32}
    assert model.train() is model and model[0].train() is model[0] and model[0].eval() is model[0]


@given(st.integers(1, 300), st.integers(2, 50))
@settings(max_examples=15, deadline=None)
def test_a_new_head_gives_the_loss_of_guessing(answers, width, classes):
    """log K, whatever the features are; and the first gradient is f^T (1 / K - onehot) / N."""
    head = answers["new_head"](width, classes)
    assert isinstance(head, nn.Linear)
    assert (head.in_features, head.out_features) == (width, classes)
    f = torch.tensor(np.random.default_rng(width).normal(size=(9, width)))
    y = torch.arange(9) % classes
    loss = F.cross_entropy(head.double()(f), y)
    assert loss.item() == pytest.approx(math.log(classes))
    loss.backward()
    error = (1 / classes - np.eye(classes)[y]) / 9
    np.testing.assert_allclose(head.weight.grad, error.T @ f.numpy(), atol=1e-12)
    np.testing.assert_allclose(head.bias.grad, error.sum(axis=0), atol=1e-12)


def test_the_first_step_of_a_new_head_leaves_the_backbone_alone(answers):
    model = nn.Sequential(backbone_of().eval(), answers["new_head"](6, 3).double())
    F.cross_entropy(model(images(2)), torch.arange(7) % 3).backward()
    assert all((p.grad == 0).all() for p in model[0].parameters())
    assert (model[1].weight.grad != 0).any()


@given(st.integers(1, 9), st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_cached_features_do_not_hang_on_the_size_of_the_batches(answers, N, batch_size):
    backbone, x = backbone_of().train(), images(3, N)
    before = state(backbone)
    found = answers["cache_features"](backbone, x, batch_size)
    np.testing.assert_allclose(found, by_numpy(backbone, x), rtol=1e-10)
    assert not found.requires_grad
    assert same(before, state(backbone))


@given(st.lists(st.booleans(), min_size=12, max_size=12))
@settings(max_examples=20, deadline=None)
def test_every_mode_is_put_back(answers, modes):
    backbone = backbone_of()
    for module, mode in zip(backbone.modules(), modes, strict=True):
        module.training = mode
    answers["cache_features"](backbone, images(4), 3)
    assert [module.training for module in backbone.modules()] == modes


def test_a_head_on_cached_features_is_trained_as_one_on_the_frozen_backbone(answers):
    x, y = images(5, 12), torch.arange(12) % 3
    features = answers["cache_features"](backbone_of(), x, 5)
    heads = [answers["new_head"](6, 3).double() for _ in range(2)]
    models = nn.Sequential(answers["FrozenBackbone"](backbone_of()), heads[0]).train(), heads[1]
    for model, given_x in zip(models, (x, features), strict=True):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        for _ in range(20):
            optimizer.zero_grad()
            F.cross_entropy(model(given_x), y).backward()
            optimizer.step()
    torch.testing.assert_close(heads[0].weight, heads[1].weight, rtol=1e-9, atol=1e-12)


def test_the_frozen_batch_norm_is_what_torch_fuses_into_the_convolution(answers):
    fused, x = copy.deepcopy(backbone_of().eval()), images(6)
    for stage in (fused.first, fused.second):
        stage[0], stage[1] = torch.nn.utils.fusion.fuse_conv_bn_eval(stage[0], stage[1]), nn.Identity()
    frozen = answers["FrozenBackbone"](backbone_of())
    torch.testing.assert_close(frozen.train()(x), fused(x), rtol=1e-10, atol=1e-12)


def test_rates_of_the_courses_backbone_fall_as_the_chapter_computes_by_hand(answers):
    """0.1 for the head, 0.01, 0.001, 0.0001 for the stages, 0.00001 for the stem."""
    backbone, head = small_backbone(), nn.Linear(128, 10)
    groups = answers["parameter_groups"](backbone, head, 0.1, 0.1)
    assert [group["lr"] for group in groups] == pytest.approx([1e-1, 1e-2, 1e-3, 1e-4, 1e-5])
    parts = [head, *(getattr(backbone, name) for name in reversed(STAGES))]
    for group, part in zip(groups, parts, strict=True):
        assert [id(p) for p in group["params"]] == [id(p) for p in part.parameters()]


def test_relu_and_pooling_of_resnet18_take_no_power_of_the_decay(answers):
    """Four layers, a batch norm and a convolution have parameters: with Howard and Ruder's factor 2.6."""
    backbone, head = resnet18_backbone(), nn.Linear(512, 5)
    groups = answers["parameter_groups"](backbone, head, 1.0, 1 / 2.6)
    assert [group["lr"] for group in groups] == pytest.approx([2.6**-k for k in range(7)])
    counted = sum(p.numel() for group in groups for p in group["params"])
    assert counted == sum(p.numel() for m in (backbone, head) for p in m.parameters())


@given(st.lists(st.booleans(), min_size=8, max_size=8))
@settings(max_examples=20, deadline=None)
def test_each_trainable_parameter_is_in_one_group_and_no_frozen_one_in_any(answers, frozen):
    backbone, head = backbone_of(), nn.Linear(6, 2)
    for p, still in zip(backbone.parameters(), frozen, strict=True):
        p.requires_grad_(not still)
    groups = answers["parameter_groups"](backbone, head, 0.1, 0.5)
    sorted_in = [id(p) for group in groups for p in group["params"]]
    wanted = [id(p) for m in (head, backbone) for p in m.parameters() if p.requires_grad]
    assert sorted(sorted_in) == sorted(wanted)
    assert all(group["params"] for group in groups)


@pytest.mark.parametrize("n", range(7))
def test_the_last_stages_are_open_and_no_other(answers, n):
    backbone = small_backbone()
    answers["unfreeze_last"](backbone, 3)
    names = answers["unfreeze_last"](backbone, n)
    assert list(names) == STAGES[max(4 - n, 0) :]
    for name, stage in backbone.named_children():
        assert all(p.requires_grad == (name in names) for p in stage.parameters()), name


def test_only_batch_norms_that_are_frozen_keep_their_statistics(answers):
    """The statistics of the open stage after t batches are those of PyTorch's rule, 0.9 old + 0.1 new."""
    backbone, x = backbone_of(), images(7)
    answers["unfreeze_last"](backbone, 1)
    backbone.first[3].p = 0.0
    first, mean = state(backbone.first), backbone.second[1].running_mean.clone()
    for _ in range(3):
        answers["set_modes"](backbone)
        backbone(x)
    assert same(first, state(backbone.first))
    seen = backbone.second[0](backbone.first(x)).mean(dim=(0, 2, 3)).detach()
    torch.testing.assert_close(backbone.second[1].running_mean, 0.9**3 * mean + (1 - 0.9**3) * seen)
    assert backbone.first[3].training, "dropout of a frozen stage is in training mode"


@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_a_thawed_stage_trains_and_the_others_go_on_as_if_nothing_happened(answers, kind):
    """Gradients are given, so each parameter's path is that of an optimizer of its own."""
    rng = np.random.default_rng(8)
    slopes = {k: torch.tensor(rng.normal(size=(6, 3, 2))) for k in ("old", "new")}
    make = getattr(torch.optim, kind)
    extra = {"momentum": 0.9} if kind in ("SGD", "RMSprop") else {}

    def alone(name, lr, rows):
        p = nn.Parameter(torch.ones(3, 2, dtype=torch.float64))
        own = make([p], lr=lr, **extra)
        for slope in rows:
            p.grad = slope.clone()
            own.step()
        return p.detach()

    old, stage = nn.Linear(2, 3, bias=False).double(), nn.Linear(2, 3, bias=False).double()
    with torch.no_grad():
        for layer in (old, stage):
            layer.weight.fill_(1.0)
    stage.requires_grad_(False)
    optimizer = make(old.parameters(), lr=0.1, **extra)
    for t in range(6):
        if t >= 2:
            answers["thaw"](optimizer, stage, 0.02)
        old.weight.grad = slopes["old"][t].clone()
        stage.weight.grad = slopes["new"][t].clone() if stage.weight.requires_grad else None
        optimizer.step()
    torch.testing.assert_close(old.weight.detach(), alone("old", 0.1, slopes["old"]))
    torch.testing.assert_close(stage.weight.detach(), alone("new", 0.02, slopes["new"][2:]))
    assert len(optimizer.param_groups) == 2


def test_gradual_unfreezing_ends_with_the_groups_of_a_rate_for_each_stage(answers):
    backbone, head = small_backbone(), answers["new_head"](128, 4)
    answers["unfreeze_last"](backbone, 1)
    groups = answers["parameter_groups"](backbone, head, 0.1, 0.5)
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    for depth, name in enumerate(reversed(STAGES[:-1]), start=2):
        answers["thaw"](optimizer, getattr(backbone, name), 0.1 * 0.5**depth)
    whole = answers["parameter_groups"](backbone, head, 0.1, 0.5)
    for group, wanted in zip(optimizer.param_groups, whole, strict=True):
        assert group["lr"] == pytest.approx(wanted["lr"])
        assert [id(p) for p in group["params"]] == [id(p) for p in wanted["params"]]


NEW = (
    "stage.requires_grad_(True)\n"
    "    has = {id(p) for group in optimizer.param_groups for p in group['params']}\n"
    "    new = [p for p in stage.parameters() if id(p) not in has]\n"
)
SLIPS = {
    "the rate halved at each stage": (
        "parameter_groups",
        "PG-pool-counts",
        "groups = [{'params': [p for p in head.parameters() if p.requires_grad], 'lr': lr}]\n"
        "    for stage in list(backbone)[::-1]:\n        lr *= decay\n"
        "        ps = [p for p in stage.parameters() if p.requires_grad]\n"
        "        if ps:\n            groups.append({'params': ps, 'lr': lr})\n"
        "    return groups",
    ),
    "every frozen parameter handed in": (
        "parameter_groups",
        "PG-frozen-in",
        "stages = [s for s in backbone.children() if len(list(s.parameters()))]\n"
        "    return [{'params': [*m.parameters()], 'lr': lr * decay ** k}\n"
        "            for k, m in enumerate([head] + stages[::-1])]",
    ),
    "filters that are empty after one use": (
        "parameter_groups",
        "PG-iterators",
        "stages = [s for s in backbone if list(s.parameters())]\n"
        "    parts = [(k, m) for k, m in enumerate([head, *stages[::-1]])]\n"
        "    return [{'params': filter(lambda p: p.requires_grad, m.parameters()), 'lr': lr * decay ** k}\n"
        "            for k, m in parts if any(p.requires_grad for p in m.parameters())]",
    ),
    "a head that is handed in as it is": (
        "parameter_groups",
        "PG-head-frozen-in",
        "groups = [{'params': list(head.parameters()), 'lr': lr}]\n"
        "    stages = [s for s in backbone if list(s.parameters())]\n"
        "    for k, stage in enumerate(stages[::-1], start=1):\n"
        "        ps = [p for p in stage.parameters() if p.requires_grad]\n"
        "        if ps:\n            groups.append({'params': ps, 'lr': lr * decay**k})\n"
        "    return groups",
    ),
    "stages with a frozen parameter passed over": (
        "parameter_groups",
        "PG-partly-frozen",
        "stages = [s for s in backbone if list(s.parameters())]\n"
        "    stages = [s for s in stages if all(p.requires_grad for p in s.parameters())]\n"
        "    groups = [{'params': [p for p in head.parameters() if p.requires_grad], 'lr': lr}]\n"
        "    for k, stage in enumerate(reversed(stages)):\n"
        "        groups.append({'params': list(stage.parameters()), 'lr': lr * decay ** (k + 1)})\n"
        "    return groups",
    ),
    "the head appended": (
        "parameter_groups",
        "PG-head-at-the-end",
        "groups, rate = [], lr\n    for stage in list(backbone)[::-1]:\n"
        "        if list(stage.parameters()):\n            rate *= decay\n"
        "            ps = [p for p in stage.parameters() if p.requires_grad]\n"
        "            groups += [{'params': ps, 'lr': rate}] if ps else []\n"
        "    return groups + [{'params': [p for p in head.parameters() if p.requires_grad], 'lr': lr}]",
    ),
    "one rate": (
        "parameter_groups",
        "F7-one-rate",
        "stages = [s for s in backbone.children() if len(list(s.parameters()))]\n"
        "    return [{'params': [p for p in m.parameters() if p.requires_grad], 'lr': lr}\n"
        "            for m in [head] + stages[::-1] if any(p.requires_grad for p in m.parameters())]",
    ),
    "a slice from the end": (
        "unfreeze_last",
        "UL-minus-zero",
        "for p in backbone.parameters():\n        p.requires_grad = False\n"
        "    names = [k for k, s in backbone.named_children() if list(s.parameters())][-n:]\n"
        "    for k in names:\n        getattr(backbone, k).requires_grad_(True)\n"
        "    return names",
    ),
    "the pool is a stage": (
        "unfreeze_last",
        "UL-pool-counts",
        "backbone.requires_grad_(False)\n    names = list(backbone._modules)\n"
        "    names = names[max(len(names) - n, 0):]\n"
        "    for k in names:\n        backbone._modules[k].requires_grad_()\n    return names",
    ),
    "what is frozen now is passed over": (
        "unfreeze_last",
        "UL-open-now",
        "named = dict(backbone.named_children())\n"
        "    names = [k for k in named if any(p.requires_grad for p in named[k].parameters())]\n"
        "    names = names[max(len(names) - n, 0):]\n"
        "    for k, s in named.items():\n        s.requires_grad_(k in names)\n    return names",
    ),
    "modes that follow the gradients": (
        "unfreeze_last",
        "UL-all-modes-follow",
        "names = [k for k, s in backbone.named_children() if list(s.parameters())]\n"
        "    names = names[max(len(names) - n, 0):]\n"
        "    for k, s in backbone.named_children():\n"
        "        s.requires_grad_(k in names)\n        s.train(k in names)\n    return names",
    ),
    "modes of the stages that count": (
        "unfreeze_last",
        "UL-modes-follow",
        "named = {k: s for k, s in backbone.named_children() if list(s.parameters())}\n"
        "    names = list(named)[max(len(named) - n, 0):]\n"
        "    for k, s in named.items():\n"
        "        s.requires_grad_(k in names).train(k in names)\n    return names",
    ),
    "names and their number": (
        "unfreeze_last",
        "UL-pair",
        "names = [k for k, s in backbone.named_children() if list(s.parameters())]\n"
        "    names = names[max(len(names) - n, 0):]\n"
        "    for k, s in backbone.named_children():\n        s.requires_grad_(k in names)\n"
        "    return names, n",
    ),
    "never woken": (
        "set_modes",
        "SM-no-wake",
        "for m in model.modules():\n"
        "        if isinstance(m, nn.modules.batchnorm._BatchNorm):\n"
        "            if all(not p.requires_grad for p in m.parameters()):\n                m.eval()",
    ),
    "a module asked for requires_grad": (
        "set_modes",
        "SM-of-the-module",
        "model.train()\n    for m in model.modules():\n"
        "        if 'BatchNorm' in type(m).__name__ and not m.requires_grad:\n            m.eval()",
    ),
    "a frozen stage put to sleep": (
        "set_modes",
        "SM-frozen-children",
        "model.train()\n    for stage in model.children():\n"
        "        ps = list(stage.parameters())\n"
        "        if ps and not any(p.requires_grad for p in ps):\n            stage.eval()",
    ),
    "evaluation mode, then train": (
        "set_modes",
        "F2-modes",
        "for m in model.modules():\n        if isinstance(m, nn.BatchNorm2d):\n            m.eval()\n"
        "    model.train()",
    ),
    "images only": (
        "set_modes",
        "SM-2d-only",
        "model.train()\n    for m in model.modules():\n"
        "        if isinstance(m, nn.BatchNorm2d) and not any(p.requires_grad for p in m.parameters()):\n"
        "            m.eval()",
    ),
    "dropout left asleep": (
        "cache_features",
        "CF-left-eval",
        "backbone.eval()\n    device = next(backbone.parameters()).device\n    features = []\n"
        "    with torch.no_grad():\n        for batch in images.split(batch_size):\n"
        "            features.append(backbone(batch.to(device)))\n"
        "    return torch.cat(features)",
    ),
    "a number of chunks": (
        "cache_features",
        "CF-chunk",
        "modes = [(m, m.training) for m in backbone.modules()]\n    backbone.eval()\n"
        "    device = next(backbone.parameters()).device\n    with torch.no_grad():\n"
        "        found = torch.cat([backbone(b.to(device)) for b in torch.chunk(images, batch_size)])\n"
        "    for m, mode in modes:\n        m.training = mode\n    return found",
    ),
    "rows filled into float32": (
        "cache_features",
        "CF-float32",
        "modes = [(m, m.training) for m in backbone.modules()]\n    backbone.eval()\n"
        "    device = next(backbone.parameters()).device\n    found = None\n    with torch.no_grad():\n"
        "        for i in range(0, len(images), batch_size):\n"
        "            f = backbone(images[i : i + batch_size].to(device))\n"
        "            if found is None:\n"
        "                found = torch.zeros(len(images), f.shape[1], device=device)\n"
        "            found[i : i + len(f)] = f\n"
        "    for m, mode in modes:\n        m.training = mode\n    return found",
    ),
    "woken by train": (
        "cache_features",
        "CF-left-train",
        "backbone.eval()\n    device = next(backbone.parameters()).device\n"
        "    with torch.no_grad():\n"
        "        found = torch.cat([backbone(b.to(device)) for b in images.split(batch_size)])\n"
        "    backbone.train()\n    return found",
    ),
    "a new optimizer": (
        "thaw",
        "F4-thaw",
        "stage.requires_grad_(True)\n"
        "    has = [id(p) for group in optimizer.param_groups for p in group['params']]\n"
        "    new = [p for p in stage.parameters() if id(p) not in has]\n    if new:\n"
        "        optimizer = torch.optim.SGD([*optimizer.param_groups, {'params': new}], lr=lr)",
    ),
    "what requires no gradient yet": (
        "thaw",
        "TH-by-gradient",
        "new = [p for p in stage.parameters() if not p.requires_grad]\n    for p in new:\n"
        "        p.requires_grad_(True)\n    if new:\n"
        "        optimizer.add_param_group({'params': new, 'lr': lr})",
    ),
    "woken as well": (
        "thaw",
        "TH-trains",
        "stage.train().requires_grad_(True)\n"
        "    known = [id(q) for group in optimizer.param_groups for q in group['params']]\n"
        "    new = [p for p in stage.parameters() if id(p) not in known]\n"
        "    if new:\n        optimizer.add_param_group({'params': new, 'lr': lr})",
    ),
    "opened only where something is new": (
        "thaw",
        "TH-late-open",
        "known = [q for group in optimizer.param_groups for q in group['params']]\n"
        "    new = [p for p in stage.parameters() if not any(p is q for q in known)]\n"
        "    if not new:\n        return\n    stage.requires_grad_(True)\n"
        "    optimizer.add_param_group({'params': new, 'lr': lr})",
    ),
    "added twice": (
        "thaw",
        "TH-twice",
        "for p in stage.parameters():\n        p.requires_grad = True\n"
        "    optimizer.add_param_group({'params': stage.parameters(), 'lr': lr})",
    ),
    "a copy of the first group": (
        "thaw",
        "TH-settings-of-the-first",
        NEW + "    group = dict(optimizer.param_groups[0])\n    group['params'] = new\n    group['lr'] = lr\n"
        "    if new:\n        optimizer.add_param_group(group)",
    ),
    "the momentum of the group before": (
        "thaw",
        "TH-settings-of-the-last",
        NEW + "    if new:\n        group = {**optimizer.param_groups[-1], 'params': new, 'lr': lr}\n"
        "        optimizer.param_groups.append(group)",
    ),
    "the rate as the default": (
        "thaw",
        "TH-default-changed",
        NEW + "    if new:\n        optimizer.defaults.update(lr=lr)\n"
        "        optimizer.add_param_group({'params': new})",
    ),
    "gradients cleared at the end": (
        "thaw",
        "TH-clears-gradients",
        NEW + "    if new:\n        optimizer.add_param_group({'params': new, 'lr': lr})\n"
        "    optimizer.zero_grad()",
    ),
    "groups without rates": (
        "parameter_groups",
        "PG-key",
        "stages = [s for s in backbone if list(s.parameters())]\n"
        "    found = [[p for p in part.parameters() if p.requires_grad] for part in [head, *stages[::-1]]]\n"
        "    return [{'params': ps} for ps in found if ps]",
    ),
    "a comma behind the layer": (
        "new_head",
        "NH-arrays",
        "head = nn.Linear(width, classes)\n    nn.init.zeros_(head.weight)\n    nn.init.zeros_(head.bias)\n"
        "    return (head,)",
    ),
    "a layer in a container": (
        "new_head",
        "NH-wrapped",
        "head = nn.Linear(width, classes)\n    for p in head.parameters():\n        nn.init.zeros_(p)\n"
        "    return nn.Sequential(head)",
    ),
    "frozen weights": (
        "new_head",
        "NH-weight-frozen",
        "head = nn.Linear(width, classes)\n    for p in head.parameters():\n        nn.init.zeros_(p)\n"
        "    head.weight.requires_grad = False\n    return head",
    ),
    "small random weights": (
        "new_head",
        "NH-weight-stays",
        "head = nn.Linear(width, classes)\n    nn.init.normal_(head.weight, std=0.01)\n"
        "    nn.init.zeros_(head.bias)\n    return head",
    ),
    "the library's own head": ("new_head", "NH-random", "return nn.Linear(width, classes)"),
}


@pytest.mark.parametrize(("exercise", "mistake", "body"), SLIPS.values(), ids=SLIPS)
def test_a_common_slip_is_named(exercise, mistake, body, notebook, questions):
    names = notebook.with_body(exercise, body)
    same_words = {p.mistake.id: p.mistake.synonyms for p in notebook.unit.patches}[mistake]
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, exercise, asked) if not v.passed}
        assert told and told <= {mistake, *same_words}


FREEZING = {
    "gradients alone": ("F1-torch", "", "with torch.no_grad():\n            return self.backbone(x)", ""),
    "an attribute of the module": (
        "F3-torch",
        "self.backbone.requires_grad = False\n        self.backbone.eval()",
        "with torch.no_grad():\n            return self.backbone(x)",
        "super().train(mode)\n        self.backbone.eval()\n        return self",
    ),
    "evaluation mode once": ("F2-torch", "self.backbone.eval()", "return self.backbone(x.detach())", ""),
    "its own train calls eval": (
        "FB-endless",
        "self.backbone.eval()",
        "return self.backbone(x)",
        "self.eval()\n        return self",
    ),
    "its own train calls itself": (
        "FB-endless",
        "self.backbone.eval()",
        "return self.backbone(x)",
        "self.train(mode)\n        self.backbone.eval()\n        return self",
    ),
    "the backbone returned": (
        "FB-no-return",
        "self.backbone.eval()",
        "return self.backbone(x.detach())",
        "super().train(mode)\n        return self.backbone.eval()",
    ),
    "evaluation mode in forward": (
        "FB-between-calls",
        "",
        "self.backbone.eval()\n        return self.backbone(x.detach())",
        "",
    ),
    "evaluation mode for the length of a call": (
        "FB-between-calls",
        "",
        "was = self.backbone.training\n        f = self.backbone.eval()(x.detach())\n"
        "        self.backbone.train(was)\n        return f",
        "",
    ),
    "frozen parameters for want of no_grad": (
        "FB-images-with-graph",
        "self.backbone.eval()",
        "return self.backbone(x)",
        "super().train(mode)\n        self.backbone.eval()\n        return self",
    ),
}


@pytest.mark.parametrize(("mistake", "start", "forward", "train"), FREEZING.values(), ids=FREEZING)
def test_a_backbone_that_is_not_frozen_is_told_why(mistake, start, forward, train, notebook, questions):
    freeze = "pass" if mistake == "F3-torch" else "self.backbone.requires_grad_(False)"
    source = (
        "class FrozenBackbone(nn.Module):\n    def __init__(self, backbone):\n        super().__init__()\n"
        f"        self.backbone = backbone\n        {freeze}\n        {start or 'pass'}\n"
        f"    def forward(self, x):\n        {forward}\n"
    )
    if train:
        source += f"    def train(self, mode=True):\n        {train}\n"
    names = notebook.with_source(source)
    for asked in questions:
        told = {v.mistake for v in notebook.verdicts(names, "FrozenBackbone", asked) if not v.passed}
        assert told == {mistake}


def told(notebook, names, exercise):
    """By probe, the mistake that is named and what the check says, where it did not pass."""
    verdicts = notebook.verdicts(names, exercise, notebook.questions[0])
    return {v.probe: (v.mistake, v.message) for v in verdicts if not v.passed}


def test_an_attribute_and_a_missing_eval_are_told_one_by_one(notebook):
    """Nothing is frozen in train here, so nobody is told that it is."""
    source = (
        "class FrozenBackbone(nn.Module):\n    def __init__(self, backbone):\n        super().__init__()\n"
        "        self.backbone = backbone\n        self.backbone.requires_grad = False\n"
        "    def train(self, mode=True):\n        super().train(mode)\n        self.backbone.eval()\n"
        "        return self\n"
        "    def forward(self, x):\n        with torch.no_grad():\n            return self.backbone(x)\n"
    )
    found = told(notebook, notebook.with_source(source), "FrozenBackbone")
    assert {mistake for mistake, _ in found.values()} == {"FB-new-awake", "F3-torch"}


def test_a_backbone_in_a_list_is_hidden_and_has_lost_no_statistics(notebook):
    source = (
        "class FrozenBackbone(nn.Module):\n    def __init__(self, backbone):\n        super().__init__()\n"
        "        self.backbone = [backbone.requires_grad_(False).eval()]\n"
        "    def forward(self, x):\n        with torch.no_grad():\n            return self.backbone[0](x)\n"
    )
    found = told(notebook, notebook.with_source(source), "FrozenBackbone")
    assert {mistake for mistake, _ in found.values()} == {"FB-hidden", None}


def test_a_missing_super_init_is_named(notebook):
    source = (
        "class FrozenBackbone(nn.Module):\n    def __init__(self, backbone):\n"
        "        self.backbone = backbone.requires_grad_(False)\n"
        "    def forward(self, x):\n        return self.backbone(x)\n"
    )
    found = told(notebook, notebook.with_source(source), "FrozenBackbone")
    assert {mistake for mistake, _ in found.values()} == {"FB-no-init"}


def test_shuffled_rows_are_called_shuffled(notebook):
    body = (
        "backbone.eval()\n    device = next(backbone.parameters()).device\n"
        "    loader = torch.utils.data.DataLoader(images, batch_size, shuffle=True)\n"
        "    with torch.no_grad():\n        return torch.cat([backbone(b.to(device)) for b in loader])"
    )
    found = told(notebook, notebook.with_body("cache_features", body), "cache_features")
    assert found["keeps_the_order_of_the_images"][0] == "CF-shuffled"
    assert {mistake for mistake, _ in found.values()} <= {"CF-shuffled", "CF-left-eval", None}


def test_features_that_require_a_gradient_have_no_graph_of_the_batches(notebook):
    body = (
        "modes = [(m, m.training) for m in backbone.modules()]\n    backbone.eval()\n"
        "    device = next(backbone.parameters()).device\n    with torch.no_grad():\n"
        "        found = torch.cat([backbone(b.to(device)) for b in images.split(batch_size)])\n"
        "    for m, mode in modes:\n        m.training = mode\n    return found.requires_grad_()"
    )
    found = told(notebook, notebook.with_body("cache_features", body), "cache_features")
    assert found == {
        "keeps_no_graph_and_leaves_training_possible": (
            None,
            "features_require_a_gradient is True, expected False",
        )
    }


NO_LISTS = {
    "a generator of groups": ("parameter_groups", "yield {'params': list(head.parameters())}", "a generator"),
    "groups and a rate": (
        "parameter_groups",
        "return [{'params': list(head.parameters()), 'lr': lr}], lr",
        "a tuple with a list in it",
    ),
    "a generator of names": ("unfreeze_last", "return (name for name in 'ab')", "a generator"),
    "a set of names": ("unfreeze_last", "return {'stem'}", "a set"),
}


@pytest.mark.parametrize(("exercise", "body", "what"), NO_LISTS.values(), ids=NO_LISTS)
def test_what_is_no_list_is_told_in_words_and_called_nothing_else(exercise, body, what, notebook):
    found = told(notebook, notebook.with_body(exercise, body), exercise)
    found.pop("changes_no_mode_and_no_number", None)
    assert found and all(mistake is None for mistake, _ in found.values())
    assert all(f"was expected, {what} was returned" in message for _, message in found.values())


def test_groups_without_a_rate_are_named_and_no_default_is_shown(notebook):
    body = (
        "parts = [head, *(s for s in backbone if list(s.parameters()))]\n"
        "    groups = [{'params': list(s.parameters()), 'lr': lr} for s in parts]\n"
        "    del groups[1]['lr']\n    return groups"
    )
    found = told(notebook, notebook.with_body("parameter_groups", body), "parameter_groups")
    assert all("groups_without_a_rate" in message for _, message in found.values())


def test_a_stage_that_is_there_in_part_is_not_called_a_second_call(notebook):
    body = (
        "if all(p.requires_grad for p in stage.parameters()):\n        return\n    stage.requires_grad_()\n"
        "    optimizer.add_param_group({'params': stage.parameters(), 'lr': lr})"
    )
    found = told(notebook, notebook.with_body("thaw", body), "thaw")
    assert "changes_nothing_the_second_time" not in found
    assert {mistake for mistake, _ in found.values()} == {"TH-twice", "F4-thaw"}


@pytest.mark.parametrize("zeros", [True, False])
def test_a_head_that_never_learns_holds_the_loss_at_log_10_only_where_it_is_zero(answers, zeros):
    """The question on a replaced head: through zeros no gradient reaches the backbone either."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 128), nn.Linear(128, 100))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    model[1] = answers["new_head"](128, 10) if zeros else nn.Linear(128, 10)
    before, x, y = state(model), torch.randn(40, 5), torch.arange(40) % 10
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        losses.append(F.cross_entropy(model(x), y))
        losses[-1].backward()
        optimizer.step()
    assert torch.equal(before["1.weight"], model[1].weight)
    assert same(before, state(model)) == zeros
    assert losses[-1].item() == pytest.approx(math.log(10), rel=1e-6) if zeros else losses[-1] < losses[0]


@pytest.mark.parametrize("weight_decay", [0, 0.5])
def test_a_stage_frozen_with_zeroed_gradients_moves_by_nine_velocities_and_decays_for_ever(weight_decay):
    """The question on a frozen stage, with momentum 0.9."""
    w = nn.Parameter(torch.tensor([4.0], dtype=torch.float64))
    optimizer = torch.optim.SGD([w], lr=0.01, momentum=0.9, weight_decay=weight_decay)
    (3 * w).sum().backward()
    optimizer.step()
    velocity, at = optimizer.state[w]["momentum_buffer"].item(), w.item()
    w.requires_grad_(False)
    for _ in range(3000):
        optimizer.zero_grad(set_to_none=False)
        optimizer.step()
    assert w.item() == pytest.approx(0 if weight_decay else at - 0.09 * velocity, abs=1e-9)


def test_examples_of_the_docstrings_hold(answers):
    norm = nn.BatchNorm1d(1, eps=0.0)
    norm.running_mean.fill_(3.0)
    norm.running_var.fill_(4.0)
    frozen = answers["FrozenBackbone"](norm)
    assert frozen(torch.tensor([[5.0]])).item() == frozen.train()(torch.tensor([[5.0]])).item() == 1
    head = answers["new_head"](128, 10)
    assert sum(p.numel() for p in head.parameters()) == 1290
    sizes = []
    counted = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    counted.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    assert len(answers["cache_features"](counted, torch.ones(7, 1, 2, 2), 3)) == 7
    assert sizes == [3, 3, 1]
    ab = nn.Sequential(OrderedDict(a=nn.Linear(2, 2), b=nn.Linear(2, 2), pool=nn.Flatten()))
    groups = answers["parameter_groups"](ab, nn.Linear(2, 1), 0.1, 0.5)
    assert [group["lr"] for group in groups] == pytest.approx([0.1, 0.05, 0.025])
    stages = nn.Sequential(OrderedDict(stem=nn.Linear(2, 2), stage1=nn.Linear(2, 2), pool=nn.Flatten()))
    opened = [list(answers["unfreeze_last"](stages, n)) for n in (1, 0, 5)]
    assert opened == [["stage1"], [], ["stem", "stage1"]]
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.1)).requires_grad_(False)
    answers["set_modes"](model)
    assert [part.training for part in model] == [False, True]
    optimizer = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1)
    for _ in range(2):
        answers["thaw"](optimizer, stages.stem, 0.01)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.01]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_torch_answers_run_on_a_gpu(answers):
    x = images(9, 10)
    expected = answers["cache_features"](backbone_of(), x, 4)
    backbone = backbone_of().cuda()
    features = answers["cache_features"](backbone, x, 4)
    assert features.device.type == "cuda"
    torch.testing.assert_close(features.cpu(), expected, rtol=1e-9, atol=1e-9)
    frozen = answers["FrozenBackbone"](backbone_of()).cuda().train()
    torch.testing.assert_close(frozen(x.cuda()).cpu(), expected, rtol=1e-9, atol=1e-9)
    head = answers["new_head"](6, 3).double().cuda()
    answers["unfreeze_last"](backbone, 1)
    optimizer = torch.optim.SGD(answers["parameter_groups"](backbone, head, 0.1, 0.5), lr=0.1, momentum=0.9)
    model = nn.Sequential(backbone, head)
    for step in range(3):
        answers["set_modes"](model)
        optimizer.zero_grad()
        F.cross_entropy(model(x.cuda()), torch.arange(10).cuda() % 3).backward()
        optimizer.step()
        if step == 1:
            answers["thaw"](optimizer, backbone.first, 0.01)
    assert all(p.device.type == "cuda" and p.isfinite().all() for p in model.parameters())
    assert len(optimizer.param_groups) == 3


def test_every_catalogued_bug_is_a_mistake_here_or_told_in_the_text(notebook):
    """Section II.5: F8 is the NumPy notebook's, F6 is told before the experiment, F10 is a question."""
    ids = {p.mistake.id for p in notebook.unit.patches_of(notebook.reference.notebook)}
    assert {"F1-torch", "F2-torch", "F3-torch", "F5-torch", "F9-torch"} <= ids
    assert {"F1-modes", "F2-modes", "F4-thaw", "F7-one-rate", "F7-reversed"} <= ids
    cells = [c.source for c in notebook.reference.notebook.cells if c.markdown]
    assert any("under `torch.no_grad()`: its gradients would be None" in c for c in cells), "F6"
    assert any("filled from augmented images holds one draw" in c for c in cells), "F10"
