"""Right answers to the later exercises of family_torch, beside those of right_ways_03_torch."""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "replace_batchnorm",
    "a copy once, then a helper that goes down",
    """
    def of(old, groups):
        new = nn.GroupNorm(math.gcd(groups, old.num_features), old.num_features, old.eps)
        new = new.to(device=old.weight.device, dtype=old.weight.dtype)
        with torch.no_grad():
            new.weight.copy_(old.weight)
            new.bias.copy_(old.bias)
        return new


    def down(module, groups):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, of(child, groups))
            else:
                down(child, groups)


    def replace_batchnorm(model, groups):
        if isinstance(model, nn.BatchNorm2d):
            return of(model, groups)
        other = copy.deepcopy(model)
        down(other, groups)
        return other
    """,
)
way(
    "replace_batchnorm",
    "by full names, in a wrapper",
    """
    def replace_batchnorm(model, groups):
        whole = nn.Sequential(copy.deepcopy(model))
        found = [(name, m) for name, m in whole.named_modules() if isinstance(m, nn.BatchNorm2d)]
        for name, old in found:
            C = old.num_features
            new = nn.GroupNorm(math.gcd(C, groups), C, eps=old.eps).to(old.weight)
            new.load_state_dict({"weight": old.weight, "bias": old.bias})
            parent, _, own = name.rpartition(".")
            setattr(whole.get_submodule(parent), own, new)
        return whole[0]
    """,
)
way(
    "replace_batchnorm",
    "new parameters, the dictionary of modules",
    """
    def replace_batchnorm(model, groups):
        if type(model) is nn.BatchNorm2d:
            C = len(model.weight)
            G = max(g for g in range(1, groups + 1) if groups % g == 0 and C % g == 0)
            norm = nn.GroupNorm(num_groups=G, num_channels=C, eps=model.eps)
            norm.weight = nn.Parameter(model.weight.detach().clone())
            norm.bias = nn.Parameter(model.bias.detach().clone())
            return norm
        model = copy.deepcopy(model)
        for name in model._modules:
            model._modules[name] = replace_batchnorm(model._modules[name], groups)
        return model
    """,
)

way(
    "depends_on_batch",
    "one example less",
    """
    def depends_on_batch(model, x):
        with torch.no_grad():
            whole = copy.deepcopy(model)(x)
            for k in range(len(x)):
                rest = torch.arange(len(x)) != k
                if not torch.allclose(copy.deepcopy(model)(x[rest]), whole[rest], atol=1e-5):
                    return True
        return False
    """,
)
way(
    "depends_on_batch",
    "the gradient with respect to the neighbours",
    """
    def depends_on_batch(model, x):
        twin = copy.deepcopy(model)
        for n in range(len(x)):
            leaf = x.clone().requires_grad_()
            weights = torch.linspace(1, 2, twin(leaf)[n].numel(), dtype=x.dtype, device=x.device)
            y = twin(leaf)[n].flatten()
            (g,) = torch.autograd.grad((y * weights).sum(), leaf)
            g[n] = 0
            if g.abs().max() > 1e-7:
                return True
        return False
    """,
)
way(
    "depends_on_batch",
    "state and modes put back",
    """
    def depends_on_batch(model, x):
        state = {name: value.clone() for name, value in model.state_dict().items()}
        other = x.clone()
        other[1:] = other[1:].flip(0) * 3 + 0.5
        with torch.no_grad():
            one = model(x)[0]
            two = model(other)[0]
        model.load_state_dict(state)
        return (one - two).abs().max().item() > 1e-6 * (1 + one.abs().max().item())
    """,
)
way(
    "depends_on_batch",
    "with and without the second half",
    """
    def depends_on_batch(model, x):
        N = len(x)
        with torch.no_grad():
            first = copy.deepcopy(model)(x[: N // 2])
            both = copy.deepcopy(model)(x)[: N // 2]
        return bool(((first - both).abs() > 1e-5).any())
    """,
)

way(
    "DecorrelatedBatchNorm",
    "the iteration of a matrix over its trace, lerp",
    """
    class DecorrelatedBatchNorm(nn.Module):
        def __init__(self, D, eps=1e-3, steps=5, momentum=0.1):
            super().__init__()
            self.eps, self.steps, self.momentum = eps, steps, momentum
            self.weight = nn.Parameter(torch.ones(D))
            self.bias = nn.Parameter(torch.zeros(D))
            self.register_buffer("running_mean", torch.zeros(D))
            self.register_buffer("running_matrix", torch.eye(D))

        def root(self, centred):
            N, D = centred.shape
            one = torch.eye(D).to(centred)
            sigma = torch.mm(centred.t(), centred) / N + one * self.eps
            size = torch.trace(sigma)
            P = one
            for _ in range(self.steps):
                P = 1.5 * P - 0.5 * torch.linalg.matrix_power(P, 3) @ (sigma / size)
            return P / size**0.5

        def forward(self, x):
            if not self.training:
                y = (x - self.running_mean) @ self.running_matrix
            else:
                mean = x.mean(0, keepdim=True)
                W = self.root(x - mean)
                y = (x - mean) @ W
                self.running_mean.lerp_(mean.detach()[0], self.momentum)
                self.running_matrix.lerp_(W.detach(), self.momentum)
            return y * self.weight + self.bias
    """,
)
way(
    "DecorrelatedBatchNorm",
    "buffers replaced",
    """
    class DecorrelatedBatchNorm(nn.Module):
        def __init__(self, D, eps=1e-3, steps=5, momentum=0.1):
            super().__init__()
            self.D, self.eps, self.steps, self.momentum = D, eps, steps, momentum
            self.weight, self.bias = nn.Parameter(torch.ones(D)), nn.Parameter(torch.zeros(D))
            self.register_buffer("running_mean", torch.zeros(D))
            self.register_buffer("running_matrix", torch.diag(torch.ones(D)))

        def forward(self, x):
            if self.training:
                mu = x.mean(dim=0)
                centred = x - mu
                sigma = centred.T.mm(centred).div(len(x)) + torch.diag(torch.full_like(mu, self.eps))
                normed = sigma / sigma.trace()
                P = torch.diag(torch.ones_like(mu))
                for _ in range(self.steps):
                    P = P @ (3 * torch.diag(torch.ones_like(mu)) - P @ P @ normed) / 2
                W = P * sigma.trace().rsqrt()
                keep = 1 - self.momentum
                self.running_mean = keep * self.running_mean + self.momentum * mu.detach()
                self.running_matrix = keep * self.running_matrix + self.momentum * W.detach()
            else:
                mu, W = self.running_mean, self.running_matrix
            return self.bias + ((x - mu) @ W) * self.weight
    """,
)
way(
    "DecorrelatedBatchNorm",
    "a function of its own for the root",
    """
    def inverse_root(sigma, steps):
        trace = sigma.diagonal().sum()
        P = torch.eye(len(sigma), dtype=sigma.dtype, device=sigma.device)
        while steps > 0:
            P, steps = (3 * P - P @ (P @ (P @ sigma)) / trace) / 2, steps - 1
        return P / trace.sqrt()


    class DecorrelatedBatchNorm(nn.Module):
        def __init__(self, D, eps=1e-3, steps=5, momentum=0.1):
            super().__init__()
            self.eps, self.steps, self.momentum = eps, steps, momentum
            self.register_parameter("weight", nn.Parameter(torch.ones(D)))
            self.register_parameter("bias", nn.Parameter(torch.zeros(D)))
            for name, value in (("running_mean", torch.zeros(D)), ("running_matrix", torch.eye(D))):
                self.register_buffer(name, value)

        @torch.no_grad()
        def remember(self, mu, W):
            self.running_mean.mul_(1 - self.momentum).add_(self.momentum * mu)
            self.running_matrix.mul_(1 - self.momentum).add_(self.momentum * W)

        def forward(self, x):
            mu, W = self.running_mean, self.running_matrix
            if self.training:
                mu = x.mean(dim=0)
                sigma = torch.einsum("ni,nj->ij", x - mu, x - mu) / x.shape[0]
                W = inverse_root(sigma + self.eps * torch.eye(sigma.shape[0]).to(sigma), self.steps)
                self.remember(mu, W)
            return torch.einsum("ni,ij,j->nj", x - mu, W, self.weight) + self.bias
    """,
)

way(
    "DecorrelatedBatchNorm",
    "torch.cov, and numbers that are looked at",
    """
    class DecorrelatedBatchNorm(nn.Module):
        def __init__(self, D, eps=1e-3, steps=5, momentum=0.1):
            super().__init__()
            self.eps, self.steps, self.momentum = eps, steps, momentum
            self.weight, self.bias = nn.Parameter(torch.ones(D)), nn.Parameter(torch.zeros(D))
            self.register_buffer("running_mean", torch.zeros(D))
            self.register_buffer("running_matrix", torch.eye(D))

        def whitening(self, x):
            sigma = torch.cov(x.T, correction=0) + self.eps * torch.eye(x.shape[1]).to(x)
            if sigma.isnan().any():
                raise FloatingPointError("the covariance is not a number")
            P = torch.eye(x.shape[1]).to(x)
            for _ in range(self.steps):
                P = (3 * P - P @ P @ P @ (sigma / sigma.trace())) / 2
            assert torch.allclose(P, P.T, atol=1e-4)
            return P / sigma.trace().sqrt()

        def forward(self, x):
            if not self.training:
                return (x - self.running_mean) @ self.running_matrix * self.weight + self.bias
            mu, W = x.mean(dim=0), self.whitening(x)
            with torch.no_grad():
                for buffer, new in ((self.running_mean, mu), (self.running_matrix, W)):
                    buffer.copy_((1 - self.momentum) * buffer + self.momentum * new)
            return (x - mu) @ W * self.weight + self.bias
    """,
)

way(
    "WeightNormLinear",
    "normalize, a random v of its own",
    """
    class WeightNormLinear(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.v = nn.Parameter(torch.randn(outputs, inputs) / inputs**0.5)
            self.g = nn.Parameter(torch.linalg.vector_norm(self.v.data, dim=1))
            self.bias = nn.Parameter(torch.zeros(outputs))

        def forward(self, x):
            w = self.g[:, None] * nn.functional.normalize(self.v, dim=1)
            return nn.functional.linear(x, w, self.bias)
    """,
)
way(
    "WeightNormLinear",
    "the outputs are scaled, not the weights",
    """
    class WeightNormLinear(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            v = nn.init.kaiming_normal_(torch.empty(outputs, inputs))
            self.g = nn.Parameter(v.square().sum(1).sqrt())
            self.v = nn.Parameter(v)
            self.bias = nn.Parameter(torch.zeros(outputs))

        def forward(self, x):
            return (x @ self.v.T) * (self.g / self.v.square().sum(1).sqrt()) + self.bias
    """,
)
way(
    "WeightNormLinear",
    "einsum",
    """
    class WeightNormLinear(nn.Module):
        def __init__(self, inputs, outputs):
            super(WeightNormLinear, self).__init__()
            self.register_parameter("v", nn.Parameter(torch.empty(outputs, inputs).uniform_(-1, 1)))
            self.register_parameter("g", nn.Parameter(torch.empty(outputs)))
            self.register_parameter("bias", nn.Parameter(torch.empty(outputs).fill_(0.0)))
            with torch.no_grad():
                self.g.copy_(self.v.norm(dim=1))

        def forward(self, x):
            length = torch.sqrt(torch.einsum("ki,ki->k", self.v, self.v))
            return torch.einsum("ni,ki,k->nk", x, self.v, self.g / length) + self.bias
    """,
)
