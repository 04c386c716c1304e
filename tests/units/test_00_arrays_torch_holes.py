"""Right answers to exercises of arrays_torch with holes, and what students put into one: each is refused."""

from textwrap import dedent

import pytest

from tests.units.solved import refused

SOLVED = ("00-numpy", "arrays_torch")

# Central differences that are right, and how they may be compared with a gradient.
COMPARED = """
    def gradient_error(f, x, dx, h=1e-5):
        a, b = dx.detach().double(), torch.zeros(x.shape, dtype=torch.float64)
        for i in np.ndindex(*x.shape):
            e = torch.zeros_like(b)
            e[i] = h
            b[i] = (f(x.detach() + e) - f(x.detach() - e)).item() / (2 * h)
        gap, size = (a - b).abs().max().item(), (a.abs().max() + b.abs().max()).item()
        return {compared}
"""
COMPARISONS = [
    "gap / (size + 1e-8)",
    "gap / max(size, 1e-8)",
    "0.0 if torch.allclose(a, b, atol=1e-6) else gap / size",
    "gap / (a.max() + b.max()).item() if size else 0.0",
    "torch.tensor(gap / size if size else 0.0)",
]


# A right classifier with holes, and what else may stand in them.
CLASSIFIER = """
    class LinearClassifier(nn.Module):
        def __init__(self, mean, std, K):
            super().__init__()
            self.register_buffer("mean", {mean})
            self.register_buffer("std", {std})
            self.W = nn.Parameter({W})
            self.b = nn.Parameter({b})

        def forward(self, x):
            z = ({rows} - self.mean) / self.std
            return {scores}
"""
RIGHT = {
    "mean": "mean",
    "std": "std",
    "W": "mean.new_zeros(len(mean), K)",
    "b": "mean.new_zeros(K)",
    "rows": "x.flatten(1)",
    "scores": "z @ self.W + self.b",
}
HOLES = [
    ("mean", "std"),
    ("mean", "mean.mean()"),
    ("mean", "mean.float()"),
    ("std", "std + 1e-3"),
    ("std", "torch.ones_like(std)"),
    ("std", "1 / std"),
    ("W", "mean.new_ones(len(mean), K)"),
    ("W", "torch.zeros(len(mean), K, dtype=mean.dtype)"),
    ("W", "torch.randn(len(mean), K).to(mean) / 8"),
    ("W", "mean.new_zeros(len(mean), K), requires_grad=False"),
    ("b", "mean.new_zeros(1)"),
    ("b", "mean.new_zeros(len(mean))"),
    ("b", "mean.new_ones(K)"),
    ("b", "torch.zeros(K)"),
    ("b", "torch.zeros(K, dtype=mean.dtype)"),
    ("rows", "x.flatten(1).detach().flip(1)"),
    ("rows", "x.transpose(1, -1).flatten(1)"),
    ("rows", "x.flatten(1).float()"),
    ("scores", "z @ self.W.detach() + self.b"),
    ("scores", "(z @ self.W + self.b).argmax(1)"),
    ("scores", "(z @ self.W + self.b).log_softmax(1)"),
    ("scores", "(z @ self.W + self.b).squeeze()[:1]"),
    ("scores", "z @ self.W - self.b"),
]


@pytest.mark.parametrize("compared", COMPARISONS)
def test_a_slip_in_the_comparison_of_gradients_is_refused(notebook, questions, compared):
    names = notebook.with_source(dedent(COMPARED).format(compared=compared))
    assert refused(notebook, questions, "gradient_error", names)


def test_without_a_slip_the_comparison_is_accepted(notebook, questions):
    names = notebook.with_source(dedent(COMPARED).format(compared="gap / size if size else 0.0"))
    assert not refused(notebook, questions, "gradient_error", names)


@pytest.mark.parametrize(("hole", "filling"), HOLES)
def test_a_slip_in_the_classifier_is_refused(notebook, questions, hole, filling):
    names = notebook.with_source(dedent(CLASSIFIER).format(**{**RIGHT, hole: filling}))
    assert refused(notebook, questions, "LinearClassifier", names)


def test_without_a_slip_the_classifier_is_accepted(notebook, questions):
    names = notebook.with_source(dedent(CLASSIFIER).format(**RIGHT))
    assert not refused(notebook, questions, "LinearClassifier", names)
