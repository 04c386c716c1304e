"""Right answers to the PyTorch exercises of 04-initialization, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "initialize",
    "by class, .data",
    """
    def initialize(model, slope=0.0):
        count = 0
        gain = (2.0 / (1.0 + slope * slope)) ** 0.5
        for module in model.modules():
            if isinstance(module, nn.Linear):
                fan_in = module.in_features
            elif isinstance(module, nn.Conv2d):
                kh, kw = module.kernel_size
                fan_in = module.in_channels // module.groups * kh * kw
            else:
                continue
            module.weight.data.normal_(mean=0.0, std=gain / fan_in**0.5)
            if module.bias is not None:
                module.bias.data.fill_(0.0)
            count += 1
        return count
    """,
)
way(
    "initialize",
    "nn.init, recursion over children",
    """
    def initialize(model, slope=0.0):
        done = 0
        if isinstance(model, nn.Linear) or isinstance(model, nn.Conv2d):
            fan_in = math.prod(model.weight.shape[1:])
            nn.init.normal_(model.weight, 0.0, math.sqrt(2) / math.sqrt(fan_in * (1 + slope**2)))
            if model.bias is not None:
                nn.init.zeros_(model.bias)
            done = 1
        for child in model.children():
            done += initialize(child, slope)
        return done
    """,
)
way(
    "initialize",
    "apply, copy_",
    """
    def initialize(model, slope=0.0):
        seen = []

        @torch.no_grad()
        def visit(m):
            if type(m) in (nn.Linear, nn.Conv2d):
                fan_in = m.weight.shape[1:].numel()
                variance = torch.tensor(2 / (fan_in * (1 + slope**2)))
                m.weight.copy_(torch.randn_like(m.weight) * variance.sqrt().item())
                if m.bias is not None:
                    m.bias.copy_(torch.zeros_like(m.bias))
                seen.append(m)

        model.apply(visit)
        return len(seen)
    """,
)

way(
    "signal_report",
    "partial, a copy",
    """
    from functools import partial

    def signal_report(model, x, kinds=nn.ReLU):
        twin, report = copy.deepcopy(model), {}

        def keep(name, module, inputs, output):
            zeros = torch.eq(output, 0).sum().item()
            report[name] = (output.var(correction=0).sqrt().item(), zeros / output.numel())

        for name, module in twin.named_modules():
            if isinstance(module, kinds):
                module.register_forward_hook(partial(keep, name))
        with torch.inference_mode():
            twin(x)
        return report
    """,
)
way(
    "signal_report",
    "on the model itself, put back",
    """
    def signal_report(model, x, kinds=nn.ReLU):
        numbers = {key: value.clone() for key, value in model.state_dict().items()}
        found, handles = [], []
        for name, module in model.named_modules():
            if not isinstance(module, kinds):
                continue

            def hook(m, args, out, name=name):
                flat = out.detach().flatten()
                centred = flat - flat.mean()
                found.append((name, [float((centred**2).mean() ** 0.5), float((flat == 0).to(flat).mean())]))

            handles.append(module.register_forward_hook(hook))
        try:
            with torch.no_grad():
                model(x)
        finally:
            [handle.remove() for handle in handles]
            model.load_state_dict(numbers)
        return dict(found)
    """,
)
way(
    "signal_report",
    "clones, torch.std_mean",
    """
    @torch.no_grad()
    def signal_report(model, x, kinds=nn.ReLU):
        model = copy.deepcopy(model)
        outputs = {}
        named = {module: name for name, module in model.named_modules() if isinstance(module, kinds)}
        for module in named:
            module.register_forward_hook(lambda m, _, out: outputs.update({named[m]: out.clone()}))
        model(x)
        report = {}
        for name in named.values():
            a = outputs[name]
            report[name] = torch.std_mean(a, unbiased=False)[0].item(), (a == 0).double().mean().item()
        return report
    """,
)

way(
    "gradient_report",
    "autograd.grad, numbers put back",
    """
    def gradient_report(model, x, y):
        state = copy.deepcopy(model.state_dict())
        found = [(n, p) for n, p in model.named_parameters() if p.dim() >= 2 and p.requires_grad]
        names, weights = zip(*found)
        loss = nn.CrossEntropyLoss()(model(x), y)
        grads = torch.autograd.grad(loss, weights)
        model.load_state_dict(state)
        return {n: g.pow(2).sum().sqrt().item() for n, g in zip(names, grads)}
    """,
)
way(
    "gradient_report",
    "functional_call on detached copies",
    """
    def gradient_report(model, x, y):
        state = {name: value.detach().clone() for name, value in model.state_dict().items()}
        asked = [name for name, p in model.named_parameters() if p.requires_grad and len(p.shape) > 1]
        for name in asked:
            state[name].requires_grad_()
        scores = torch.func.functional_call(model, state, (x,))
        loss = -scores.log_softmax(1)[torch.arange(len(y)), y].mean()
        loss.backward()
        return {name: float(torch.linalg.vector_norm(state[name].grad)) for name in asked}
    """,
)
way(
    "gradient_report",
    "a copy, log-probabilities",
    """
    def gradient_report(model, x, y):
        twin = copy.deepcopy(model)
        for p in twin.parameters():
            p.grad = None
        nn.functional.nll_loss(twin(x).log_softmax(dim=-1), y).backward()
        report = {}
        for name, p in twin.named_parameters():
            if p.ndim != 1 and p.grad is not None:
                report[name] = math.sqrt((p.grad**2).sum().item())
        return report
    """,
)

way(
    "dead_units",
    "all outputs in one tensor",
    """
    def dead_units(net, batches):
        twin = copy.deepcopy(net).eval()
        with torch.no_grad():
            a = torch.cat([twin(x) for x in batches])
        axes = [axis for axis in range(a.ndim) if axis != 1]
        return (a == 0).all(dim=axes[0]) if len(axes) == 1 else (a.abs().amax(dim=axes) == 0)
    """,
)
way(
    "dead_units",
    "largest absolute value so far",
    """
    def dead_units(net, batches):
        modes = [(m, m.training) for m in net.modules()]
        for m, _ in modes:
            m.training = False
        largest = None
        try:
            with torch.inference_mode():
                for x in batches:
                    a = net(x).abs()
                    while a.ndim > 2:
                        a = a.max(dim=-1).values
                    a = a.max(dim=0).values
                    largest = a if largest is None else torch.maximum(largest, a)
        finally:
            for m, mode in modes:
                m.training = mode
        return largest == 0
    """,
)

way(
    "Maxout",
    "one product, reshaped",
    """
    class Maxout(nn.Module):
        def __init__(self, inputs, units, pieces=2):
            super().__init__()
            self.pieces, self.units = pieces, units
            self.weight = nn.Parameter(torch.empty(pieces, units, inputs))
            self.bias = nn.Parameter(torch.empty(pieces, units))
            nn.init.normal_(self.weight, std=inputs**-0.5)
            nn.init.zeros_(self.bias)

        def forward(self, x):
            z = nn.functional.linear(x, self.weight.flatten(0, 1), self.bias.flatten())
            return z.view(len(x), self.pieces, self.units).max(dim=1).values
    """,
)
way(
    "Maxout",
    "piece by piece",
    """
    class Maxout(nn.Module):
        def __init__(self, inputs, units, pieces=2):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros((pieces, units)))
            self.weight = nn.Parameter(torch.normal(0.0, 1 / inputs**0.5, size=(pieces, units, inputs)))

        def forward(self, x):
            best = x @ self.weight[0].T + self.bias[0]
            for w, b in zip(self.weight[1:], self.bias[1:]):
                best = torch.maximum(best, x @ w.T + b)
            return best
    """,
)
way(
    "Maxout",
    "einsum, torch.max over axis 1",
    """
    class Maxout(nn.Module):
        def __init__(self, inputs, units, pieces=2):
            super(Maxout, self).__init__()
            drawn = [torch.randn(units, inputs).mul(math.sqrt(1 / inputs)) for _ in range(pieces)]
            self.register_parameter("weight", nn.Parameter(torch.stack(drawn)))
            self.register_parameter("bias", nn.Parameter(torch.zeros(pieces, units)))

        def forward(self, x):
            z = torch.einsum("ni,kmi->nkm", x, self.weight) + self.bias
            return torch.max(z, 1)[0]
    """,
)

way(
    "ELUFunction",
    "the input is kept",
    """
    class ELUFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z, alpha):
            ctx.save_for_backward(z)
            ctx.alpha = alpha
            return z.clamp(min=0) + alpha * torch.expm1(z.clamp(max=0))

        @staticmethod
        def backward(ctx, dout):
            z, = ctx.saved_tensors
            slope = torch.where(z > 0, torch.ones_like(z), ctx.alpha * z.exp())
            return slope * dout, None
    """,
)
way(
    "ELUFunction",
    "boolean indexing",
    """
    class ELUFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z, alpha):
            a = z.clone()
            low = z <= 0
            a[low] = alpha * torch.special.expm1(z[low])
            ctx.save_for_backward(a, low)
            ctx.shift = alpha
            return a

        @staticmethod
        def backward(ctx, dout):
            a, low = ctx.saved_tensors
            dz = dout.clone()
            dz[low] *= a[low] + ctx.shift
            return dz, None
    """,
)
way(
    "ELUFunction",
    "the slope is kept",
    """
    class ELUFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z, alpha):
            bent = torch.minimum(z, torch.zeros_like(z)).expm1() * alpha
            a = torch.maximum(z, torch.zeros_like(z)) + bent
            ctx.save_for_backward(torch.where(z > 0, 1.0, bent + alpha))
            return a

        @staticmethod
        def backward(ctx, dout):
            (slope,) = ctx.saved_tensors
            return torch.mul(dout, slope), None
    """,
)

way(
    "ResidualBlock",
    "F.relu, Sequential for an identity, addition in place of the branch",
    """
    class ResidualBlock(nn.Module):
        def __init__(self, in_channels, out_channels, stride=1, norm=nn.BatchNorm2d):
            super().__init__()
            settings = {"kernel_size": (3, 3), "padding": (1, 1), "bias": False}
            self.conv1 = nn.Conv2d(in_channels, out_channels, stride=(stride, stride), **settings)
            self.norm1 = norm(out_channels)
            self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
            self.norm2 = norm(out_channels)
            if in_channels == out_channels and stride == 1:
                self.shortcut = nn.Sequential()
            else:
                self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)

        def forward(self, x):
            out = nn.functional.relu(self.norm1(self.conv1(x)))
            out = self.norm2(self.conv2(out))
            out += self.shortcut(x)
            return nn.functional.relu(out)
    """,
)
way(
    "ResidualBlock",
    "modules for the ReLUs, in place on what is its own",
    """
    class ResidualBlock(nn.Module):
        def __init__(self, in_channels, out_channels, stride=1, norm=nn.BatchNorm2d):
            super().__init__()
            conv = lambda i, o, k, s: nn.Conv2d(i, o, k, stride=s, padding=k // 2, bias=False)
            self.relu = nn.ReLU(inplace=True)
            changes = (in_channels, 1) != (out_channels, stride)
            self.shortcut = conv(in_channels, out_channels, 1, stride) if changes else nn.Identity()
            self.conv1, self.norm1 = conv(in_channels, out_channels, 3, stride), norm(out_channels)
            self.conv2, self.norm2 = conv(out_channels, out_channels, 3, 1), norm(out_channels)

        def forward(self, x):
            kept = self.shortcut(x)
            out = self.conv1(x) + 0.0
            out = self.relu(self.norm1(out))
            out = self.norm2(self.conv2(out)) + kept
            return self.relu(out)
    """,
)
way(
    "ResidualBlock",
    "branch as a method, padding same, clamp",
    """
    class ResidualBlock(nn.Module):
        def __init__(self, in_channels, out_channels, stride=1, norm=nn.BatchNorm2d):
            super().__init__()
            self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding="same", bias=False)
            self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
            self.norm1, self.norm2 = (norm(out_channels) for _ in range(2))
            self.shortcut = nn.Identity()
            if not (stride == 1 and in_channels == out_channels):
                self.shortcut = nn.Conv2d(in_channels, out_channels, (1, 1), stride=stride, bias=False)

        def branch(self, x):
            return self.norm2(self.conv2(self.norm1(self.conv1(x)).clamp(min=0)))

        def forward(self, x):
            return torch.add(self.branch(x), self.shortcut(x)).clamp_min(0)
    """,
)

way(
    "zero_init_residual",
    "by the names of children, .data",
    """
    def zero_init_residual(model):
        found = 0
        for module in model.modules():
            children = dict(module.named_children())
            if {"conv2", "norm2"} <= children.keys():
                found += 1
                last = children["norm2"] if list(children["norm2"].parameters()) else children["conv2"]
                for p in last.parameters():
                    p.data.zero_()
        return found
    """,
)
way(
    "zero_init_residual",
    "no_grad, recursion",
    """
    @torch.no_grad()
    def zero_init_residual(model):
        count = sum(zero_init_residual(child) for child in model.children())
        conv, norm = getattr(model, "conv2", None), getattr(model, "norm2", None)
        if conv is None or norm is None:
            return count
        layer = conv
        if hasattr(norm, "weight") and norm.weight is not None:
            layer = norm
        layer.weight.mul_(0)
        if getattr(layer, "bias", None) is not None:
            layer.bias.fill_(0)
        return count + 1
    """,
)
way(
    "zero_init_residual",
    "apply",
    """
    def zero_init_residual(model):
        blocks = []

        def visit(m):
            try:
                conv, norm = m.conv2, m.norm2
            except AttributeError:
                return
            blocks.append(m)
            for part in (norm, conv):
                weight = getattr(part, "weight", None)
                if isinstance(weight, nn.Parameter):
                    nn.init.constant_(weight, 0.0)
                    if part.bias is not None:
                        nn.init.constant_(part.bias, 0.0)
                    break

        model.apply(visit)
        return len(blocks)
    """,
)

way(
    "dead_units",
    "one pass for all batches, a copy without parameters to train",
    """
    def dead_units(net, batches):
        twin = copy.deepcopy(net).eval().requires_grad_(False)
        a = twin(torch.cat(list(batches)))
        return (a == 0).movedim(1, 0).flatten(1).all(1)
    """,
)
way(
    "ResidualBlock",
    "the layers in a sequence, too",
    """
    class ResidualBlock(nn.Module):
        def __init__(self, in_channels, out_channels, stride=1, norm=nn.BatchNorm2d):
            super().__init__()
            self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
            self.norm1 = norm(out_channels)
            self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
            self.norm2 = norm(out_channels)
            self.branch = nn.Sequential(self.conv1, self.norm1, nn.ReLU(), self.conv2, self.norm2)
            same = stride == 1 and in_channels == out_channels
            projection = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.shortcut = nn.Identity() if same else projection

        def forward(self, x):
            return F.relu(self.branch(x) + self.shortcut(x))
    """,
)
