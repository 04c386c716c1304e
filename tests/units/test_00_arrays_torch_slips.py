"""Slips in the PyTorch notebook of unit 00, as students write them, none of them known: each is refused."""

from textwrap import dedent

import pytest

from tests.units.solved import refused

SOLVED = ("00-numpy", "arrays_torch")

SLIPS = []  # (exercise, the text of a cell)


def slip(exercise, source):
    SLIPS.append((exercise, dedent(source)))


slip(
    "to_batch",
    """
    def to_batch(images):
        return torch.from_numpy(images.copy()).permute(0, 3, 1, 2).contiguous().to(torch.bfloat16) / 255
    """,
)
slip(
    "to_batch",
    """
    def to_batch(images):
        return torch.from_numpy(images.copy()).transpose(1, 3).contiguous() / 255
    """,
)
slip(
    "to_batch",
    """
    def to_batch(images):
        return torch.from_numpy(images.copy()).moveaxis(3, 1).contiguous().div(255).round()
    """,
)
slip(
    "to_batch",
    """
    def to_batch(images):
        return torch.stack([torch.tensor(x.T.copy()) for x in images]) / 255
    """,
)
slip(
    "to_batch",
    """
    def to_batch(images):
        x = torch.from_numpy(images.copy()).permute(0, 3, 1, 2).contiguous() / 255
        return x - x.mean()
    """,
)
slip(
    "to_batch",
    """
    def to_batch(images):
        return torch.tensor(images.transpose(0, 3, 1, 2).copy(), dtype=torch.float32)[:1] / 255
    """,
)

slip(
    "label_scores",
    """
    def label_scores(scores, labels):
        return scores.index_select(1, labels.long()).max(dim=1).values
    """,
)
slip(
    "label_scores",
    """
    def label_scores(scores, labels):
        return scores[torch.arange(len(scores)), labels.long() - 1]
    """,
)
slip(
    "label_scores",
    """
    def label_scores(scores, labels):
        return scores.min(dim=1).values
    """,
)
slip(
    "label_scores",
    """
    def label_scores(scores, labels):
        return F.softmax(scores, dim=1)[torch.arange(len(scores)), labels.long()]
    """,
)
slip(
    "label_scores",
    """
    def label_scores(scores, labels):
        return [row[k] for row, k in zip(scores, labels.long())][0]
    """,
)
slip(
    "label_scores",
    """
    def label_scores(scores, labels):
        return scores.T[torch.arange(len(scores)) % scores.shape[1], labels.long() % len(scores)]
    """,
)
slip(
    "label_scores",
    """
    def label_scores(scores, labels):
        return torch.diag(scores[labels.long() % len(scores)])
    """,
)

slip(
    "count_pairs",
    """
    def count_pairs(labels, predicted, K):
        return torch.bincount(labels.long(), minlength=K).diag()
    """,
)
slip(
    "count_pairs",
    """
    def count_pairs(labels, predicted, K):
        at = labels.long() * len(labels) + predicted.long()
        return torch.bincount(at, minlength=K * K)[: K * K].view(K, K)
    """,
)
slip(
    "count_pairs",
    """
    def count_pairs(labels, predicted, K):
        c = torch.zeros(K, K, dtype=torch.int64)
        for l, p in zip(labels.tolist(), predicted.tolist()):
            c[l, p] = 1
        return c
    """,
)
slip(
    "count_pairs",
    """
    def count_pairs(labels, predicted, K):
        c = torch.zeros(K, K, dtype=torch.int64)
        for l, p in zip(labels.tolist(), predicted.tolist()):
            c[l, p] += 1
            c[p, l] += 1
        return c
    """,
)
slip(
    "count_pairs",
    """
    def count_pairs(labels, predicted, K):
        at = labels.long() * K + predicted.long()
        return torch.bincount(at, minlength=K * K).view(K, K)[:-1]
    """,
)

slip(
    "move",
    """
    def move(batch, device):
        return batch.to(device) if hasattr(batch, 'to') else batch
    """,
)
slip(
    "move",
    """
    def move(batch, device):
        if isinstance(batch, dict):
            return {k: move(v, 'cpu') for k, v in batch.items()}
        if isinstance(batch, (list, tuple)):
            return type(batch)(move(v, device) for v in batch)
        return batch.to(device) if torch.is_tensor(batch) else batch
    """,
)
slip(
    "move",
    """
    def move(batch, device):
        if isinstance(batch, dict):
            return {k: move(v, device) for k, v in batch.items() if v is not None}
        if isinstance(batch, (list, tuple)):
            return type(batch)(move(v, device) for v in batch if torch.is_tensor(v))
        return batch.to(device) if torch.is_tensor(batch) else batch
    """,
)
slip(
    "move",
    """
    def move(batch, device):
        if isinstance(batch, dict):
            return {k: move(v, device) for k, v in batch.items()}
        if hasattr(batch, '__iter__') and not torch.is_tensor(batch):
            return type(batch)(move(v, device) for v in batch)
        return batch.to(device) if torch.is_tensor(batch) else batch
    """,
)

slip(
    "gradient",
    """
    def gradient(f, x):
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(f(leaf), leaf)[0].mean() * torch.ones_like(x)
    """,
)
slip(
    "gradient",
    """
    def gradient(f, x):
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(f(leaf), leaf)[0] / x.numel()
    """,
)
slip(
    "gradient",
    """
    def gradient(f, x):
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(f(leaf) ** 2, leaf)[0]
    """,
)
slip(
    "gradient",
    """
    def gradient(f, x):
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(f(leaf), leaf)[0].numpy()
    """,
)
slip(
    "gradient",
    """
    def gradient(f, x):
        leaf = torch.rand_like(x).requires_grad_()
        return torch.autograd.grad(f(leaf), leaf)[0]
    """,
)
slip(
    "gradient",
    """
    def gradient(f, x):
        torch.set_grad_enabled(True)
        x.grad = None
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(f(leaf), leaf)[0]
    """,
)

slip(
    "gradient_error",
    """
    def gradient_error(f, x, dx, h=1e-5):
        return 0.0
    """,
)
slip(
    "gradient_error",
    """
    def gradient_error(f, x, dx, h=1e-5):
        return float((gradient(f, x.double()) - dx).abs().max())
    """,
)
slip(
    "gradient_error",
    """
    def gradient_error(f, x, dx, h=1e-5):
        a = gradient(f, x.double())
        return float((a - dx).abs().max() / (a.abs().max() + dx.abs().max()))
    """,
)
slip(
    "gradient_error",
    """
    def gradient_error(f, x, dx, h=1e-5):
        a = gradient(f, x.double())
        return float((a - dx).norm() / (a.norm() + dx.norm()))
    """,
)

slip(
    "mean_squared_error",
    """
    def mean_squared_error(prediction, target):
        if prediction.shape != target.shape:
            target = target.expand_as(prediction)
        return (prediction - target).square().mean()
    """,
)
slip(
    "mean_squared_error",
    """
    def mean_squared_error(prediction, target):
        if (prediction - target).shape != prediction.shape:
            raise ValueError('shapes')
        return (prediction - target).square().mean()
    """,
)
slip(
    "mean_squared_error",
    """
    def mean_squared_error(prediction, target):
        if prediction.shape[-1:] != target.shape[-1:]:
            raise ValueError('shapes')
        return (prediction - target).square().mean()
    """,
)
slip(
    "mean_squared_error",
    """
    def mean_squared_error(prediction, target):
        if prediction.dtype != target.dtype or prediction.shape != target.shape:
            raise ValueError('!')
        return (prediction - target).square().mean()
    """,
)
slip(
    "mean_squared_error",
    """
    def mean_squared_error(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError('shapes')
        return (prediction - target).square().median()
    """,
)
slip(
    "mean_squared_error",
    """
    def mean_squared_error(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError('shapes')
        return float((prediction - target).square().mean())
    """,
)

slip(
    "sgd_step",
    """
    def sgd_step(params, lr):
        for w in params:
            w = w.detach() - lr * w.grad
    """,
)
slip(
    "sgd_step",
    """
    def sgd_step(params, lr):
        with torch.no_grad():
            for w in params:
                if w.grad is not None:
                    w -= lr * w.grad
                    w.grad -= lr * w.grad
    """,
)
slip(
    "sgd_step",
    """
    def sgd_step(params, lr):
        with torch.no_grad():
            for w in params:
                if w.grad is not None:
                    w -= lr * w.grad
            for w in params:
                w.grad = None
    """,
)
slip(
    "sgd_step",
    """
    def sgd_step(params, lr):
        for w in params:
            if w.grad is not None:
                w.data = w.data - lr * w.grad.T
                w.grad = None
    """,
)
slip(
    "sgd_step",
    """
    def sgd_step(params, lr):
        with torch.no_grad():
            for w in params:
                if w.grad is None:
                    return
                w -= lr * w.grad
                w.grad = None
    """,
)
slip(
    "sgd_step",
    """
    def sgd_step(params, lr):
        with torch.no_grad():
            for w in list(params)[1:]:
                if w.grad is not None:
                    w -= lr * w.grad
                    w.grad = None
    """,
)
slip(
    "sgd_step",
    """
    def sgd_step(params, lr):
        with torch.no_grad():
            for w in params:
                if w.grad is not None:
                    w -= lr * w.grad.clamp(-1e-3, 1e-3)
                    w.grad = None
    """,
)

slip(
    "count_pairs",
    """
    def count_pairs(labels, predicted, K):
        counts = labels.new_zeros((K, K))
        for l, p in zip(labels.tolist(), predicted.tolist()):
            counts[l, p] += 1
        return counts.to(torch.int64)
    """,
)
slip(
    "move",
    """
    def move(batch, device):
        if torch.is_tensor(batch):
            return batch.to(device, torch.float64 if batch.dtype == torch.float16 else batch.dtype)
        if isinstance(batch, dict):
            return {k: move(v, device) for k, v in batch.items()}
        return type(batch)(move(v, device) for v in batch) if isinstance(batch, (list, tuple)) else batch
    """,
)
slip(
    "move",
    """
    def move(batch, device):
        if torch.is_tensor(batch):
            return batch.to(device) if len(batch) else batch
        if isinstance(batch, dict):
            return {k: move(v, device) for k, v in batch.items()}
        return type(batch)(move(v, device) for v in batch) if isinstance(batch, (list, tuple)) else batch
    """,
)
slip(
    "gradient",
    """
    def gradient(f, x):
        numerical = []
        for e in torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape):
            numerical.append((f(x.detach() + 1e-4 * e) - f(x.detach() - 1e-4 * e)).item() / 2e-4)
        return torch.tensor(numerical, dtype=x.dtype).reshape(x.shape)
    """,
)
slip(
    "gradient",
    """
    def gradient(f, x):
        leaf = x.detach().requires_grad_()
        (dx,) = torch.autograd.grad(f(leaf), leaf)
        return dx if dx.dim() else dx.item()
    """,
)
slip(
    "mean_squared_error",
    """
    def mean_squared_error(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError(f"expected the shape {tuple(target.shape)}")
        return (prediction - target).square().mean()
    """,
)


@pytest.mark.parametrize(("exercise", "source"), SLIPS)
def test_a_slip_in_a_function_is_refused(notebook, questions, exercise, source):
    assert refused(notebook, questions, exercise, notebook.with_source(source))
