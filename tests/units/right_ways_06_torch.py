"""Right answers to the PyTorch exercises of 06-regularization, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "penalized_loss",
    "a loop that adds to a new tensor",
    """
    def penalized_loss(loss, model, l1, l2):
        total = loss
        for w in model.parameters():
            if w.dim() >= 2:
                total = total + l1 * torch.abs(w).sum() + 0.5 * l2 * (w ** 2).sum()
        return total
    """,
)
way(
    "penalized_loss",
    "norms, by name",
    """
    def penalized_loss(loss, model, l1, l2):
        penalty = torch.zeros_like(loss)
        for name, w in model.named_parameters():
            if len(w.shape) > 1:
                penalty += l1 * torch.linalg.vector_norm(w, 1)
                penalty += l2 / 2 * w.norm() ** 2
        return loss + penalty
    """,
)
way(
    "penalized_loss",
    "one long vector",
    """
    def penalized_loss(loss, model, l1, l2):
        flat = [w.reshape(-1) for w in model.parameters() if w.ndim > 1]
        if not flat:
            return loss.clone()
        w = torch.cat(flat)
        return loss + l1 * w.abs().sum() + l2 * torch.dot(w, w) / 2
    """,
)
way(
    "penalized_loss",
    "a copy that grows in place",
    """
    def penalized_loss(loss, model, l1, l2):
        out = loss.clone()
        for module in model.modules():
            for w in module.parameters(recurse=False):
                if w.ndim > 1:
                    out += l1 * (w * w.sign()).sum()
                    out += l2 / 2 * w.pow(2).sum()
        return out
    """,
)

way(
    "soft_threshold_",
    "where",
    """
    def soft_threshold_(parameters, threshold):
        for w in parameters:
            with torch.no_grad():
                small = w.abs() <= threshold
                w[:] = torch.where(small, torch.zeros_like(w), w - threshold * torch.sign(w))
    """,
)
way(
    "soft_threshold_",
    "data, in place",
    """
    def soft_threshold_(parameters, threshold):
        for w in parameters:
            v = w.data
            v.copy_(torch.relu(v - threshold) - torch.relu(-v - threshold))
    """,
)
way(
    "soft_threshold_",
    "less what is cut off",
    """
    @torch.no_grad()
    def soft_threshold_(parameters, threshold):
        for w in list(parameters):
            w -= w.clamp(-threshold, threshold)
    """,
)
way(
    "soft_threshold_",
    "masks, one after the other",
    """
    @torch.no_grad()
    def soft_threshold_(parameters, threshold):
        for w in parameters:
            up, down = w > threshold, w < -threshold
            w[~(up | down)] = 0
            w[up] -= threshold
            w[down] += threshold
    """,
)
way(
    "soft_threshold_",
    "it returns the parameters",
    """
    def soft_threshold_(parameters, threshold):
        parameters = list(parameters)
        with torch.no_grad():
            for w in parameters:
                sign = torch.sign(w)
                w.abs_().sub_(threshold).clamp_(min=0.0).mul_(sign)
        return parameters
    """,
)

way(
    "max_norm_",
    "a loop over the units",
    """
    def max_norm_(layer, c):
        with torch.no_grad():
            for unit in layer.weight:
                length = unit.norm()
                if length > c:
                    unit *= c / length
    """,
)
way(
    "max_norm_",
    "axes by hand, a tiny number in the divisor",
    """
    @torch.no_grad()
    def max_norm_(layer, c):
        w = layer.weight
        axes = tuple(range(1, w.dim()))
        norm = w.pow(2).sum(dim=axes, keepdim=True).sqrt()
        w.copy_(w * torch.clamp(c / (norm + 1e-7), max=1.0))
    """,
)
way(
    "max_norm_",
    "where on the long ones, in data",
    """
    def max_norm_(layer, c):
        w = layer.weight.data
        flat = w.reshape(w.shape[0], -1)
        norm = torch.linalg.norm(flat, dim=1)
        scale = torch.where(norm > c, c / norm, torch.ones_like(norm))
        w.mul_(scale.reshape([-1] + [1] * (w.dim() - 1)))
    """,
)
way(
    "max_norm_",
    "kind by kind, only the long rows",
    """
    @torch.no_grad()
    def max_norm_(layer, c):
        if isinstance(layer, nn.Conv2d):
            norm = torch.sqrt((layer.weight ** 2).sum((1, 2, 3)))
            long = norm > c
            layer.weight[long] *= (c / norm[long])[:, None, None, None]
        else:
            norm = torch.sqrt((layer.weight ** 2).sum(1))
            long = norm > c
            layer.weight[long] *= (c / norm[long])[:, None]
        return layer
    """,
)
way(
    "max_norm_",
    "divided by the larger one",
    """
    def max_norm_(layer, c):
        with torch.no_grad():
            w = layer.weight
            norm = w.flatten(1).norm(dim=1).clamp(min=c)
            w.div_((norm / c).view(len(w), *(1 for _ in w.shape[1:])))
    """,
)

way(
    "EarlyStopping",
    "clones, and epochs that are counted",
    """
    class EarlyStopping:
        def __init__(self, patience):
            self.patience = patience
            self.best_loss = float("inf")
            self.best_state = None
            self.epoch = self.best_epoch = 0

        def step(self, loss, model):
            self.epoch += 1
            if loss < self.best_loss:
                self.best_loss = loss
                self.best_epoch = self.epoch
                self.best_state = {k: v.detach().clone() for k, v in model.state_dict().items()}
            return self.epoch - self.best_epoch >= self.patience

        def restore(self, model):
            if self.best_state:
                model.load_state_dict(self.best_state)
    """,
)
way(
    "EarlyStopping",
    "a list of all losses",
    """
    class EarlyStopping:
        best_state = None

        def __init__(self, patience):
            self.patience = patience
            self.losses = []

        @property
        def best_loss(self):
            return min((x for x in self.losses if x == x), default=math.inf)

        def step(self, loss, model):
            best = self.best_loss
            self.losses.append(float(loss))
            if loss < best:
                self.best_state = copy.deepcopy(model).state_dict()
                self.at = len(self.losses)
            return len(self.losses) - getattr(self, "at", 0) >= self.patience

        def restore(self, model):
            if self.best_state is None:
                return
            with torch.no_grad():
                for name, t in model.state_dict().items():
                    t.copy_(self.best_state[name])
    """,
)
way(
    "EarlyStopping",
    "what is left of the patience",
    """
    class EarlyStopping:
        def __init__(self, patience):
            self.patience, self.left = patience, patience
            self.best_loss, self.best_state = torch.inf, None

        def step(self, loss, model):
            if loss < self.best_loss:
                self.best_loss, self.left = float(loss), self.patience
                self.best_state = {k: v.cpu().clone() for k, v in model.state_dict().items()}
                return False
            self.left -= 1
            return self.left == 0

        def restore(self, model):
            if self.best_state is not None:
                model.load_state_dict(self.best_state)
            return model
    """,
)
way(
    "EarlyStopping",
    "a module that saves to memory",
    """
    import io

    class EarlyStopping(nn.Module):
        def __init__(self, patience):
            super().__init__()
            self.patience, self.wait, self.best_loss, self.file = patience, 0, math.inf, None

        @property
        def best_state(self):
            return None if self.file is None else torch.load(io.BytesIO(self.file))

        def step(self, loss, model):
            improved = bool(loss < self.best_loss)
            if improved:
                file = io.BytesIO()
                torch.save(model.state_dict(), file)
                self.file, self.best_loss, self.wait = file.getvalue(), loss, 0
            else:
                self.wait += 1
            if self.wait >= self.patience:
                return True
            return False

        def restore(self, model):
            if self.file is not None:
                model.load_state_dict(self.best_state)
    """,
)

way(
    "SmoothedCrossEntropy",
    "targets from one_hot",
    """
    class SmoothedCrossEntropy(nn.Module):
        def __init__(self, eps=0.1):
            super().__init__()
            self.eps = eps

        def forward(self, scores, y):
            K = scores.shape[1]
            q = (1 - self.eps) * F.one_hot(y, K) + self.eps / K
            return -(q * F.log_softmax(scores, dim=1)).sum(dim=1).mean()
    """,
)
way(
    "SmoothedCrossEntropy",
    "the library's plain loss and a mean",
    """
    class SmoothedCrossEntropy(nn.Module):
        def __init__(self, eps=0.1):
            super().__init__()
            self.eps = eps

        def forward(self, scores, y):
            uniform = -torch.log_softmax(scores, 1).mean(1).mean()
            return (1 - self.eps) * F.cross_entropy(scores, y) + self.eps * uniform
    """,
)
way(
    "SmoothedCrossEntropy",
    "targets for the library",
    """
    class SmoothedCrossEntropy(nn.Module):
        def __init__(self, eps=0.1):
            super().__init__()
            self.eps = eps

        def forward(self, scores, y):
            q = torch.full_like(scores, self.eps / scores.size(1))
            q[torch.arange(len(y)), y] += 1 - self.eps
            return F.cross_entropy(scores, q)
    """,
)
way(
    "SmoothedCrossEntropy",
    "logsumexp",
    """
    class SmoothedCrossEntropy(nn.Module):
        def __init__(self, eps=0.1):
            super().__init__()
            self.eps = eps

        def forward(self, scores, y):
            N, K = scores.shape
            q = torch.zeros_like(scores).scatter_(1, y.unsqueeze(1), 1.0) * (1 - self.eps) + self.eps / K
            return (torch.logsumexp(scores, dim=1) - (q * scores).sum(dim=1)).sum() / N
    """,
)

way(
    "GaussianNoise",
    "where, and a Bernoulli mask",
    """
    class GaussianNoise(nn.Module):
        def __init__(self, sigma, p=1.0):
            super().__init__()
            self.sigma = sigma
            self.p = p

        def forward(self, x):
            if self.training and self.p > 0:
                share = torch.full((x.shape[0],), float(self.p), device=x.device)
                hit = torch.bernoulli(share).bool().reshape([-1] + [1] * (x.dim() - 1))
                x = torch.where(hit, x + torch.randn_like(x) * self.sigma, x)
            return x
    """,
)
way(
    "GaussianNoise",
    "only the noisy images of a copy",
    """
    class GaussianNoise(nn.Module):
        def __init__(self, sigma, p=1.0):
            super().__init__()
            self.sigma = sigma
            self.p = p

        def forward(self, x):
            if not self.training:
                return x
            y = x.clone()
            hit = torch.rand(x.shape[0], device=x.device) < self.p
            y[hit] += self.sigma * torch.randn_like(y[hit])
            return y
    """,
)
way(
    "GaussianNoise",
    "image by image",
    """
    class GaussianNoise(nn.Module):
        def __init__(self, sigma, p=1.0):
            super().__init__()
            self.sigma = sigma
            self.p = p

        def forward(self, x):
            if not self.training:
                return x
            images = []
            for image in x:
                if torch.rand(1).item() < self.p:
                    image = image + self.sigma * torch.randn_like(image)
                images.append(image)
            return torch.stack(images)
    """,
)
way(
    "GaussianNoise",
    "numbers of 32 bits, moved and cast",
    """
    class GaussianNoise(nn.Module):
        def __init__(self, sigma, p=1.0):
            super().__init__()
            self.sigma = sigma
            self.p = p

        def forward(self, x):
            if not self.training:
                return x
            coins = (torch.rand(len(x)) >= 1 - self.p).to(x.device)
            noise = torch.normal(0.0, 1.0, x.shape).to(x.device, x.dtype)
            mask = coins.reshape(len(x), *[1 for _ in x.shape[1:]]).to(x.dtype)
            return x + self.sigma * mask * noise
    """,
)
way(
    "GaussianNoise",
    "moved, then the noisy images of a copy",
    """
    class GaussianNoise(nn.Module):
        def __init__(self, sigma, p=1.0):
            super().__init__()
            self.sigma, self.p = sigma, p

        def forward(self, x):
            if not self.training:
                return x
            y = x.clone()
            hit = (torch.rand(len(x)) < self.p).to(x.device)
            y[hit] = y[hit] + (self.sigma * torch.randn(y[hit].shape)).to(y)
            return y
    """,
)

way(
    "predict_marginal",
    "stacked, and the modes in a list",
    """
    def predict_marginal(model, x, draws, kinds=RANDOM_LAYERS):
        modes = [m.training for m in model.modules()]
        model.train(False)
        for m in model.modules():
            if isinstance(m, kinds):
                m.training = True
        with torch.no_grad():
            p = torch.stack([F.softmax(model(x), dim=-1) for _ in range(draws)]).mean(0)
        for m, mode in zip(model.modules(), modes):
            m.training = mode
        return p
    """,
)
way(
    "predict_marginal",
    "try and finally, a running mean",
    """
    def predict_marginal(model, x, draws, kinds=RANDOM_LAYERS):
        before = {name: m.training for name, m in model.named_modules()}
        try:
            for m in model.modules():
                m.training = isinstance(m, kinds)
            mean = None
            with torch.inference_mode():
                for k in range(draws):
                    p = torch.softmax(model(x), 1)
                    mean = p if mean is None else mean + (p - mean) / (k + 1)
            return mean.clone()
        finally:
            for name, m in model.named_modules():
                m.training = before[name]
    """,
)
way(
    "predict_marginal",
    "a deep copy",
    """
    @torch.no_grad()
    def predict_marginal(model, x, draws, kinds=RANDOM_LAYERS):
        twin = copy.deepcopy(model).eval()
        for layer in twin.modules():
            if isinstance(layer, kinds):
                layer.train()
        return sum(twin(x).softmax(1) for _ in range(draws)) / draws
    """,
)
way(
    "predict_marginal",
    "layers turned on with apply",
    """
    def predict_marginal(model, x, draws, kinds=RANDOM_LAYERS):
        was = [(m, m.training) for m in model.modules()]
        model.eval()
        model.apply(lambda m: m.train() if isinstance(m, kinds) else None)
        probabilities = []
        with torch.no_grad():
            for _ in range(draws):
                scores = model(x)
                e = (scores - scores.max(dim=1, keepdim=True).values).exp()
                probabilities.append(e / e.sum(dim=1, keepdim=True))
        for m, mode in was:
            m.train(mode)
        return torch.mean(torch.stack(probabilities), dim=0)
    """,
)

way(
    "SmoothedCrossEntropy",
    "the sum of scores with targets of 32 bits",
    """
    class SmoothedCrossEntropy(nn.Module):
        def __init__(self, eps=0.1):
            super().__init__()
            self.eps = eps

        def forward(self, scores, y):
            q = F.one_hot(y, scores.shape[1]) * (1 - self.eps) + self.eps / scores.shape[1]
            return (scores.logsumexp(1) - (q * scores).sum(1)).mean()
    """,
)
