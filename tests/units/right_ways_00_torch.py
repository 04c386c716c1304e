"""Right answers to the PyTorch exercises of 00-numpy, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "to_batch",
    "in NumPy first",
    """
    def to_batch(images):
        turned = images.transpose(0, 3, 1, 2).astype(np.float32) / 255
        return torch.from_numpy(np.ascontiguousarray(turned))
    """,
)
way(
    "to_batch",
    "torch.tensor and float first",
    """
    def to_batch(images):
        x = torch.tensor(np.array(images, order="C"), dtype=torch.float32)
        x = torch.einsum("nhwc->nchw", x).clone(memory_format=torch.contiguous_format)
        x /= 255.0
        return x
    """,
)
way(
    "to_batch",
    "channel by channel",
    """
    def to_batch(images):
        N, H, W, C = images.shape
        batch = torch.empty(N, C, H, W)
        for c in range(C):
            batch[:, c] = torch.from_numpy(np.ascontiguousarray(images[..., c])) / 255
        return batch
    """,
)
way(
    "to_batch",
    "stacked, and the axes exchanged twice",
    """
    def to_batch(images):
        pictures = [torch.as_tensor(picture.copy()).float().div(255) for picture in images]
        return torch.stack(pictures).transpose(1, 3).transpose(2, 3).contiguous()
    """,
)

way(
    "label_scores",
    "two indices",
    """
    def label_scores(scores, labels):
        rows = torch.arange(scores.shape[0], device=labels.device)
        return scores[rows, labels.to(torch.int64)]
    """,
)
way(
    "label_scores",
    "a mask of one place in each row, and a sum",
    """
    def label_scores(scores, labels):
        hot = F.one_hot(labels.long(), scores.shape[1]).to(scores.dtype)
        return (scores * hot).sum(dim=1)
    """,
)
way(
    "label_scores",
    "a loop and a stack",
    """
    def label_scores(scores, labels):
        return torch.stack([row[int(k)] for row, k in zip(scores, labels, strict=True)])
    """,
)
way(
    "label_scores",
    "places in the flattened scores",
    """
    def label_scores(scores, labels):
        N, K = scores.shape
        starts = K * torch.arange(N, device=scores.device)
        return scores.reshape(-1).take(starts + labels.type(torch.long))
    """,
)
way(
    "label_scores",
    "take_along_dim, squeezed where it is said",
    """
    def label_scores(scores, labels):
        return torch.take_along_dim(scores, labels.long().unsqueeze(-1), dim=-1).squeeze(-1)
    """,
)

way(
    "count_pairs",
    "index_put_ that accumulates",
    """
    def count_pairs(labels, predicted, K):
        counts = torch.zeros(K, K, dtype=torch.long, device=labels.device)
        ones = torch.ones(len(labels), dtype=torch.long, device=labels.device)
        return counts.index_put_((labels.long(), predicted.long()), ones, accumulate=True)
    """,
)
way(
    "count_pairs",
    "a loop over the examples",
    """
    def count_pairs(labels, predicted, K):
        rows = [[0] * K for _ in range(K)]
        for l, p in zip(labels.tolist(), predicted.tolist()):
            rows[l][p] += 1
        return torch.tensor(rows, device=labels.device)
    """,
)
way(
    "count_pairs",
    "a product of one-hot rows",
    """
    def count_pairs(labels, predicted, K):
        classes = torch.arange(K, device=labels.device)
        right, said = (x.long()[:, None] == classes for x in (labels, predicted))
        return (right.T.double() @ said.double()).round().long()
    """,
)
way(
    "count_pairs",
    "masks of classes",
    """
    def count_pairs(labels, predicted, K):
        counts = torch.empty((K, K), dtype=torch.int64, device=labels.device)
        for l in range(K):
            for p in range(K):
                counts[l, p] = ((labels == l) & (predicted == p)).sum()
        return counts
    """,
)
way(
    "count_pairs",
    "scatter_add_",
    """
    def count_pairs(labels, predicted, K):
        at = K * labels.to(torch.int64) + predicted
        flat = at.new_zeros(K * K).scatter_add_(0, at, torch.ones_like(at))
        return flat.reshape(K, K)
    """,
)

way(
    "count_pairs",
    "a table made on the CPU and moved",
    """
    def count_pairs(labels, predicted, K):
        counts = torch.zeros(K, K, dtype=torch.int64).to(labels.device)
        one = torch.tensor(1).to(labels.device)
        return counts.index_put_((labels.long(), predicted.long()), one, accumulate=True)
    """,
)

way(
    "move",
    "one case after the other",
    """
    def move(batch, device):
        if torch.is_tensor(batch):
            return batch.to(device=device)
        if isinstance(batch, list):
            return [move(x, device) for x in batch]
        if isinstance(batch, tuple):
            return tuple(move(x, device) for x in batch)
        if isinstance(batch, dict):
            moved = {}
            for key in batch:
                moved[key] = move(batch[key], device)
            return moved
        return batch
    """,
)
way(
    "move",
    "copies first",
    """
    def move(batch, device):
        if isinstance(batch, dict):
            batch = dict(batch)
            for key, part in batch.items():
                batch[key] = move(part, device)
        elif isinstance(batch, (list, tuple)):
            parts = list(batch)
            for i in range(len(parts)):
                parts[i] = move(parts[i], device)
            batch = parts if isinstance(batch, list) else tuple(parts)
        elif hasattr(batch, "requires_grad"):
            batch = batch.to(torch.device(device), non_blocking=True)
        return batch
    """,
)
way(
    "move",
    "match",
    """
    def move(batch, device):
        match batch:
            case torch.Tensor():
                return batch.to(device)
            case dict():
                return dict(zip(batch, (move(x, device) for x in batch.values()), strict=True))
            case list() | tuple():
                return batch.__class__(move(x, device) for x in batch)
            case _:
                return batch
    """,
)

way(
    "gradient",
    "backward on a copy",
    """
    def gradient(f, x):
        copy = x.detach().clone()
        copy.requires_grad = True
        f(copy).backward()
        return copy.grad
    """,
)
way(
    "gradient",
    "clone that hangs on x where x is watched",
    """
    def gradient(f, x):
        leaf = x.clone()
        if not leaf.requires_grad:
            leaf.requires_grad_(True)
        value = f(leaf)
        return torch.autograd.grad(value.sum(), leaf)[0].detach()
    """,
)
way(
    "gradient",
    "torch.func",
    """
    def gradient(f, x):
        return torch.func.grad(lambda t: f(t).squeeze())(x.detach()).detach()
    """,
)
way(
    "gradient",
    "with gradients on, and a new tensor",
    """
    def gradient(f, x):
        with torch.enable_grad():
            leaf = torch.empty_like(x, requires_grad=True)
            leaf.data.copy_(x.data)
            y = f(leaf)
        grads = torch.autograd.grad([y], [leaf], grad_outputs=[torch.ones_like(y)])
        return grads[0]
    """,
)

way(
    "gradient_error",
    "moved in a flat view of a copy, and put back",
    """
    def gradient_error(f, x, dx, h=1e-5):
        point = x.detach().double().clone()
        flat, numerical = point.view(-1), []
        with torch.no_grad():
            for i in range(flat.numel()):
                old = flat[i].item()
                flat[i] = old + h
                above = f(point).item()
                flat[i] = old - h
                below = f(point).item()
                flat[i] = old
                numerical.append((above - below) / (2 * h))
        b = torch.tensor(numerical, dtype=torch.float64, device=x.device).reshape(x.shape)
        a = dx.detach().double()
        scale = a.abs().max() + b.abs().max()
        return float((a - b).abs().max() / scale) if scale > 0 else 0.0
    """,
)
way(
    "gradient_error",
    "rows of the identity",
    """
    def gradient_error(f, x, dx, h=1e-5):
        at, a = x.detach().to(torch.float64), dx.detach().to(torch.float64)
        steps = h * torch.eye(at.numel(), dtype=torch.float64, device=at.device).reshape(-1, *at.shape)
        slopes = [f(at + e).double() - f(at - e).double() for e in steps]
        b = torch.stack([slope.reshape(()) for slope in slopes]).reshape(at.shape).detach() / h / 2
        total = torch.linalg.vector_norm(a, torch.inf) + torch.linalg.vector_norm(b, torch.inf)
        gap = torch.linalg.vector_norm(a - b, torch.inf)
        return 0.0 if gap == 0 else (gap / total).item()
    """,
)
way(
    "gradient_error",
    "in NumPy",
    """
    def gradient_error(f, x, dx, h=1e-5):
        at = x.detach().cpu().numpy().astype(np.float64)
        a, b = dx.detach().cpu().numpy().astype(np.float64), np.zeros(at.shape)
        for place in np.ndindex(*at.shape):
            up, down = at.copy(), at.copy()
            up[place] += h
            down[place] -= h
            difference = f(torch.from_numpy(up).to(x.device)) - f(torch.from_numpy(down).to(x.device))
            b[place] = difference.item() / (2 * h)
        size = np.abs(a).max() + np.abs(b).max()
        return np.abs(a - b).max() / max(size, 1e-300)
    """,
)

way(
    "gradient_error",
    "up by h, down by 2h, and up again",
    """
    def gradient_error(f, x, dx, h=1e-5):
        at, b = x.detach().double().clone(), torch.zeros(x.shape, dtype=torch.float64)
        for i in np.ndindex(*x.shape):
            at[i] += h
            b[i] = f(at).item() / (2 * h)
            at[i] -= 2 * h
            b[i] -= f(at).item() / (2 * h)
            at[i] += h
        size = (dx.detach().abs().max() + b.abs().max()).item()
        return (dx.detach() - b).abs().max().item() / size if size > 0 else 0
    """,
)

way(
    "mean_squared_error",
    "a sum divided",
    """
    def mean_squared_error(prediction, target):
        if target.size() != prediction.size():
            raise ValueError(f"{prediction.size()} is not {target.size()}")
        return torch.sum((target - prediction) ** 2) / prediction.numel()
    """,
)
way(
    "mean_squared_error",
    "a scalar product",
    """
    def mean_squared_error(prediction, target):
        if list(prediction.shape) != list(target.shape):
            raise ValueError("shapes " + str(list(prediction.shape)) + " and " + str(list(target.shape)))
        gap = (prediction - target).flatten()
        return gap.dot(gap) / len(gap)
    """,
)
way(
    "mean_squared_error",
    "the library's, behind a look at the shapes",
    """
    def mean_squared_error(prediction, target):
        same = prediction.dim() == target.dim() and all(
            a == b for a, b in zip(prediction.shape, target.shape, strict=True)
        )
        if same:
            return F.mse_loss(prediction, target.to(prediction.dtype))
        raise ValueError(prediction.shape, target.shape)
    """,
)

way(
    "sgd_step",
    "add_ with alpha, and a gradient of zeros",
    """
    @torch.no_grad()
    def sgd_step(params, lr):
        for p in params:
            if p.grad is None:
                continue
            p.add_(p.grad, alpha=-lr)
            p.grad.zero_()
    """,
)
way(
    "sgd_step",
    "in .data",
    """
    def sgd_step(params, lr):
        for p in params:
            if p.grad is not None:
                p.data -= lr * p.grad.data
                p.grad = None
    """,
)
way(
    "sgd_step",
    "new numbers copied in, from a list",
    """
    def sgd_step(params, lr):
        weights = [w for w in params if w.grad is not None]
        moved = [w.detach() - lr * w.grad for w in weights]
        with torch.no_grad():
            for w, new in zip(weights, moved, strict=True):
                w.copy_(new)
        for w in weights:
            w.grad = torch.zeros_like(w)
    """,
)
way(
    "sgd_step",
    "the library's optimizer",
    """
    def sgd_step(params, lr):
        optimizer = torch.optim.SGD(list(params), lr=lr)
        optimizer.step()
        optimizer.zero_grad()
    """,
)

way(
    "LinearClassifier",
    "addmm, the names in another order",
    """
    class LinearClassifier(nn.Module):
        def __init__(self, mean, std, K):
            super().__init__()
            like = {"dtype": mean.dtype, "device": mean.device}
            self.b = nn.Parameter(torch.zeros((K,), **like))
            self.W = nn.Parameter(torch.zeros((mean.numel(), K), **like))
            self.register_buffer("std", std.clone())
            self.register_buffer("mean", mean.clone())

        def forward(self, x):
            rows = x.reshape(x.shape[0], -1)
            return torch.addmm(self.b, (rows - self.mean) / self.std, self.W)
    """,
)
way(
    "LinearClassifier",
    "folded into one weight at each call",
    """
    class LinearClassifier(nn.Module):
        def __init__(self, mean, std, K):
            super().__init__()
            self.W = nn.Parameter(torch.zeros(len(mean), K).to(mean))
            self.b = nn.Parameter(torch.zeros(K).to(mean))
            for name, values in (("mean", mean), ("std", std)):
                self.register_buffer(name, values.detach().clone())

        def forward(self, x):
            W = self.W / self.std[:, None]
            return torch.flatten(x, start_dim=1) @ W + (self.b - self.mean @ W)
    """,
)
way(
    "LinearClassifier",
    "F.linear and einsum's order of axes",
    """
    class LinearClassifier(nn.Module):
        def __init__(self, mean, std, K):
            super().__init__()
            self.K = K
            self.register_buffer("mean", torch.as_tensor(mean))
            self.register_buffer("std", torch.as_tensor(std))
            self.register_parameter("W", nn.Parameter(torch.zeros_like(mean).repeat(K, 1).T.contiguous()))
            self.register_parameter("b", nn.Parameter(torch.zeros_like(mean)[:1].repeat(K)))

        def forward(self, x):
            z = torch.stack([image.reshape(-1) for image in x])
            z = z.sub(self.mean).div(self.std)
            return F.linear(z, self.W.T, self.b)
    """,
)
