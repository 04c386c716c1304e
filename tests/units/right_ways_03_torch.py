"""Right answers to the PyTorch exercises of 03-normalization-family, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "LayerNorm",
    "flattened, by hand",
    """
    class LayerNorm(nn.Module):
        def __init__(self, shape, eps=1e-5):
            super().__init__()
            self.shape = torch.Size([shape]) if isinstance(shape, int) else torch.Size(shape)
            self.eps = eps
            self.weight = nn.Parameter(torch.ones(*self.shape))
            self.bias = nn.Parameter(torch.zeros(*self.shape))

        def forward(self, x):
            rows = x.flatten(-len(self.shape))
            centred = rows - rows.mean(-1, keepdim=True)
            x_hat = centred * (centred.square().mean(-1, keepdim=True) + self.eps).rsqrt()
            return x_hat.view_as(x) * self.weight + self.bias
    """,
)
way(
    "LayerNorm",
    "torch.var_mean, a list of axes",
    """
    class LayerNorm(nn.Module):
        def __init__(self, shape, eps=1e-5):
            super(LayerNorm, self).__init__()
            try:
                shape = list(shape)
            except TypeError:
                shape = [shape]
            self.eps, self.axes = eps, [-k for k in range(1, len(shape) + 1)]
            self.register_parameter("weight", nn.Parameter(torch.full(shape, 1.0)))
            self.register_parameter("bias", nn.Parameter(torch.full(shape, 0.0)))

        def forward(self, x):
            var, mean = torch.var_mean(x, dim=self.axes, correction=0, keepdim=True)
            return torch.addcmul(self.bias, self.weight, (x - mean) / (var + self.eps) ** 0.5)
    """,
)
way(
    "LayerNorm",
    "unbiased variance, taken back",
    """
    class LayerNorm(nn.Module):
        def __init__(self, shape, eps=1e-5):
            super().__init__()
            self.n_axes = 1 if isinstance(shape, int) else len(shape)
            self.weight = nn.Parameter(torch.ones(shape))
            self.bias = nn.Parameter(torch.zeros(shape))
            self.eps = eps

        def forward(self, x):
            dims = tuple(range(x.ndim - self.n_axes, x.ndim))
            m = self.weight.numel()
            var = x.var(dims, keepdim=True) * (m - 1) / m
            return (x - x.mean(dims, keepdim=True)) / torch.sqrt(var + self.eps) * self.weight + self.bias
    """,
)

way(
    "GroupNorm",
    "five axes",
    """
    class GroupNorm(nn.Module):
        def __init__(self, groups, channels, eps=1e-5):
            super().__init__()
            if channels % groups != 0:
                raise ValueError(f"groups = {groups} does not divide channels = {channels}.")
            self.groups, self.channels, self.eps = groups, channels, eps
            self.weight = nn.Parameter(torch.ones(channels))
            self.bias = nn.Parameter(torch.zeros(channels))

        def forward(self, x):
            N, C, H, W = x.shape
            z = x.view(N, self.groups, C // self.groups, H, W)
            mean, var = z.mean((2, 3, 4), keepdim=True), z.var((2, 3, 4), unbiased=False, keepdim=True)
            z = ((z - mean) / (var + self.eps).sqrt()).view(N, C, H, W)
            return z * self.weight[:, None, None] + self.bias[:, None, None]
    """,
)
way(
    "GroupNorm",
    "group by group",
    """
    class GroupNorm(nn.Module):
        def __init__(self, groups, channels, eps=1e-5):
            super().__init__()
            self.size, rest = divmod(channels, groups)
            if rest:
                raise ValueError("%d groups cannot share %d channels" % (groups, channels))
            self.eps = eps
            self.weight = nn.Parameter(torch.ones(channels))
            self.bias = nn.Parameter(torch.zeros(channels))

        def forward(self, x):
            parts = []
            for part in x.split(self.size, dim=1):
                centred = part - part.mean(dim=(1, 2, 3), keepdim=True)
                var = (centred**2).mean(dim=(1, 2, 3), keepdim=True)
                parts.append(centred / torch.sqrt(var + self.eps))
            return torch.cat(parts, dim=1) * self.weight.reshape(1, -1, 1, 1) + self.bias.reshape(1, -1, 1, 1)
    """,
)
way(
    "GroupNorm",
    "an error of its own kind, unflattened",
    """
    class Uneven(ValueError):
        pass


    class GroupNorm(nn.Module):
        def __init__(self, groups, channels, eps=1e-5):
            super().__init__()
            if channels != groups * (channels // groups):
                raise Uneven(f"expected channels that {groups} groups can share, got {channels}")
            self.G, self.eps = groups, eps
            self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

        def forward(self, x):
            z = x.unflatten(1, (self.G, -1))
            var, mean = torch.var_mean(z, dim=(-3, -2, -1), correction=0, keepdim=True)
            z = ((z - mean) * torch.rsqrt(var + self.eps)).flatten(1, 2)
            return torch.einsum("nchw,c->nchw", z, self.weight) + self.bias.view(1, -1, 1, 1)
    """,
)

way(
    "InstanceNorm",
    "flattened pixels",
    """
    class InstanceNorm(nn.Module):
        def __init__(self, channels, eps=1e-5):
            super().__init__()
            self.eps = eps
            self.weight = nn.Parameter(torch.ones(channels))
            self.bias = nn.Parameter(torch.zeros(channels))

        def forward(self, x):
            pixels = x.flatten(2)
            if pixels.shape[-1] < 2:
                raise ValueError("maps of one pixel cannot be normalized")
            centred = pixels - pixels.mean(2, keepdim=True)
            z = centred / torch.sqrt((centred * centred).mean(2, keepdim=True) + self.eps)
            return (z * self.weight[:, None] + self.bias[:, None]).view(x.shape)
    """,
)
way(
    "InstanceNorm",
    "group normalization with groups of one channel",
    """
    class InstanceNorm(GroupNorm):
        def __init__(self, channels, eps=1e-5):
            super().__init__(channels, channels, eps)

        def forward(self, x):
            if x.shape[2:].numel() == 1:
                raise ValueError(f"maps of one pixel came: {tuple(x.shape)}")
            return super().forward(x)
    """,
)
way(
    "InstanceNorm",
    "var_mean, both lengths asked",
    """
    class InstanceNorm(nn.Module):
        def __init__(self, channels, eps=1e-5):
            super().__init__()
            self.weight = nn.Parameter(torch.ones((channels,)))
            self.bias = nn.Parameter(torch.zeros((channels,)))
            self.eps = eps

        def forward(self, x):
            N, C, H, W = x.shape
            if H == 1 and W == 1:
                raise ValueError("more than one pixel is needed, shape is " + str(tuple(x.shape)))
            var, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
            gain = self.weight.view(1, C, 1, 1) / (var + self.eps).sqrt()
            return gain * (x - mean) + self.bias.view(1, C, 1, 1)
    """,
)

way(
    "GroupNormFunction",
    "sums over five axes",
    """
    class GroupNormFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, gamma, beta, groups, eps):
            N, C, H, W = x.shape
            z = x.reshape(N, groups, C // groups, H, W)
            mean = z.mean(dim=(2, 3, 4), keepdim=True)
            std = torch.sqrt(z.var(dim=(2, 3, 4), correction=0, keepdim=True) + eps)
            ctx.save_for_backward(x, gamma, mean, std)
            ctx.groups = groups
            return ((z - mean) / std).reshape(x.shape) * gamma[:, None, None] + beta[:, None, None]

        @staticmethod
        def backward(ctx, dout):
            x, gamma, mean, std = ctx.saved_tensors
            N, C, H, W = x.shape
            five = (N, ctx.groups, C // ctx.groups, H, W)
            z = (x.reshape(five) - mean) / std
            m = C // ctx.groups * H * W
            g = (dout * gamma[:, None, None]).reshape(five)
            dz = m * g - g.sum((2, 3, 4), keepdim=True) - z * (g * z).sum((2, 3, 4), keepdim=True)
            dgamma = torch.einsum("nchw,nchw->c", dout, z.reshape(x.shape))
            return (dz / std / m).reshape(x.shape), dgamma, dout.sum((0, 2, 3)), None, None
    """,
)
way(
    "GroupNormFunction",
    "path by path",
    """
    class GroupNormFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, gamma, beta, groups, eps):
            z = x.flatten(1).view(x.shape[0], groups, -1)
            centred = z - z.mean(-1, keepdim=True)
            var = centred.square().mean(-1, keepdim=True) + eps
            ctx.save_for_backward(centred, var, gamma)
            x_hat = (centred / var.sqrt()).view(x.shape)
            return x_hat * gamma.view(1, -1, 1, 1) + beta.view(1, -1, 1, 1)

        @staticmethod
        def backward(ctx, dout):
            centred, var, gamma = ctx.saved_tensors
            m = centred.shape[-1]
            g = (dout * gamma.view(1, -1, 1, 1)).reshape(centred.shape)
            dvar = (g * centred).sum(-1, keepdim=True) * -0.5 * var**-1.5
            dcentred = g / var.sqrt() + 2 * dvar * centred / m
            dx = dcentred - dcentred.mean(-1, keepdim=True)
            x_hat = (centred / var.sqrt()).view(dout.shape)
            return dx.view(dout.shape), (dout * x_hat).sum((0, 2, 3)), dout.sum((0, 2, 3)), None, None
    """,
)
way(
    "GroupNormFunction",
    "autograd once more in backward",
    """
    class GroupNormFunction(torch.autograd.Function):
        @staticmethod
        def formula(x, gamma, beta, groups, eps):
            z = x.reshape(x.shape[0], groups, -1)
            var, mean = torch.var_mean(z, dim=2, correction=0, keepdim=True)
            x_hat = ((z - mean) / torch.sqrt(var + eps)).reshape(x.shape)
            return x_hat * gamma.reshape(-1, 1, 1) + beta.reshape(-1, 1, 1)

        @staticmethod
        def forward(ctx, x, gamma, beta, groups, eps):
            ctx.save_for_backward(x, gamma, beta)
            ctx.rest = (groups, eps)
            return GroupNormFunction.formula(x, gamma, beta, groups, eps)

        @staticmethod
        def backward(ctx, dout):
            leaves = [t.detach().requires_grad_() for t in ctx.saved_tensors]
            with torch.enable_grad():
                y = GroupNormFunction.formula(*leaves, *ctx.rest)
            return *torch.autograd.grad(y, leaves, dout), None, None
    """,
)

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
    "torch.cov, buffers replaced",
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
