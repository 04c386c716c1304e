"""Slips in the PyTorch notebook of unit 03, as students write them: each is refused, and named."""

from textwrap import dedent

import pytest

SOLVED = ("03-normalization-family", "family_torch")

REBUILT = """
def replace_batchnorm(model, groups):
    if isinstance(model, nn.BatchNorm2d):
        C = model.num_features
        new = nn.GroupNorm(math.gcd(C, groups), C, eps=model.eps).to(model.weight)
        new.load_state_dict({"weight": model.weight, "bias": model.bias})
        return new
    inside = [replace_batchnorm(m, groups) for m in model.children()]
    return nn.Sequential(*inside) if inside else copy.deepcopy(model)
"""
FLOAT32 = """
def replace_batchnorm(model, groups):
    if isinstance(model, nn.BatchNorm2d):
        new = nn.GroupNorm(math.gcd(model.num_features, groups), model.num_features, eps=model.eps)
        new.load_state_dict({"weight": model.weight, "bias": model.bias})
        return new
    model = copy.deepcopy(model)
    for name, child in list(model.named_children()):
        model._modules[name] = replace_batchnorm(child, groups)
    return model
"""
INSTANCE = """
class InstanceNorm(nn.Module):
    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x):
        {refusal}
            raise ValueError("too small")
        seen = {seen}
        m, v = seen.mean((2, 3), keepdim=True), seen.var((2, 3), correction=0, keepdim=True)
        return self.weight[:, None, None] * (x - m) / (v + self.eps).sqrt() + self.bias[:, None, None]
"""
FUNCTION = """
class GroupNormFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gamma, beta, groups, eps):
        z = x.reshape(len(x), groups, -1)
        {normalized}
        ctx.save_for_backward(h, gamma, s)
        return h.reshape(x.shape) * gamma[:, None, None] + beta[:, None, None]

    @staticmethod
    def backward(ctx, dout):
        h, gamma, s = ctx.saved_tensors
        dgamma, dbeta = (dout * h.reshape(dout.shape)).sum((0, 2, 3)), dout.sum((0, 2, 3))
        {times_gamma}
        d = g.reshape(h.shape)
        dx = (d - d.mean(2, keepdim=True) - h * (d * h).mean(2, keepdim=True)) / s
        return dx.reshape(dout.shape), dgamma, dbeta, None, None
"""
NEW = "s = (z.var(2, correction=0, keepdim=True) + eps).sqrt(); h = (z - z.mean(2, keepdim=True)) / s"
IN_PLACE = "s = (z.var(2, correction=0, keepdim=True) + eps).sqrt(); z -= z.mean(2, keepdim=True); z /= s"
GAMMA = "g = dout * gamma[:, None, None]"
WHITENING = """
class DecorrelatedBatchNorm(nn.Module):
    def __init__(self, D, eps=1e-3, steps=5, momentum=0.1):
        super().__init__()
        self.eps, self.steps, self.momentum = eps, steps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(D)), nn.Parameter(torch.zeros(D))
        self.register_buffer("running_mean", torch.zeros(D))
        self.register_buffer("running_matrix", torch.eye(D))

    def forward(self, x):
        m, P = self.running_mean, self.running_matrix
        if self.training:
            m, eye = x.mean(0), {eye}
            S = torch.cov(x.T, correction={ddof}) + self.eps * eye
            P = eye
            for _ in range(self.steps):
                P = (3 * P - {cube} / S.trace()) / 2
            P = P / S.trace().sqrt()
            with torch.no_grad():
                self.running_mean.lerp_(m, {momentum})
                self.running_matrix.lerp_(P, {momentum})
        return self.weight * ((x - m) @ P) + self.bias
"""
RIGHT = {"eye": "torch.eye(len(m)).to(x)", "ddof": 0, "cube": "P @ P @ P @ S", "momentum": "self.momentum"}
HERE = "torch.eye(len(m), dtype=x.dtype)"
ASKED = """
def depends_on_batch(model, x):
    with torch.no_grad():
        one, other = copy.deepcopy(model)(x), copy.deepcopy(model)(x[1:])
    return {answer}
"""
WEIGHTS = """
class WeightNormLinear(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        {begin}
        self.v = nn.Parameter(torch.randn(outputs, inputs))
        self.g = nn.Parameter(self.v.detach().norm(dim=1))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return {y}
"""
PIXEL = "if x[0, 0].numel() == 1:"

SLIPS = {
    "blocks rebuilt in a row": ("replace_batchnorm", {"RB-rebuilt"}, REBUILT),
    "new layers in float32": ("replace_batchnorm", {"RB-single-precision"}, FLOAT32),
    "statistics detached": (
        "InstanceNorm",
        {"IT-detached"},
        INSTANCE.format(refusal=PIXEL, seen="x.detach()"),
    ),
    "one colour refused": (
        "InstanceNorm",
        {"IT-refuses-one-colour"},
        INSTANCE.format(refusal="if (x.std((2, 3), correction=0) == 0).any():", seen="x"),
    ),
    "x overwritten": (
        "GroupNormFunction",
        {"GF-x-overwritten"},
        FUNCTION.format(normalized=f"{IN_PLACE}; h = z.clone()", times_gamma=GAMMA),
    ),
    "dout overwritten": (
        "GroupNormFunction",
        {"GF-dout-overwritten"},
        FUNCTION.format(normalized=NEW, times_gamma="g = dout.mul_(gamma[:, None, None])"),
    ),
    "identity elsewhere": (
        "DecorrelatedBatchNorm",
        {"DT-elsewhere"},
        WHITENING.format(**{**RIGHT, "eye": HERE}),
    ),
    "N - 1, and the identity elsewhere": (
        "DecorrelatedBatchNorm",
        {"DT-ddof", "DT-elsewhere"},
        WHITENING.format(**{**RIGHT, "ddof": 1, "eye": HERE}),
    ),
    "times, entry by entry": (
        "DecorrelatedBatchNorm",
        {"DT-diagonal"},
        WHITENING.format(**{**RIGHT, "cube": "P @ P @ P * S"}),
    ),
    "no batch is kept": (
        "DecorrelatedBatchNorm",
        {"DT-nothing-kept"},
        WHITENING.format(**{**RIGHT, "momentum": 0.0}),
    ),
    "a tenth, whatever momentum is": (
        "DecorrelatedBatchNorm",
        {"DT-fixed-momentum"},
        WHITENING.format(**{**RIGHT, "momentum": 0.1}),
    ),
    "one neighbour less": (
        "depends_on_batch",
        {"DP-one-less"},
        ASKED.format(answer="not torch.allclose(one[1:], other, atol=1e-6)"),
    ),
    "a seed in the layer": (
        "WeightNormLinear",
        {"WT-seeded"},
        WEIGHTS.format(
            begin="torch.manual_seed(1)",
            y="x @ (self.v * (self.g / self.v.norm(dim=1))[:, None]).T + self.bias",
        ),
    ),
    "v as it is": (
        "WeightNormLinear",
        {"WT-v-as-it-is"},
        WEIGHTS.format(begin="", y="x @ self.v.T + self.bias"),
    ),
}


@pytest.mark.parametrize(("exercise", "mistakes", "source"), SLIPS.values(), ids=SLIPS)
def test_a_common_slip_is_named(exercise, mistakes, source, notebook, questions):
    names = notebook.with_source(dedent(source))
    for asked in questions:
        failed = [v for v in notebook.verdicts(names, exercise, asked) if not v.passed]
        assert {v.mistake for v in failed} - {None} == mistakes, failed


@pytest.mark.parametrize(
    "allowed", ["torch.equal(one[1:], other)", "torch.allclose(one[1:], other, atol=0.05)"]
)
def test_neither_the_last_digits_nor_a_twentieth_pass(allowed, notebook, questions):
    names = notebook.with_source(ASKED.format(answer=f"not {allowed}"))
    for asked in questions:
        verdicts = {v.probe: v.passed for v in notebook.verdicts(names, "depends_on_batch", asked)}
        assert not verdicts["tells_a_small_dependence_from_rounding"]


def test_other_names_than_weight_and_bias_are_told_in_words(notebook, questions):
    names = notebook.with_source(
        dedent(
            """
            class LayerNorm(nn.Module):
                def __init__(self, shape, eps=1e-5):
                    super().__init__()
                    self.gamma = nn.Parameter(torch.ones(shape))
            """
        )
    )
    for verdict in notebook.verdicts(names, "LayerNorm", questions[0]):
        assert "the layer has no weight; its parameters and buffers: gamma" in verdict.message
