"""Right answers to the PyTorch exercises of 01-normalization, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "images_to_tensor",
    "axis moved, multiplied",
    """
    def images_to_tensor(images):
        return images.movedim(-1, 1).to(torch.float32) * (1 / 255)
    """,
)
way(
    "images_to_tensor",
    "transposed twice, contiguous",
    """
    def images_to_tensor(images):
        turned = images.transpose(2, 3).transpose(1, 2)
        return (turned / 255.0).contiguous()
    """,
)
way(
    "images_to_tensor",
    "channel by channel",
    """
    def images_to_tensor(images):
        channels = [images[..., c].float().div(255) for c in range(images.shape[-1])]
        return torch.stack(channels, dim=1)
    """,
)
way(
    "images_to_tensor",
    "rearranged by einsum",
    """
    def images_to_tensor(images):
        return torch.einsum("nhwc->nchw", images.float() / 255)
    """,
)

way(
    "loader_stats",
    "sums of squares in float64",
    """
    def loader_stats(loader):
        n, total, squares = 0, 0, 0
        for x, _ in loader:
            x = x.double()
            n += x.numel() // x.shape[1]
            total = total + x.sum(dim=(0, 2, 3))
            squares = squares + (x * x).sum(dim=(0, 2, 3))
        mean = total / n
        return mean, (squares / n - mean**2).sqrt()
    """,
)
way(
    "loader_stats",
    "everything at once",
    """
    def loader_stats(loader):
        x = torch.cat([images for images, labels in loader]).double()
        std, mean = torch.std_mean(x, dim=(0, 2, 3), correction=0)
        return mean, std
    """,
)
way(
    "loader_stats",
    "weighted by images, variances",
    """
    def loader_stats(loader):
        seen = 0
        for x, labels in loader:
            pixels = x.float().transpose(0, 1).flatten(1)
            var_b, mean_b = torch.var_mean(pixels, dim=1, unbiased=False)
            if seen == 0:
                mean, var = mean_b, var_b
            else:
                share = len(x) / (seen + len(x))
                var = (1 - share) * var + share * var_b + share * (1 - share) * (mean_b - mean) ** 2
                mean = torch.lerp(mean, mean_b, share)
            seen += len(x)
        return mean, var**0.5
    """,
)
way(
    "loader_stats",
    "shifted by the first mean",
    """
    def loader_stats(loader):
        shift, n = None, 0
        for x, _ in loader:
            x = x.to(torch.float32)
            if shift is None:
                shift = x.mean((0, 2, 3), keepdim=True)
                first, second = torch.zeros_like(shift), torch.zeros_like(shift)
            d = x - shift
            n += x[:, 0].numel()
            first = first + d.sum((0, 2, 3), keepdim=True)
            second = second + d.square().sum((0, 2, 3), keepdim=True)
        mean, var = shift + first / n, second / n - (first / n) ** 2
        return mean.flatten(), var.sqrt().flatten()
    """,
)

way(
    "Standardize",
    "two cases, a safe deviation kept",
    """
    class Standardize(nn.Module):
        def __init__(self, mean, std):
            super().__init__()
            self.register_buffer("mean", mean.clone())
            self.register_buffer("std", std.masked_fill(std == 0, 1.0))

        def forward(self, x):
            kind = x.dtype if x.is_floating_point() else self.mean.dtype
            if x.dim() == 2:
                return ((x - self.mean) / self.std).to(kind)
            return ((x - self.mean[:, None, None]) / self.std[:, None, None]).to(kind)

        def inverse(self, z):
            if z.dim() == 2:
                return z * self.std + self.mean
            return z * self.std[:, None, None] + self.mean[:, None, None]
    """,
)
way(
    "Standardize",
    "channels last",
    """
    class Standardize(nn.Module):
        def __init__(self, mean, std):
            super().__init__()
            self.register_buffer("mean", torch.as_tensor(mean))
            self.register_buffer("std", torch.as_tensor(std))

        def safe(self):
            return torch.where(self.std == 0, torch.ones_like(self.std), self.std)

        def forward(self, x):
            z = ((x.movedim(1, -1) - self.mean) / self.safe()).movedim(-1, 1)
            return z.type(x.dtype) if torch.is_floating_point(x) else z

        def inverse(self, z):
            return torch.addcmul(self.mean, z.movedim(1, -1), self.safe()).movedim(-1, 1)
    """,
)
way(
    "Standardize",
    "scale and shift, a given type",
    """
    class Standardize(nn.Module):
        def __init__(self, mean, std):
            super().__init__()
            for name, value in (("mean", mean), ("std", std)):
                self.register_buffer(name, value.detach().clone())

        def prepared(self, like):
            std = self.std + (self.std == 0)
            up = (..., None, None) if like.dim() == 4 else (...,)
            return self.mean[up], std[up]

        def forward(self, x):
            if not x.is_floating_point():
                x = x.to(self.mean.dtype)
            mean, std = self.prepared(x)
            return x.sub(mean).div(std).to(x.dtype)

        def inverse(self, z):
            mean, std = self.prepared(z)
            return z.mul(std).add(mean).to(z.dtype)
    """,
)

way(
    "Standardize",
    "single precision on the way",
    """
    class Standardize(nn.Module):
        def __init__(self, mean, std):
            super().__init__()
            self.register_buffer("mean", mean)
            self.register_buffer("std", std)

        def forward(self, x):
            up = [1, len(self.mean)] + [1] * (x.ndim - 2)
            safe = torch.where(self.std == 0, 1.0, self.std).reshape(up)
            z = (x.float() - self.mean.reshape(up)) / safe
            return z.to(x.dtype if x.dtype.is_floating_point else self.mean.dtype)

        def inverse(self, z):
            up = [1, len(self.mean)] + [1] * (z.ndim - 2)
            return z * torch.where(self.std == 0, 1.0, self.std).reshape(up) + self.mean.reshape(up)
    """,
)

way(
    "Standardize",
    "a bound for std, double precision on the way",
    """
    class Standardize(nn.Module):
        def __init__(self, mean, std):
            super().__init__()
            self.register_buffer("mean", mean)
            self.register_buffer("std", std)

        def moved(self, x, step):
            std = torch.where(self.std < 1e-6, 1.0, self.std.double())
            columns = x.double().transpose(1, -1)
            return step(columns, self.mean.double(), std).transpose(1, -1)

        def forward(self, x):
            z = self.moved(x, lambda x, mean, std: (x - mean) / std)
            return z.to(x.dtype if x.is_floating_point() else self.mean.dtype)

        def inverse(self, z):
            return self.moved(z, lambda z, mean, std: mean + std * z)
    """,
)

way(
    "fold_standardization",
    "two cases",
    """
    def fold_standardization(weight, bias, mean, std):
        if weight.dim() == 2:
            new = weight @ torch.diag(1 / std)
            moved = new @ mean
        else:
            new = weight / std[:, None, None]
            moved = torch.einsum("oihw,i->o", new, mean)
        return new, -moved if bias is None else bias - moved
    """,
)
way(
    "fold_standardization",
    "channel by channel",
    """
    def fold_standardization(weight, bias, mean, std):
        new_weight = weight.clone()
        new_bias = torch.zeros_like(weight[:, 0].flatten(1)[:, 0]) if bias is None else bias.clone()
        for i in range(len(mean)):
            new_weight[:, i] /= std[i]
            new_bias -= mean[i] * new_weight[:, i].reshape(len(weight), -1).sum(1)
        return new_weight, new_bias
    """,
)
way(
    "fold_standardization",
    "the layer itself, asked about zero",
    """
    def fold_standardization(weight, bias, mean, std):
        flat = weight.reshape(weight.shape[0], weight.shape[1], -1)
        bias = 0 if bias is None else bias
        at_zero = bias + flat.sum(2) @ (-mean / std)
        return (flat / std.reshape(1, -1, 1)).reshape(weight.shape), at_zero
    """,
)

way(
    "fold_standardization",
    "single precision on the way",
    """
    def fold_standardization(weight, bias, mean, std):
        up = (1, -1) + (1,) * (weight.ndim - 2)
        new = weight.float() / std.float().reshape(up)
        moved = (new * mean.float().reshape(up)).sum(dim=tuple(range(1, weight.ndim)))
        old = torch.zeros_like(moved) if bias is None else bias.float()
        return new.to(weight.dtype), (old - moved).to(weight.dtype)
    """,
)

way(
    "global_contrast",
    "flattened, a variance without correction",
    """
    def global_contrast(x, scale=1.0, lam=0.0, eps=1e-8):
        rows = x.flatten(1)
        var, mean = torch.var_mean(rows, dim=1, correction=0, keepdim=True)
        divisor = torch.maximum((var + lam).sqrt(), torch.full_like(var, eps))
        return (scale * (rows - mean) / divisor).reshape(x.shape)
    """,
)
way(
    "global_contrast",
    "image by image",
    """
    def global_contrast(x, scale=1.0, lam=0.0, eps=1e-8):
        done = []
        for image in x:
            centred = image - image.mean()
            contrast = (lam + centred.square().mean()).sqrt()
            done.append(scale * centred / max(contrast, eps))
        return torch.stack(done)
    """,
)
way(
    "global_contrast",
    "chosen by where",
    """
    def global_contrast(x, scale=1.0, lam=0.0, eps=1e-8):
        n = x[0].numel()
        d = x - (x.sum((1, 2, 3)) / n)[:, None, None, None]
        c = (lam + torch.einsum("nchw,nchw->n", d, d) / n) ** 0.5
        c = torch.where(c > eps, c, eps)
        return d * (scale / c).view(-1, 1, 1, 1)
    """,
)

way(
    "global_contrast",
    "the limit as a tensor of one number",
    """
    def global_contrast(x, scale=1.0, lam=0.0, eps=1e-8):
        centred = x - x.mean((1, 2, 3), keepdim=True)
        contrast = torch.sqrt(lam + x.var((1, 2, 3), correction=0, keepdim=True))
        return centred * scale / torch.maximum(contrast, torch.tensor(eps))
    """,
)

way(
    "global_contrast",
    "single precision on the way",
    """
    def global_contrast(x, scale=1.0, lam=0.0, eps=1e-8):
        d = x.float()
        d = d - d.mean(dim=(1, 2, 3), keepdim=True)
        contrast = (lam + d.pow(2).mean(dim=(1, 2, 3), keepdim=True)) ** 0.5
        return (scale * d / contrast.clamp(min=eps)).to(x.dtype)
    """,
)

way(
    "local_contrast",
    "unfolded windows, two passes",
    """
    def local_contrast(x, radius, eps):
        N, C, H, W = x.shape
        side = 2 * radius + 1

        def windows(values):
            columns = nn.functional.unfold(values.reshape(N * C, 1, H, W), side, padding=radius)
            return columns.reshape(N, C, side * side, H, W)

        inside = windows(torch.ones_like(x))
        count = inside.sum(2)
        mean = windows(x).sum(2) / count
        var = (inside * (windows(x) - mean.unsqueeze(2)) ** 2).sum(2) / count
        return (x - mean) / (var + eps) ** 0.5
    """,
)
way(
    "local_contrast",
    "a convolution with ones, channel by channel",
    """
    def local_contrast(x, radius, eps):
        C, side = x.shape[1], 2 * radius + 1
        ones = torch.ones_like(x[:1, :1, :1, :1]).expand(C, 1, side, side)

        def total(values):
            return nn.functional.conv2d(values, ones, padding=radius, groups=C)

        count = total(torch.ones_like(x))
        x = x - x.mean((2, 3), keepdim=True)
        mean = total(x) / count
        var = torch.relu(total(x * x) / count - mean * mean)
        return (x - mean) * torch.rsqrt(var + eps)
    """,
)
way(
    "local_contrast",
    "window by window",
    """
    def local_contrast(x, radius, eps):
        y = torch.empty_like(x)
        H, W = x.shape[2:]
        for h in range(H):
            for w in range(W):
                rows = slice(max(0, h - radius), h + radius + 1)
                columns = slice(max(0, w - radius), w + radius + 1)
                window = x[:, :, rows, columns]
                var, mean = torch.var_mean(window, dim=(2, 3), correction=0)
                y[:, :, h, w] = (x[:, :, h, w] - mean) / torch.sqrt(var + eps)
        return y
    """,
)
way(
    "local_contrast",
    "pooled with zeros and divided",
    """
    def local_contrast(x, radius, eps):
        def pool(values):
            return nn.functional.avg_pool2d(values, 2 * radius + 1, 1, radius)

        share = pool(torch.ones_like(x))
        shifted = x - x.mean(dim=(1, 2, 3), keepdim=True)
        mean = pool(shifted) / share
        var = torch.clamp(pool(shifted.pow(2)) / share - mean.pow(2), min=0.0)
        return (shifted - mean) / torch.sqrt(var + eps)
    """,
)

way(
    "local_contrast",
    "single precision on the way",
    """
    def local_contrast(x, radius, eps):
        pool = nn.AvgPool2d(2 * radius + 1, stride=1, padding=radius, count_include_pad=False)
        d = x.float()
        d = d - d.mean(dim=(2, 3), keepdim=True)
        m = pool(d)
        return ((d - m) / ((pool(d**2) - m**2).clamp(min=0) + eps).sqrt()).to(x.dtype)
    """,
)
way(
    "local_contrast",
    "double precision, nothing subtracted first",
    """
    def local_contrast(x, radius, eps):
        pool = nn.AvgPool2d(2 * radius + 1, stride=1, padding=radius, count_include_pad=False)
        d = x.double()
        return (d - pool(d)) / ((pool(d**2) - pool(d) ** 2).clamp(min=0) + eps).sqrt()
    """,
)

way(
    "ZCA",
    "eps on the diagonal, torch.cov",
    """
    class ZCA(nn.Module):
        def __init__(self, num_features):
            super().__init__()
            self.register_buffer("mean", torch.zeros(num_features))
            self.register_buffer("matrix", torch.eye(num_features))

        @torch.no_grad()
        def fit(self, x, eps):
            rows = x.reshape(len(x), -1)
            cov = torch.cov(rows.T, correction=0)
            cov = cov + eps * torch.eye(len(cov), dtype=cov.dtype, device=cov.device)
            lam, U = torch.linalg.eigh(cov)
            self.mean = rows.mean(0)
            self.matrix = U @ torch.diag(lam**-0.5) @ U.T
            return self

        def forward(self, x):
            return ((x.reshape(len(x), -1) - self.mean) @ self.matrix).view(x.shape)
    """,
)
way(
    "ZCA",
    "singular values of the data",
    """
    class ZCA(nn.Module):
        def __init__(self, num_features):
            super().__init__()
            self.D = num_features
            self.register_buffer("mean", torch.zeros(num_features))
            self.register_buffer("matrix", torch.diag(torch.ones(num_features)))

        def fit(self, x, eps):
            rows = x.detach().reshape(-1, self.D)
            centre = rows.mean(0, keepdim=True)
            _, S, Vh = torch.linalg.svd(rows - centre, full_matrices=False)
            # what the data do not span has variance 0, and 1 / sqrt(eps) for its factor
            gain = (S**2 / len(rows) + eps).rsqrt() - eps**-0.5
            rest = torch.eye(self.D, dtype=rows.dtype, device=rows.device) * eps**-0.5
            self.mean.copy_(centre[0])
            self.matrix.copy_(Vh.T @ (gain[:, None] * Vh) + rest)
            return self

        def forward(self, x):
            return nn.functional.linear(x.flatten(1) - self.mean, self.matrix).unflatten(1, x.shape[1:])
    """,
)
way(
    "ZCA",
    "einsum, data",
    """
    class ZCA(nn.Module):
        def __init__(self, num_features):
            super().__init__()
            for name, start in (("mean", torch.zeros(num_features)), ("matrix", torch.eye(num_features))):
                self.register_buffer(name, start)

        def fit(self, x, eps):
            rows = x.data.flatten(start_dim=1)
            d = rows - rows.mean(dim=0)
            cov = torch.einsum("ni,nj->ij", d, d) / rows.shape[0]
            lam, U = torch.linalg.eigh((cov + cov.T) / 2)
            W = sum(torch.outer(u, u) / (l.clamp(min=0) + eps).sqrt() for l, u in zip(lam, U.T))
            self.mean.data = rows.mean(dim=0)
            self.matrix.data = W
            return self

        def forward(self, x):
            d = x.flatten(1) - self.mean
            return torch.einsum("nd,de->ne", d, self.matrix).reshape_as(x)
    """,
)
way(
    "ZCA",
    "single precision on the way",
    """
    class ZCA(nn.Module):
        def __init__(self, num_features):
            super().__init__()
            self.register_buffer("mean", torch.zeros(num_features))
            self.register_buffer("matrix", torch.eye(num_features))

        @torch.no_grad()
        def fit(self, x, eps):
            rows = x.float().flatten(1)
            self.mean.copy_(rows.mean(dim=0))
            lam, U = torch.linalg.eigh(torch.cov(rows.T, correction=0))
            self.matrix.copy_(U @ torch.diag((lam.clamp(min=0) + eps).rsqrt()) @ U.T)
            return self

        def forward(self, x):
            rows = (x.float().flatten(1) - self.mean.float()) @ self.matrix.float()
            return rows.view(x.shape).to(x.dtype)
    """,
)
