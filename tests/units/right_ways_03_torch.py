"""Right answers to the PyTorch exercises of 03-normalization-family, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways
from tests.units.right_ways_03_torch_models import WAYS as OF_MODELS

WAYS = Ways(OF_MODELS)
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
    "LayerNorm",
    "the affine part in a layer of its own",
    """
    class Affine(nn.Module):
        def __init__(self, shape):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))

        def forward(self, x):
            return self.weight * x + self.bias


    class LayerNorm(nn.Module):
        def __init__(self, shape, eps=1e-5):
            super().__init__()
            self.affine, self.eps = Affine(shape), eps

        def forward(self, x):
            last = [-k - 1 for k in range(self.affine.weight.dim())]
            x = x - x.mean(last, keepdim=True)
            return self.affine(x / ((x * x).mean(last, keepdim=True) + self.eps) ** 0.5)
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
    "InstanceNorm",
    "a group normalization inside",
    """
    class InstanceNorm(nn.Module):
        def __init__(self, channels, eps=1e-5):
            super().__init__()
            self.norm = GroupNorm(channels, channels, eps)

        def forward(self, x):
            if x[0, 0].numel() == 1:
                raise ValueError("one pixel per channel is too little")
            return self.norm(x)
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
