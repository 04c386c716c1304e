"""Right answers to the PyTorch exercises of 08-schedules, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
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

way(
    "Snapshots",
    "whole models, copied at once",
    """
    class Snapshots:
        def __init__(self, model, steps):
            self.model = model
            self.steps = list(steps)
            self.members = []

        def after_step(self, t):
            if t in self.steps:
                self.members.append(copy.deepcopy(self.model))

        def models(self):
            return [copy.deepcopy(member).eval() for member in self.members]
    """,
)
way(
    "Snapshots",
    "clones in a dict by step",
    """
    class Snapshots:
        def __init__(self, model, steps):
            self.model, self.states = model, {t: None for t in sorted(steps)}

        def after_step(self, t):
            if t in self.states:
                state = self.model.state_dict()
                self.states[t] = {name: values.detach().clone() for name, values in state.items()}

        def models(self):
            found = []
            for state in self.states.values():
                if state is not None:
                    model = copy.deepcopy(self.model)
                    model.load_state_dict(state)
                    model.eval()
                    found.append(model)
            return found
    """,
)
way(
    "Snapshots",
    "saved to memory, a method that keeps",
    """
    import io

    class Snapshots:
        def __init__(self, model, steps):
            self.model = model
            self.steps = tuple(steps)
            self.files = []

        def keep(self):
            file = io.BytesIO()
            torch.save(self.model.state_dict(), file)
            self.files.append(file.getvalue())

        def after_step(self, t):
            if any(t == step for step in self.steps):
                self.keep()

        def models(self):
            def member(content):
                model = copy.deepcopy(self.model)
                model.load_state_dict(torch.load(io.BytesIO(content)))
                return model.train(False)

            return [member(content) for content in self.files]
    """,
)

way(
    "ensemble_probabilities",
    "copies that are asked, so that no mode changes",
    """
    def ensemble_probabilities(models, x):
        total = 0.0
        for model in models:
            twin = copy.deepcopy(model)
            twin.eval()
            total = total + nn.Softmax(dim=-1)(twin(x)).detach()
        return total / len(models)
    """,
)
way(
    "ensemble_probabilities",
    "modes in a dict, a decorator",
    """
    @torch.no_grad()
    def ensemble_probabilities(models, x):
        was = {}
        for model in models:
            was.update({module: module.training for module in model.modules()})
        outputs = []
        for model in models:
            model.eval()
            outputs.append(model(x))
        for module, mode in was.items():
            module.training = mode
        scores = torch.stack(outputs, dim=1)
        return scores.softmax(dim=2).mean(dim=1)
    """,
)
way(
    "ensemble_probabilities",
    "one model after the other, a log-sum-exp",
    """
    def asked(model, x):
        training = [module for module in model.modules() if module.training]
        model.eval()
        with torch.inference_mode():
            scores = model(x)
        for module in training:
            module.training = True
        return scores

    def ensemble_probabilities(models, x):
        logs = torch.stack([F.log_softmax(asked(model, x), 1) for model in models])
        return (torch.logsumexp(logs, 0) - math.log(len(models))).exp()
    """,
)

way(
    "WeightAverage",
    "sums and states",
    """
    class WeightAverage:
        def __init__(self, model, decay=None):
            self.average = copy.deepcopy(model)
            self.decay = decay
            self.updates = 0

        def update(self, model):
            self.updates = self.updates + 1
            n, d = self.updates, self.decay
            names = [name for name, _ in model.named_parameters()]
            old, new = self.average.state_dict(), copy.deepcopy(model.state_dict())
            for name in names:
                if n == 1:
                    continue
                if d is None:
                    new[name] = ((n - 1) * old[name] + new[name]) / n
                else:
                    new[name] = d * old[name] + (1 - d) * new[name]
            self.average.load_state_dict(new)
    """,
)
way(
    "WeightAverage",
    "through .data",
    """
    class WeightAverage:
        def __init__(self, model, decay=None):
            self.average, self.decay = copy.deepcopy(model).eval(), decay
            self.updates = 0

        def update(self, model):
            for a, w in zip(self.average.parameters(), model.parameters()):
                if self.updates == 0:
                    a.data = w.data.clone()
                elif self.decay is None:
                    a.data += (w.data - a.data) / (self.updates + 1)
                else:
                    a.data.mul_(self.decay).add_(w.data, alpha=1 - self.decay)
            for a, b in zip(self.average.buffers(), model.buffers()):
                a.data = b.data.clone()
            self.updates += 1
    """,
)
way(
    "WeightAverage",
    "a copy of the first model, a decorator",
    """
    class WeightAverage:
        def __init__(self, model, decay=None):
            self.average = copy.deepcopy(model)
            self.average.requires_grad_(False)
            self.decay = decay
            self.updates = 0

        @torch.no_grad()
        def update(self, model):
            if self.updates == 0:
                self.average.load_state_dict(model.state_dict())
            else:
                keep = self.updates / (self.updates + 1) if self.decay is None else self.decay
                mine = dict(self.average.named_parameters())
                for name, w in model.named_parameters():
                    mine[name].copy_(keep * mine[name] + (1 - keep) * w)
                for (_, a), (_, b) in zip(self.average.named_buffers(), model.named_buffers()):
                    a[...] = b
            self.updates += 1
    """,
)

way(
    "refresh_batchnorm",
    "the momentum is 1 over the number of the batch",
    """
    @torch.no_grad()
    def refresh_batchnorm(model, batches):
        was = {m: m.training for m in model.modules()}
        norms = {m: m.momentum for m in was if isinstance(m, nn.modules.batchnorm._BatchNorm)}
        model.train()
        for m in norms:
            m.reset_running_stats()
        for k, x in enumerate(batches, start=1):
            for m in norms:
                m.momentum = 1 / k
            model(x)
        for m, momentum in norms.items():
            m.momentum = momentum
        for m, mode in was.items():
            m.training = mode
    """,
)
way(
    "refresh_batchnorm",
    "no norm, nothing to do",
    """
    def refresh_batchnorm(model, batches):
        norms = [m for m in model.modules() if type(m).__name__.startswith("BatchNorm")]
        if not norms:
            return
        modes = [m.training for m in model.modules()]
        momenta = [m.momentum for m in norms]
        with torch.no_grad():
            model.train()
            for m in norms:
                m.momentum = None
                if m.running_mean is not None:
                    m.running_mean.zero_()
                    m.running_var.fill_(1)
                    m.num_batches_tracked.zero_()
            for x in list(batches):
                model(x)
        for m, momentum in zip(norms, momenta):
            m.momentum = momentum
        for m, mode in zip(model.modules(), modes):
            m.training = mode
    """,
)
way(
    "refresh_batchnorm",
    "torch.optim.swa_utils, between reading and restoring the modes",
    """
    def refresh_batchnorm(model, batches):
        from torch.optim.swa_utils import update_bn

        modes = [(m, m.training) for m in model.modules()]
        update_bn(list(batches), model)
        for m, mode in modes:
            m.training = mode
    """,
)
