"""Right answers to the PyTorch exercises of 08-schedules, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways
from tests.units.right_ways_08_torch_averages import WAYS as OF_AVERAGES

WAYS = Ways(OF_AVERAGES)
way = WAYS.add

way(
    "WarmupCosine",
    "one factor for all groups",
    """
    class WarmupCosine(LRScheduler):
        def __init__(self, optimizer, W, T, lr_min=0.0):
            self.W, self.T, self.lr_min = W, T, lr_min
            super().__init__(optimizer)

        def factor(self, t):
            if t >= self.T:
                return 0.0
            angle = math.pi * (t - self.W) / (self.T - self.W)
            return 0.5 + 0.5 * math.cos(angle)

        def get_lr(self):
            if self.last_epoch < self.W:
                return [base / self.W * (self.last_epoch + 1) for base in self.base_lrs]
            f = self.factor(self.last_epoch)
            return [f * base + (1 - f) * self.lr_min for base in self.base_lrs]
    """,
)
way(
    "WarmupCosine",
    "a table of shares, made once, from squared cosines",
    """
    class WarmupCosine(LRScheduler):
        def __init__(self, optimizer, W, T, lr_min=0.0, last_epoch=-1):
            t = torch.arange(T + 1, dtype=torch.float64)
            self.up = ((t + 1) / max(W, 1)).tolist()
            self.down = (torch.cos(math.pi / 2 * (t - W) / (T - W)) ** 2).tolist()
            self.warm, self.last, self.least = W, T, lr_min
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            t = min(self.last_epoch, self.last)
            rates = []
            for base in self.base_lrs:
                if t < self.warm:
                    rates.append(base * self.up[t])
                else:
                    rates.append(self.least + (base - self.least) * self.down[t])
            return rates
    """,
)
way(
    "WarmupCosine",
    "from the initial rates of the groups",
    """
    class WarmupCosine(LRScheduler):
        def __init__(self, optimizer, W, T, lr_min=0.0):
            self.W = W
            self.T = T
            self.lr_min = lr_min
            super(WarmupCosine, self).__init__(optimizer)

        def rate(self, top):
            t, W, T = self.last_epoch, self.W, self.T
            if t < W:
                return top * (t + 1) / W
            if t > T:
                return self.lr_min
            return self.lr_min + 0.5 * (top - self.lr_min) * (1 + math.cos((t - W) / (T - W) * math.pi))

        def get_lr(self):
            return [self.rate(group["initial_lr"]) for group in self.optimizer.param_groups]
    """,
)

way(
    "train_epoch",
    "losses summed, the norm by hand",
    """
    def train_epoch(model, batches, optimizer, schedule=None, max_norm=None):
        model.train(True)
        losses, sizes = [], []
        for inputs, labels in batches:
            model.zero_grad(set_to_none=True)
            value = nn.CrossEntropyLoss()(model(inputs), labels)
            value.backward()
            if max_norm:
                grads = [p.grad for p in model.parameters() if p.grad is not None]
                norm = torch.cat([g.flatten() for g in grads]).norm()
                if norm > max_norm:
                    for g in grads:
                        g.mul_(max_norm / norm)
            optimizer.step()
            if schedule:
                schedule.step()
            losses.append(float(value))
            sizes.append(labels.numel())
        return sum(a * b for a, b in zip(losses, sizes)) / sum(sizes)
    """,
)
way(
    "train_epoch",
    "a tensor that is added up, one pass over a list",
    """
    def train_epoch(model, batches, optimizer, schedule=None, max_norm=None):
        model.train()
        batches = list(batches)
        bound = float("inf") if max_norm is None else max_norm
        summed = torch.zeros(())
        for x, y in batches:
            logits = model(x)
            loss = -logits.log_softmax(dim=1)[torch.arange(len(y)), y].mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), bound)
            optimizer.step()
            schedule.step() if schedule is not None else None
            summed = summed + loss.detach().double() * x.shape[0]
        return float(summed / sum(x.shape[0] for x, _ in batches))
    """,
)
way(
    "train_epoch",
    "gradients forgotten at both ends, a running mean",
    """
    def train_epoch(model, batches, optimizer, schedule=None, max_norm=None):
        for module in model.modules():
            module.training = True
        mean, seen = 0.0, 0
        optimizer.zero_grad()
        for x, y in batches:
            loss = F.cross_entropy(model(x), y, reduction="sum") / len(x)
            loss.backward()
            if max_norm is not None:
                torch.nn.utils.clip_grad_norm_([p for p in model.parameters()], max_norm=max_norm)
            optimizer.step()
            optimizer.zero_grad()
            if schedule is not None:
                schedule.step()
            seen += len(x)
            mean += (loss.item() - mean) * len(x) / seen
        return mean
    """,
)

way(
    "backward_in_parts",
    "gradients of each part by hand, set at the end",
    """
    def backward_in_parts(model, loss_function, x, y, micro_batch):
        params = [p for p in model.parameters() if p.requires_grad]
        sums, mean = [torch.zeros_like(p) for p in params], 0.0
        for start in range(0, len(x), micro_batch):
            xs, ys = x[start : start + micro_batch], y[start : start + micro_batch]
            loss = loss_function(model(xs), ys)
            for total, g in zip(sums, torch.autograd.grad(loss, params)):
                total += g * len(xs) / len(x)
            mean += float(loss) * len(xs) / len(x)
        for p, total in zip(params, sums):
            p.grad = total
        return mean
    """,
)
way(
    "backward_in_parts",
    "sums of the parts, divided at the end",
    """
    def backward_in_parts(model, loss_function, x, y, micro_batch):
        for p in model.parameters():
            p.grad = None
        total, N = 0.0, x.shape[0]
        for rows in torch.arange(N).split(micro_batch):
            loss = loss_function(model(x[rows]), y[rows]) * rows.numel()
            loss.backward()
            total += loss.detach()
        for p in model.parameters():
            if p.grad is not None:
                p.grad /= N
        return (total / N).item()
    """,
)
way(
    "backward_in_parts",
    "backward with a weight as the upstream gradient",
    """
    def backward_in_parts(model, loss_function, x, y, micro_batch):
        model.zero_grad(set_to_none=False)
        N, at, parts = len(x), 0, []
        while at < N:
            n = min(micro_batch, N - at)
            loss = loss_function(model(x[at : at + n]), y[at : at + n])
            loss.backward(torch.full_like(loss, n / N))
            parts.append((n, loss.item()))
            at += n
        return sum(n * value for n, value in parts) / N
    """,
)

way(
    "gradient_noise",
    "backward on a copy",
    """
    def gradient_noise(model, loss_function, x, y, batches):
        twin = copy.deepcopy(model)

        def gradient(a, b):
            twin.zero_grad()
            loss_function(twin(a), b).backward()
            return [p.grad.clone() for p in twin.parameters() if p.grad is not None]

        full = gradient(x, y)
        total = 0.0
        for rows in batches:
            for g, h in zip(gradient(x[rows], y[rows]), full):
                total += float(((g - h) ** 2).sum())
        return (total / len(batches)) ** 0.5
    """,
)
way(
    "gradient_noise",
    "a matrix of gradients, norms of its rows",
    """
    def gradient_noise(model, loss_function, x, y, batches):
        params = [p for p in model.parameters() if p.requires_grad]
        rows_of_all = [torch.arange(len(x)), *batches]
        G = []
        for rows in rows_of_all:
            found = torch.autograd.grad(loss_function(model(x[rows]), y[rows]), params)
            G.append(nn.utils.parameters_to_vector(found))
        G = torch.stack(G)
        return torch.linalg.vector_norm(G[1:] - G[0], dim=1).square().mean().sqrt().item()
    """,
)
way(
    "gradient_noise",
    "the old gradients put aside and back",
    """
    def gradient_noise(model, loss_function, x, y, batches):
        kept = [(p, p.grad) for p in model.parameters()]
        whole, squares = None, []
        for rows in [slice(None)] + list(batches):
            for p, _ in kept:
                p.grad = None
            loss_function(model(x[rows]), y[rows]).backward()
            g = torch.cat([p.grad.reshape(-1) for p, _ in kept if p.grad is not None])
            if whole is None:
                whole = g
            else:
                squares.append(torch.dot(g - whole, g - whole))
        for p, grad in kept:
            p.grad = grad
        return torch.stack(squares).mean().sqrt()
    """,
)
