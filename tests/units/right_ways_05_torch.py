"""Right answers to the PyTorch exercises of 05-dropout, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "apply_dropout",
    "a mask of the type of x, the scale in it",
    """
    def apply_dropout(x, u, p, training):
        if not training:
            return x
        if p == 1:
            return torch.zeros_like(x)
        mask = (u >= p).to(x.dtype) / (1 - p)
        return mask * x
    """,
)
way(
    "apply_dropout",
    "masked_fill",
    """
    def apply_dropout(x, u, p, training):
        if training and p > 0:
            keep = 1.0 - p
            x = (x if keep == 0 else x / keep).masked_fill(u < p, 0.0)
        return x
    """,
)
way(
    "apply_dropout",
    "where on both",
    """
    def apply_dropout(x, u, p, training):
        if not training:
            return x.clone()
        keep = max(1 - p, 1e-300)
        return torch.where(u < p, torch.zeros_like(x), x) * (1 / keep if p != 1 else 1.0)
    """,
)
way(
    "apply_dropout",
    "kept below 1 - p, the accepted convention",
    """
    def apply_dropout(x, u, p, training):
        if not training or p == 0:
            return x
        keep = 1 - p
        return x * torch.zeros_like(x) if keep == 0 else x * torch.lt(u, keep) / keep
    """,
)

way(
    "apply_dropout",
    "the scale of 32 bits, cast",
    """
    def apply_dropout(x, u, p, training):
        if not training:
            return x
        if p == 1:
            return 0 * x
        return x * ((u >= p) / (1 - p)).to(x.dtype)
    """,
)
way(
    "apply_dropout",
    "the product of 32 bits, cast",
    """
    def apply_dropout(x, u, p, training):
        if not training:
            return x
        mask = (u >= p).float()
        return x * (mask / max(1 - p, 1e-30)).to(x.dtype)
    """,
)

way(
    "Dropout",
    "numbers of 32 bits for whatever comes",
    """
    class Dropout(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            if not 0 <= p <= 1:
                raise ValueError(f"p is {p:.3f}, must be between 0 and 1")
            self.p = p

        def forward(self, x):
            if not self.training or self.p == 0:
                return x
            if self.p == 1:
                return torch.zeros_like(x)
            u = torch.rand_like(x, dtype=torch.float32)
            return x * ((u >= self.p) / (1 - self.p)).to(x.dtype)
    """,
)
way(
    "Dropout",
    "rand with a device",
    """
    class Dropout(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            if p < 0 or p > 1:
                raise ValueError("p must be a probability, got " + str(p))
            self.p = p

        def forward(self, x):
            if not self.training or self.p == 0:
                return x
            if self.p == 1:
                return x * 0
            u = torch.rand(x.shape, device=x.device)
            return x * (u >= self.p) / (1 - self.p)
    """,
)
way(
    "Dropout",
    "bernoulli",
    """
    class Dropout(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            self.p = self.checked(p)

        @staticmethod
        def checked(p):
            if p > 1 or p < 0:
                raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
            return p

        def forward(self, x):
            if not self.training:
                return x
            keep = 1 - self.p
            mask = torch.bernoulli(torch.full_like(x, keep))
            return mask * x / keep if keep > 0 else mask * x
    """,
)
way(
    "Dropout",
    "in place on new numbers",
    """
    class Dropout(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            if not (p >= 0 and p <= 1):
                raise ValueError(p)
            self.p = float(p)

        def forward(self, x):
            if self.training:
                u = torch.empty_like(x).uniform_(0, 1)
                x = torch.where(u < self.p, 0, x)
                if self.p < 1:
                    x = x / (1 - self.p)
            return x

        def extra_repr(self):
            return f"p={self.p}"
    """,
)
way(
    "Dropout",
    "kept below 1 - p",
    """
    class Dropout(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            if p < 0.0 or 1.0 < p:
                raise ValueError("0 <= p <= 1 does not hold for %s" % p)
            self.p = p

        def forward(self, x):
            if not self.training:
                return 1 * x
            keep = 1 - self.p
            mask = torch.zeros_like(x).bernoulli_(keep).div_(keep if keep else 1)
            return x.mul(mask)
    """,
)

way(
    "DropoutFunction",
    "the scaled mask is kept",
    """
    class DropoutFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, u, p):
            scale = 0.0 if p == 1 else 1 / (1 - p)
            mask = (u >= p).to(x.dtype) * scale
            ctx.save_for_backward(mask)
            return x * mask

        @staticmethod
        def backward(ctx, dout):
            return dout * ctx.saved_tensors[0], None, None
    """,
)
way(
    "DropoutFunction",
    "the numbers are kept",
    """
    class DropoutFunction(torch.autograd.Function):
        @staticmethod
        def apply_mask(values, u, p):
            return torch.where(u < p, 0, values) / ((1 - p) or 1)

        @staticmethod
        def forward(ctx, x, u, p):
            ctx.save_for_backward(u)
            ctx.p = p
            return DropoutFunction.apply_mask(x, u, p)

        @staticmethod
        def backward(ctx, dout):
            (u,) = ctx.saved_tensors
            return DropoutFunction.apply_mask(dout, u, ctx.p), None, None
    """,
)
way(
    "DropoutFunction",
    "everything on ctx, only what is needed",
    """
    class DropoutFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, u, p):
            ctx.dropped = u < p
            ctx.keep = 1.0 - p if p < 1 else 1.0
            return x.div(ctx.keep).masked_fill(ctx.dropped, 0)

        @staticmethod
        def backward(ctx, dout):
            dx = None
            if ctx.needs_input_grad[0]:
                dx = (dout / ctx.keep).masked_fill(ctx.dropped, 0)
            return dx, None, None
    """,
)
way(
    "DropoutFunction",
    "kept below 1 - p, the accepted convention",
    """
    class DropoutFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, u, p):
            ctx.save_for_backward(u < 1 - p)
            ctx.factor = 1 / (1 - p) if p != 1 else 0
            return x * (u < 1 - p) * ctx.factor

        @staticmethod
        def backward(ctx, dout):
            mask, = ctx.saved_tensors
            return mask * dout * ctx.factor, None, None
    """,
)

way(
    "SpatialDropout",
    "rand with a shape and a device",
    """
    class SpatialDropout(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            self.p = p

        def forward(self, images):
            if not self.training:
                return images
            N, C, H, W = images.shape
            u = torch.rand(N, C, device=images.device)
            kept = (u >= self.p)[:, :, None, None]
            return images * kept / (1 - self.p) if self.p < 1 else torch.zeros_like(images)
    """,
)
way(
    "SpatialDropout",
    "bernoulli on channels",
    """
    class SpatialDropout(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            self.p = p

        def forward(self, images):
            if self.training:
                keep = 1 - self.p
                mask = images.new_full((*images.shape[:2], 1, 1), keep).bernoulli()
                images = images * mask / (keep or 1)
            return images
    """,
)
way(
    "SpatialDropout",
    "numbers expanded to the pixels",
    """
    class SpatialDropout(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            self.p = p

        def forward(self, images):
            u = torch.rand_like(images[..., 0, 0])
            u = u.unsqueeze(2).unsqueeze(3).expand_as(images)
            return apply_dropout(images, u, self.p, self.training)
    """,
)
way(
    "SpatialDropout",
    "its own layer on a row of channels",
    """
    class SpatialDropout(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            self.p = p

        def forward(self, images):
            ones = torch.ones_like(images[:, :, :1, :1])
            return images * Dropout(self.p).train(self.training)(ones)
    """,
)

way(
    "set_dropout",
    "a counter",
    """
    def set_dropout(model, p):
        count = 0
        for module in model.modules():
            if isinstance(module, DROPOUT_LAYERS):
                module.p = p
                count += 1
        return count
    """,
)
way(
    "set_dropout",
    "recursively",
    """
    def set_dropout(model, p):
        if isinstance(model, DROPOUT_LAYERS):
            model.p = p
            return 1
        return sum(set_dropout(child, p) for child in model.children())
    """,
)
way(
    "set_dropout",
    "by name",
    """
    def set_dropout(model, p):
        found = {name: m for name, m in model.named_modules() if isinstance(m, DROPOUT_LAYERS)}
        for name in found:
            model.get_submodule(name).p = p
        return len(found)
    """,
)
way(
    "set_dropout",
    "with apply",
    """
    def set_dropout(model, p):
        changed = []

        def change(module):
            if isinstance(module, DROPOUT_LAYERS):
                setattr(module, "p", p)
                changed.append(module)

        model.apply(change)
        return torch.tensor(len(changed))
    """,
)

way(
    "mc_predict",
    "decorated, a running sum",
    """
    @torch.no_grad()
    def mc_predict(model, x, passes):
        before = {name: module.training for name, module in model.named_modules()}
        for module in model.modules():
            module.training = isinstance(module, DROPOUT_LAYERS)
        total, squares = 0, 0
        for _ in range(passes):
            probabilities = F.softmax(model(x), dim=-1)
            total = total + probabilities
            squares = squares + probabilities**2
        for name, module in model.named_modules():
            module.train(before[name])
        mean = total / passes
        return mean, (squares / passes - mean**2).clamp(min=0).sqrt()
    """,
)
way(
    "mc_predict",
    "inference mode, restored in finally",
    """
    def mc_predict(model, x, passes):
        training = [m for m in model.modules() if m.training]
        try:
            model.eval()
            for m in model.modules():
                if isinstance(m, DROPOUT_LAYERS):
                    m.train(True)
            with torch.inference_mode():
                out = torch.stack([torch.softmax(model(x), 1) for _ in range(passes)], dim=0)
        finally:
            model.eval()
            for m in training:
                m.training = True
        return out.mean(0), out.std(0, unbiased=False)
    """,
)
way(
    "mc_predict",
    "detached, with std_mean",
    """
    def mc_predict(model, x, passes):
        modes = [m.training for m in model.modules()]
        model.train(False)
        [m.train() for m in model.modules() if isinstance(m, DROPOUT_LAYERS)]
        scores = torch.cat([model(x).detach()[None] for _ in range(passes)])
        for m, mode in zip(model.modules(), modes):
            m.training = mode
        log_p = scores - scores.logsumexp(dim=2, keepdim=True)
        std, mean = torch.std_mean(log_p.exp(), dim=0, correction=0)
        return mean, std
    """,
)
