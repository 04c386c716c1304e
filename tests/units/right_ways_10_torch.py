"""Right answers to the PyTorch exercises of 10-augmentation, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "RandomFlip",
    "the chosen images, written into a copy",
    """
    class RandomFlip(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            self.p = p

        def forward(self, images):
            if self.training:
                coin = torch.rand(images.shape[0], device=images.device) < self.p
                images = images.clone()
                images[coin] = images[coin].flip(-1)
            return images
    """,
)
way(
    "RandomFlip",
    "Bernoulli numbers and a new order of columns",
    """
    class RandomFlip(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            self.p = p

        def forward(self, images):
            if not self.training:
                return images.clone()
            N, C, H, W = images.shape
            coin = torch.bernoulli(torch.full((N, 1), float(self.p), device=images.device)).bool()
            there = torch.arange(W, device=images.device)
            columns = torch.where(coin, W - 1 - there, there)
            return images.gather(3, columns[:, None, None, :].expand(N, C, H, W))
    """,
)
way(
    "RandomFlip",
    "a loop over the images",
    """
    class RandomFlip(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            self.p = p

        def forward(self, images):
            if not self.training:
                return images
            coins = torch.rand(len(images)).tolist()
            pairs = zip(images, coins)
            return torch.stack([torch.flip(image, dims=[2]) if u < self.p else image for image, u in pairs])
    """,
)
way(
    "RandomFlip",
    "a weighted sum in the type of the images, the other end of the coin",
    """
    class RandomFlip(nn.Module):
        def __init__(self, p=0.5):
            super(RandomFlip, self).__init__()
            self.p = p

        def forward(self, images):
            if not self.training:
                return images
            u = torch.rand((images.size(0), 1, 1, 1), device=images.device)
            coin = (u >= 1 - self.p).to(images.dtype)
            return coin * images.flip(dims=(3,)) + (1 - coin) * images
    """,
)

way(
    "warp",
    "affine_grid with matrices that were rescaled",
    """
    def warp(images, matrices):
        H, W = images.shape[-2:]
        M = matrices
        top = torch.stack([M[:, 1, 1], M[:, 1, 0] * H / W, 2 * M[:, 1, 2] / W], dim=1)
        bottom = torch.stack([M[:, 0, 1] * W / H, M[:, 0, 0], 2 * M[:, 0, 2] / H], dim=1)
        theta = torch.stack([top, bottom], dim=1)
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    """,
)
way(
    "warp",
    "pixels counted from the corner, centres at -1 and 1",
    """
    def warp(images, matrices):
        N, C, H, W = images.shape
        like = dict(dtype=images.dtype, device=images.device)
        r = torch.arange(H, **like).view(1, H, 1) - (H - 1) / 2
        c = torch.arange(W, **like).view(1, 1, W) - (W - 1) / 2
        m = matrices.reshape(N, 6, 1, 1).unbind(1)
        rows = m[0] * r + m[1] * c + m[2] + (H - 1) / 2
        cols = m[3] * r + m[4] * c + m[5] + (W - 1) / 2
        grid = torch.stack((2 * cols / max(W - 1, 1) - 1, 2 * rows / max(H - 1, 1) - 1), -1)
        return F.grid_sample(images, grid, align_corners=True)
    """,
)
way(
    "warp",
    "einsum, and a scale for the last axis",
    """
    def warp(images, matrices):
        N, _, H, W = images.shape
        places = torch.ones(H, W, 3).to(images)
        places[..., 0] = (torch.arange(H).to(images) - 0.5 * (H - 1))[:, None]
        places[..., 1] = (torch.arange(W).to(images) - 0.5 * (W - 1))[None, :]
        source = torch.einsum("nij,hwj->nhwi", matrices, places)
        grid = source.flip(-1) * (2 / torch.tensor([W, H]).to(images))
        return F.grid_sample(images, grid, align_corners=False)
    """,
)
way(
    "warp",
    "four neighbours by hand",
    """
    def warp(images, matrices):
        N, C, H, W = images.shape
        r, c = torch.meshgrid(
            torch.arange(H, dtype=images.dtype, device=images.device) - (H - 1) / 2,
            torch.arange(W, dtype=images.dtype, device=images.device) - (W - 1) / 2,
            indexing="ij",
        )
        linear, shift = matrices[:, :, :2], matrices[:, :, 2:]
        source = linear @ torch.stack([r.reshape(-1), c.reshape(-1)]) + shift
        rows, cols = source[:, 0] + (H - 1) / 2, source[:, 1] + (W - 1) / 2
        i, j = rows.detach().floor(), cols.detach().floor()
        out = 0
        for di in (0, 1):
            for dj in (0, 1):
                y, x = i + di, j + dj
                weight = (1 - (rows - y).abs()) * (1 - (cols - x).abs())
                inside = (y >= 0) & (y < H) & (x >= 0) & (x < W)
                place = (y.clamp(0, H - 1) * W + x.clamp(0, W - 1)).long()
                pixel = images.flatten(2).gather(2, place[:, None].expand(N, C, H * W))
                out = out + pixel * (weight * inside)[:, None]
        return out.reshape(N, C, H, W)
    """,
)

way(
    "crop_boxes",
    "logarithms and minimum",
    """
    def crop_boxes(u, H, W, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3)):
        import math
        s, a, t, l = u.unbind(dim=1)
        area = torch.lerp(torch.full_like(s, scale[0]), torch.full_like(s, scale[1]), s) * (H * W)
        log_r = math.log(ratio[0]) + a * (math.log(ratio[1]) - math.log(ratio[0]))
        r = log_r.exp()
        h = torch.minimum(torch.sqrt(area / r), torch.full_like(area, H))
        w = torch.minimum(torch.sqrt(area * r), torch.full_like(area, W))
        return t * (H - h), l * (W - w), h, w
    """,
)
way(
    "crop_boxes",
    "as one tensor (4, N)",
    """
    def crop_boxes(u, H, W, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3)):
        share = scale[0] * (1 - u[:, 0]) + scale[1] * u[:, 0]
        r = ratio[0] ** (1 - u[:, 1]) * ratio[1] ** u[:, 1]
        h = (share * H * W / r) ** 0.5
        w = h * r
        h, w = h.clip(max=H), w.clip(max=W)
        return torch.stack([u[:, 2] * (H - h), u[:, 3] * (W - w), h, w])
    """,
)
way(
    "crop_boxes",
    "where it is too large, as a list",
    """
    def crop_boxes(u, H, W, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3)):
        low, high = torch.tensor(ratio, dtype=u.dtype, device=u.device).log()
        aspect = torch.exp(low + (high - low) * u[:, 1])
        side = torch.sqrt((scale[0] + u[:, 0] * (scale[1] - scale[0])) * H * W)
        height, width = side / aspect.sqrt(), side * aspect.sqrt()
        height = torch.where(height > H, torch.ones_like(height) * H, height)
        width = torch.where(width > W, torch.ones_like(width) * W, width)
        top, left = (H - height) * u[:, 2], (W - width) * u[:, 3]
        return [top, left, height, width]
    """,
)

way(
    "crop_and_resize",
    "affine_grid with a matrix per box",
    """
    def crop_and_resize(images, top, left, height, width, size):
        N, C, H, W = images.shape
        theta = images.new_zeros(N, 2, 3)
        theta[:, 0, 0] = width / W
        theta[:, 1, 1] = height / H
        theta[:, 0, 2] = (2 * left + width) / W - 1
        theta[:, 1, 2] = (2 * top + height) / H - 1
        grid = F.affine_grid(theta, (N, C, size, size), align_corners=False)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    """,
)
way(
    "crop_and_resize",
    "pixels from the first centre, centres at -1 and 1, clamped",
    """
    def crop_and_resize(images, top, left, height, width, size):
        N, _, H, W = images.shape
        steps = torch.arange(size, device=images.device).to(images.dtype)
        rows = top.view(-1, 1) + (2 * steps + 1) * height.view(-1, 1) / (2 * size) - 0.5
        cols = left.view(-1, 1) + (2 * steps + 1) * width.view(-1, 1) / (2 * size) - 0.5
        rows, cols = rows.clamp(0, H - 1), cols.clamp(0, W - 1)
        grid = images.new_empty(N, size, size, 2)
        grid[..., 0] = (2 * cols / max(W - 1, 1) - 1)[:, None, :]
        grid[..., 1] = (2 * rows / max(H - 1, 1) - 1)[:, :, None]
        return F.grid_sample(images, grid, align_corners=True)
    """,
)
way(
    "crop_and_resize",
    "rows first and columns afterwards, by matrices of weights",
    """
    def crop_and_resize(images, top, left, height, width, size):
        H, W = images.shape[2:]

        def weights(start, length, pixels):
            strips = torch.arange(size, dtype=images.dtype, device=images.device) + 0.5
            places = start[:, None] + length[:, None] * strips / size - 0.5
            centres = torch.arange(pixels, dtype=images.dtype, device=images.device)
            distance = (places.clamp(0, pixels - 1)[:, :, None] - centres).abs()
            return (1 - distance).clamp(min=0)

        rows, cols = weights(top, height, H), weights(left, width, W)
        return rows[:, None] @ images @ cols[:, None].mT
    """,
)

way(
    "soft_cross_entropy",
    "logsumexp",
    """
    def soft_cross_entropy(scores, y):
        log_p = scores - torch.logsumexp(scores, dim=1, keepdim=True)
        return -torch.sum(y * log_p) / len(scores)
    """,
)
way(
    "soft_cross_entropy",
    "the library's",
    """
    def soft_cross_entropy(scores, y):
        return nn.CrossEntropyLoss()(scores, y)
    """,
)
way(
    "soft_cross_entropy",
    "einsum",
    """
    def soft_cross_entropy(scores, y):
        return torch.einsum("nk,nk->n", y, -F.log_softmax(scores, dim=-1)).mean()
    """,
)
way(
    "soft_cross_entropy",
    "shifted by the greatest, a scalar product",
    """
    def soft_cross_entropy(scores, y):
        shifted = scores - scores.max(dim=1, keepdim=True).values
        log_p = shifted - shifted.exp().sum(1, keepdim=True).log()
        return -(y.flatten() @ log_p.flatten()) / y.shape[0]
    """,
)

way(
    "ten_crops",
    "a list of views",
    """
    def ten_crops(images, size):
        _, _, H, W = images.shape
        t, l = (H - size) // 2, (W - size) // 2
        five = [
            images[:, :, :size, :size],
            images[:, :, :size, W - size :],
            images[:, :, H - size :, :size],
            images[:, :, H - size :, W - size :],
            images[..., t : t + size, l : l + size],
        ]
        return torch.stack(five + [torch.flip(crop, [-1]) for crop in five])
    """,
)
way(
    "ten_crops",
    "narrow, into an empty tensor",
    """
    def ten_crops(images, size):
        N, C, H, W = images.shape
        views = images.new_empty(10, N, C, size, size)
        places = [(t, l) for t in (0, H - size) for l in (0, W - size)] + [((H - size) // 2, (W - size) // 2)]
        for k, (t, l) in enumerate(places):
            views[k] = images.narrow(2, t, size).narrow(3, l, size)
        views[5:] = views[:5].flip(-1)
        return views
    """,
)
way(
    "ten_crops",
    "windows of unfold",
    """
    def ten_crops(images, size):
        windows = images.unfold(2, size, 1).unfold(3, size, 1)
        h, w = windows.shape[2] - 1, windows.shape[3] - 1
        rows = torch.tensor([0, 0, h, h, h // 2])
        cols = torch.tensor([0, w, 0, w, w // 2])
        five = windows[:, :, rows, cols].permute(2, 0, 1, 3, 4)
        return torch.cat((five, five.flip(dims=(4,))), dim=0)
    """,
)
way(
    "ten_crops",
    "crops of the mirrored images, the accepted convention",
    """
    def ten_crops(images, size):
        def five(x):
            H, W = x.shape[2:]
            b, r = H - size, W - size
            places = [(0, 0), (0, r), (b, 0), (b, r), (b // 2, r // 2)]
            return [x[:, :, t : t + size, l : l + size] for t, l in places]

        return torch.stack(five(images) + five(images.flip(3)))
    """,
)

way(
    "predict_views",
    "a running sum, modes by name",
    """
    @torch.no_grad()
    def predict_views(model, views):
        modes = {name: m.training for name, m in model.named_modules()}
        model.train(False)
        total = 0
        for view in views:
            total = total + F.softmax(model(view), dim=-1)
        for name, m in model.named_modules():
            m.training = modes[name]
        return total / len(views)
    """,
)
way(
    "predict_views",
    "inference mode, restored in finally",
    """
    def predict_views(model, views):
        training = [m for m in model.modules() if m.training]
        try:
            model.eval()
            with torch.inference_mode():
                return torch.stack([torch.softmax(model(v), 1) for v in views]).mean(0)
        finally:
            for m in training:
                m.training = True
    """,
)
way(
    "predict_views",
    "a copy of the model, detached",
    """
    def predict_views(model, views):
        import copy
        twin = copy.deepcopy(model).eval()
        scores = torch.stack([twin(view).detach() for view in views])
        return (scores - scores.logsumexp(dim=2, keepdim=True)).exp().sum(dim=0) / scores.shape[0]
    """,
)
