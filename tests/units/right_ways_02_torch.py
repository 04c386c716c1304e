"""Right answers to the PyTorch exercises of 02-batchnorm, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "batchnorm_train",
    "two cases",
    """
    def batchnorm_train(x, gamma, beta, eps=1e-5):
        if x.dim() == 2:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            return gamma * (x - mean) / (var + eps).sqrt() + beta
        mean = x.mean(dim=(0, 2, 3), keepdim=True)
        var = ((x - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
        y = (x - mean) * torch.rsqrt(var + eps)
        return gamma[None, :, None, None] * y + beta[None, :, None, None]
    """,
)
way(
    "batchnorm_train",
    "channels last",
    """
    def batchnorm_train(x, gamma, beta, eps=1e-5):
        z = x.movedim(1, -1)
        rows = z.reshape(-1, x.shape[1])
        rows = (rows - rows.mean(0)) / torch.sqrt(torch.var(rows, 0, correction=0) + eps)
        return (rows * gamma + beta).reshape(z.shape).movedim(-1, 1)
    """,
)
way(
    "batchnorm_train",
    "transposed and flattened",
    """
    def batchnorm_train(x, gamma, beta, eps=1e-5):
        flat = x.transpose(0, 1).flatten(1)
        var, mean = torch.var_mean(flat, dim=1, correction=0, keepdim=True)
        y = gamma.unsqueeze(1) * (flat - mean) / (var + eps) ** 0.5 + beta.unsqueeze(1)
        return y.reshape(x.transpose(0, 1).shape).transpose(0, 1)
    """,
)

way(
    "update_running",
    "detached",
    """
    def update_running(running_mean, running_var, x, momentum=0.1):
        x = x.detach()
        dims = (0,) if x.ndim == 2 else (0, 2, 3)
        return (
            running_mean + momentum * (x.mean(dims) - running_mean),
            running_var + momentum * (x.var(dims) - running_var),
        )
    """,
)
way(
    "update_running",
    "decorated, biased and corrected",
    """
    @torch.no_grad()
    def update_running(running_mean, running_var, x, momentum=0.1):
        flat = x.transpose(0, 1).reshape(x.shape[1], -1)
        M = flat.shape[1]
        mean = flat.sum(1) / M
        var = ((flat - mean[:, None]) ** 2).sum(1) / (M - 1)
        return torch.lerp(running_mean, mean, momentum), torch.lerp(running_var, var, momentum)
    """,
)
way(
    "update_running",
    "copies changed in place",
    """
    def update_running(running_mean, running_var, x, momentum=0.1):
        mean, var = running_mean.clone(), running_var.clone()
        rows = x.movedim(1, -1).reshape(-1, len(mean)).data
        mean.mul_(1 - momentum).add_(rows.mean(0), alpha=momentum)
        var.mul_(1 - momentum).add_(rows.var(0, unbiased=True), alpha=momentum)
        return mean, var
    """,
)

way(
    "BatchNorm",
    "built on the two functions",
    """
    class BatchNorm(nn.Module):
        def __init__(self, num_features, eps=1e-5, momentum=0.1):
            super().__init__()
            self.eps, self.momentum = eps, momentum
            self.weight = nn.Parameter(torch.ones(num_features))
            self.bias = nn.Parameter(torch.zeros(num_features))
            self.register_buffer("running_mean", torch.zeros(num_features))
            self.register_buffer("running_var", torch.ones(num_features))
            self.register_buffer("num_batches_tracked", torch.tensor(0, dtype=torch.long))

        def forward(self, x):
            if self.training:
                self.running_mean, self.running_var = update_running(
                    self.running_mean, self.running_var, x, self.momentum
                )
                self.num_batches_tracked = self.num_batches_tracked + 1
                return batchnorm_train(x, self.weight, self.bias, self.eps)
            shape = (1, -1) + (1,) * (x.dim() - 2)
            scale = self.weight / torch.sqrt(self.running_var + self.eps)
            shift = self.bias - self.running_mean * scale
            return x * scale.view(shape) + shift.view(shape)
    """,
)
way(
    "BatchNorm",
    "rows, copy_ and no_grad",
    """
    class BatchNorm(nn.Module):
        def __init__(self, num_features, eps=1e-5, momentum=0.1):
            super().__init__()
            self.num_features, self.eps, self.momentum = num_features, eps, momentum
            self.weight = nn.Parameter(torch.empty(num_features).fill_(1.0))
            self.bias = nn.Parameter(torch.empty(num_features).zero_())
            self.register_buffer("running_mean", torch.zeros(num_features))
            self.register_buffer("running_var", torch.ones(num_features))
            self.register_buffer("num_batches_tracked", torch.zeros((), dtype=torch.int64))

        def forward(self, x):
            moved = x.movedim(1, -1)
            rows = moved.reshape(-1, self.num_features)
            mean, var = self.running_mean, self.running_var
            if self.training:
                mean, var = rows.mean(0), rows.var(0, correction=0)
                with torch.no_grad():
                    self.running_mean.copy_(self.running_mean.lerp(rows.mean(0), self.momentum))
                    self.running_var.copy_(self.running_var.lerp(rows.var(0), self.momentum))
                    self.num_batches_tracked.add_(1)
            y = self.weight * (rows - mean) / (var + self.eps) ** 0.5 + self.bias
            return y.reshape(moved.shape).movedim(-1, 1)
    """,
)
way(
    "BatchNorm",
    "detach and data",
    """
    class BatchNorm(nn.Module):
        def __init__(self, num_features, eps=1e-5, momentum=0.1):
            super().__init__()
            self.e = eps
            self.m = momentum
            self.weight = nn.Parameter(torch.ones(num_features))
            self.bias = nn.Parameter(torch.zeros(num_features))
            for name, start in (("running_mean", 0.0), ("running_var", 1.0)):
                self.register_buffer(name, torch.full((num_features,), start))
            self.register_buffer("num_batches_tracked", torch.tensor(0))

        def forward(self, x):
            dims = [0, 2, 3] if x.dim() == 4 else [0]
            up = (lambda t: t[None, :, None, None]) if x.dim() == 4 else (lambda t: t)
            if not self.training:
                mean, var = self.running_mean, self.running_var
            else:
                mean = x.mean(dims)
                var = (x - up(mean)).pow(2).mean(dims)
                M = x[:, 0].numel()
                self.running_mean = (1 - self.m) * self.running_mean + self.m * mean.detach()
                self.running_var = (1 - self.m) * self.running_var + self.m * var.detach() * M / (M - 1)
                self.num_batches_tracked += 1
            return up(self.weight) * (x - up(mean)) / torch.sqrt(up(var) + self.e) + up(self.bias)
    """,
)

way(
    "BatchNormFunction",
    "from the input, node by node",
    """
    class BatchNormFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, gamma, beta, eps):
            ctx.save_for_backward(x, gamma)
            ctx.eps = eps
            return gamma * (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + eps) + beta

        @staticmethod
        def backward(ctx, dout):
            x, gamma = ctx.saved_tensors
            N, centred = x.shape[0], x - x.mean(0)
            inv_std = (centred.pow(2).mean(0) + ctx.eps) ** -0.5
            dx_hat = dout * gamma
            dvar = (dx_hat * centred).sum(0) * -0.5 * inv_std**3
            dmu = -(dx_hat * inv_std).sum(0) + dvar * (-2 * centred).mean(0)
            dx = dx_hat * inv_std + dvar * 2 * centred / N + dmu / N
            return dx, (dout * centred * inv_std).sum(0), dout.sum(0), None
    """,
)
way(
    "BatchNormFunction",
    "kept on ctx, with means",
    """
    class BatchNormFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, gamma, beta, eps):
            ctx.r = torch.rsqrt(torch.var(x, dim=0, correction=0) + eps)
            ctx.h = (x - torch.mean(x, dim=0)) * ctx.r
            ctx.gamma = gamma
            return torch.addcmul(beta, gamma, ctx.h)

        @staticmethod
        def backward(ctx, dout):
            d = dout * ctx.gamma
            dx = ctx.r * (d - d.mean(0) - ctx.h * (d * ctx.h).mean(0))
            return dx, torch.sum(dout * ctx.h, 0), torch.sum(dout, 0), None
    """,
)
way(
    "BatchNormFunction",
    "only the gradients that are needed",
    """
    class BatchNormFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, gamma, beta, eps):
            std = (x.var(0, correction=0) + eps).sqrt()
            x_hat = (x - x.mean(0)) / std
            ctx.save_for_backward(x_hat, gamma, std)
            return x_hat * gamma + beta

        @staticmethod
        def backward(ctx, dout):
            x_hat, gamma, std = ctx.saved_tensors
            dx = dgamma = dbeta = None
            if ctx.needs_input_grad[0]:
                N = dout.size(0)
                dx = gamma / (N * std) * (N * dout - dout.sum(0) - x_hat * (dout * x_hat).sum(0))
            if ctx.needs_input_grad[1]:
                dgamma = torch.einsum("nd,nd->d", dout, x_hat)
            if ctx.needs_input_grad[2]:
                dbeta = dout.sum(0)
            return dx, dgamma, dbeta, None
    """,
)

way(
    "convert_to_torch",
    "a list",
    """
    def convert_to_torch(momentum, running_var, n):
        return [1.0 - momentum, n * running_var / (n - 1)]
    """,
)
way(
    "convert_to_torch",
    "tensors",
    """
    def convert_to_torch(momentum, running_var, n):
        sum_of_squares = torch.as_tensor(running_var) * n
        return torch.tensor(1 - momentum, dtype=torch.float64), sum_of_squares / (n - 1)
    """,
)
way(
    "convert_to_torch",
    "Bessel's factor",
    """
    def convert_to_torch(momentum, running_var, n):
        bessel = 1 / (1 - 1 / n)
        return -(momentum - 1), running_var * bessel
    """,
)

way(
    "fold_batchnorm",
    "two cases",
    """
    def fold_batchnorm(weight, bias, bn_weight, bn_bias, running_mean, running_var, eps=1e-5):
        scale = bn_weight * torch.rsqrt(running_var + eps)
        if weight.dim() == 2:
            folded = torch.diag(scale) @ weight
        else:
            folded = weight * scale[:, None, None, None]
        shift = bn_bias - running_mean * scale
        return folded, shift if bias is None else shift + bias * scale
    """,
)
way(
    "fold_batchnorm",
    "output by output",
    """
    def fold_batchnorm(weight, bias, bn_weight, bn_bias, running_mean, running_var, eps=1e-5):
        new_weight, new_bias = weight.clone(), bn_bias.clone()
        for j in range(len(bn_bias)):
            s = bn_weight[j] / (running_var[j] + eps) ** 0.5
            new_weight[j] *= s
            b = 0.0 if bias is None else bias[j]
            new_bias[j] += s * (b - running_mean[j])
        return new_weight, new_bias
    """,
)
way(
    "fold_batchnorm",
    "flattened",
    """
    def fold_batchnorm(weight, bias, bn_weight, bn_bias, running_mean, running_var, eps=1e-5):
        bias = 0 if bias is None else bias
        std = torch.sqrt(running_var + eps)
        flat = (bn_weight / std).unsqueeze(1) * weight.flatten(1)
        return flat.reshape(weight.shape), bn_weight * (bias - running_mean) / std + bn_bias
    """,
)

way(
    "freeze_batchnorm",
    "parameter by parameter",
    """
    def freeze_batchnorm(model):
        for layer in model.modules():
            if isinstance(layer, LIBRARY_LAYERS):
                layer.train(False)
                for p in layer.parameters():
                    p.requires_grad = False
        return model
    """,
)
way(
    "freeze_batchnorm",
    "recursively",
    """
    def freeze_batchnorm(model):
        for child in model.children():
            if isinstance(child, LIBRARY_LAYERS):
                child.eval().requires_grad_(False)
            freeze_batchnorm(child)
    """,
)
way(
    "freeze_batchnorm",
    "with apply",
    """
    def freeze_batchnorm(model):
        def stop(module):
            if "BatchNorm" in type(module).__name__:
                module.training = False
                module.weight.requires_grad_(False)
                module.bias.requires_grad_(False)

        model.apply(stop)
    """,
)
