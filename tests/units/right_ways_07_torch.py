"""Right answers to the PyTorch exercises of 07-optimizers, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "SGD",
    "as in the library, in place on a buffer",
    """
    class SGD(torch.optim.Optimizer):
        def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
            if lr < 0.0:
                raise ValueError(f"Invalid learning rate: {lr}")
            defaults = dict(lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
            super().__init__(params, defaults)

        @torch.no_grad()
        def step(self, closure=None):
            loss = None
            if closure is not None:
                with torch.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    g = p.grad
                    if group["weight_decay"] != 0:
                        g = g.add(p, alpha=group["weight_decay"])
                    if group["momentum"] != 0:
                        state = self.state[p]
                        if "momentum_buffer" not in state:
                            state["momentum_buffer"] = g.clone()
                        else:
                            state["momentum_buffer"].mul_(group["momentum"]).add_(g)
                        buffer = state["momentum_buffer"]
                        g = g.add(buffer, alpha=group["momentum"]) if group["nesterov"] else buffer
                    p.add_(g, alpha=-group["lr"])
            return loss
    """,
)
way(
    "SGD",
    "through .data, a velocity of zeros for everyone",
    """
    class SGD(torch.optim.Optimizer):
        def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
            if not lr >= 0:
                raise ValueError("lr must not be negative, it is " + str(lr))
            defaults = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
            super().__init__(params, defaults)
            for group in self.param_groups:
                for p in group["params"]:
                    self.state[p]["momentum_buffer"] = torch.zeros_like(p)

        def step(self):
            for group in self.param_groups:
                lr, mu = group["lr"], group["momentum"]
                for p in filter(lambda p: p.grad is not None, group["params"]):
                    g = p.grad.data + group["weight_decay"] * p.data
                    v = self.state[p]["momentum_buffer"]
                    v.copy_(mu * v + g)
                    if group["nesterov"]:
                        p.data -= lr * (g + mu * v)
                    else:
                        p.data.sub_(lr * v)
    """,
)
way(
    "SGD",
    "a step per parameter in a method, detached",
    """
    class SGD(torch.optim.Optimizer):
        def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
            super().__init__(
                params, {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
            )
            if any(group["lr"] < 0 for group in self.param_groups):
                raise ValueError("learning rate %g is below zero" % lr)

        def move(self, p, lr, momentum, nesterov, weight_decay, **others):
            g = p.grad.detach() + weight_decay * p.detach()
            old = self.state[p].get("momentum_buffer")
            v = g.clone() if old is None else momentum * old + g
            self.state[p]["momentum_buffer"] = v
            direction = g + momentum * v if nesterov else v
            p.detach().copy_(p.detach() - lr * direction)

        def step(self):
            for group in self.param_groups:
                settings = {key: value for key, value in group.items() if key != "params"}
                for p in group["params"]:
                    if p.grad is not None:
                        self.move(p, **settings)
    """,
)

way(
    "AdamW",
    "as in the library, in place, the step size corrected",
    """
    class AdamW(torch.optim.Optimizer):
        def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
            if not 0.0 <= lr:
                raise ValueError(f"Invalid learning rate: {lr}")
            if not 0.0 <= betas[0] < 1.0:
                raise ValueError(f"Invalid beta parameter at index 0: {betas[0]}")
            if not 0.0 <= betas[1] < 1.0:
                raise ValueError(f"Invalid beta parameter at index 1: {betas[1]}")
            super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                b1, b2 = group["betas"]
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    state = self.state[p]
                    if len(state) == 0:
                        state["step"] = 0
                        state["exp_avg"] = torch.zeros_like(p, memory_format=torch.preserve_format)
                        state["exp_avg_sq"] = torch.zeros_like(p, memory_format=torch.preserve_format)
                    state["step"] += 1
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    state["exp_avg"].lerp_(p.grad, 1 - b1)
                    state["exp_avg_sq"].mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                    first, second = 1 - b1 ** state["step"], 1 - b2 ** state["step"]
                    denominator = (state["exp_avg_sq"].sqrt() / second**0.5).add_(group["eps"])
                    p.addcdiv_(state["exp_avg"], denominator, value=-group["lr"] / first)
    """,
)
way(
    "AdamW",
    "the decay and the step in one line, a tensor as count",
    """
    class AdamW(torch.optim.Optimizer):
        def __init__(self, params, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01):
            bounds = [("lr", lr, float("inf")), ("beta1", betas[0], 1), ("beta2", betas[1], 1)]
            for name, value, top in bounds:
                if value < 0 or value >= top:
                    raise ValueError(f"{name} is {value}")
            super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

        def step(self):
            with torch.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        if p.grad is not None:
                            self.one(p, group, *group["betas"])

        def one(self, p, group, beta1, beta2):
            state, g = self.state[p], p.grad
            old_m = state["exp_avg"] if "exp_avg" in state else torch.zeros_like(p)
            old_s = state["exp_avg_sq"] if "exp_avg_sq" in state else p.new_zeros(p.shape)
            state["step"] = torch.as_tensor(state.get("step", 0), dtype=torch.float64) + 1
            state["exp_avg"] = old_m + (1 - beta1) * (g - old_m)
            state["exp_avg_sq"] = old_s + (1 - beta2) * (g * g - old_s)
            t = state["step"].item()
            root = torch.sqrt(state["exp_avg_sq"] / (1 - beta2**t)) + group["eps"]
            adam = state["exp_avg"] / (1 - beta1**t) / root
            p.copy_(p - group["lr"] * (group["weight_decay"] * p + adam))
    """,
)
way(
    "AdamW",
    "the decay after the step, the accepted convention",
    """
    class AdamW(torch.optim.Optimizer):
        def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
            if lr < 0:
                raise ValueError(f"negative learning rate {lr}")
            if min(betas) < 0 or max(betas) >= 1:
                raise ValueError(f"betas {betas} must be in [0, 1)")
            defaults = {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay}
            super().__init__(params, defaults)

        @torch.no_grad()
        def step(self):
            for group in self.param_groups:
                lr, (b1, b2), eps = group["lr"], group["betas"], group["eps"]
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    state = self.state[p]
                    state.setdefault("step", 0)
                    state.setdefault("exp_avg", torch.zeros_like(p))
                    state.setdefault("exp_avg_sq", torch.zeros_like(p))
                    state["step"] += 1
                    state["exp_avg"] = b1 * state["exp_avg"] + (1 - b1) * p.grad
                    state["exp_avg_sq"] = b2 * state["exp_avg_sq"] + (1 - b2) * p.grad.square()
                    m_hat = state["exp_avg"] / (1 - b1 ** state["step"])
                    s_hat = state["exp_avg_sq"] / (1 - b2 ** state["step"])
                    p.data -= lr * m_hat / (s_hat**0.5 + eps)
                    p.data -= lr * group["weight_decay"] * p.data
    """,
)

way(
    "clip_gradients",
    "a norm of norms",
    """
    def clip_gradients(parameters, max_norm):
        grads = [p.grad for p in parameters if p.grad is not None]
        if not grads:
            return torch.tensor(0.0)
        total = torch.linalg.vector_norm(torch.stack([g.norm() for g in grads]))
        scale = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for g in grads:
            g.mul_(scale)
        return total
    """,
)
way(
    "clip_gradients",
    "a float, only where it is too long",
    """
    def clip_gradients(parameters, max_norm):
        parameters = [p for p in parameters if p.grad is not None]
        total = 0.0
        for p in parameters:
            total += float((p.grad.detach() ** 2).sum())
        norm = total**0.5
        if norm > max_norm:
            for p in parameters:
                p.grad = p.grad * (max_norm / norm)
        return norm
    """,
)
way(
    "clip_gradients",
    "one long vector",
    """
    @torch.no_grad()
    def clip_gradients(parameters, max_norm):
        grads = [p.grad for p in list(parameters) if p.grad is not None]
        flat = torch.cat([g.flatten() for g in grads] or [torch.zeros(1)])
        norm = torch.sqrt(flat @ flat)
        if norm <= max_norm:
            return norm
        for g in grads:
            g /= norm / max_norm
        return norm
    """,
)

way(
    "parameter_groups",
    "a loop",
    """
    def parameter_groups(model, weight_decay):
        decaying, spared = [], []
        for p in model.parameters():
            if len(p.shape) >= 2:
                decaying.append(p)
            else:
                spared.append(p)
        return [dict(params=decaying, weight_decay=weight_decay), dict(params=spared, weight_decay=0)]
    """,
)
way(
    "parameter_groups",
    "by name",
    """
    def parameter_groups(model, weight_decay):
        named = dict(model.named_parameters())
        spared = {name for name, p in named.items() if p.dim() < 2}
        return [
            {"params": [named[name] for name in named if name not in spared], "weight_decay": weight_decay},
            {"params": [named[name] for name in named if name in spared], "weight_decay": 0.0},
        ]
    """,
)
way(
    "parameter_groups",
    "generators",
    """
    def parameter_groups(model, weight_decay):
        return (
            {"params": (p for p in model.parameters() if p.dim() >= 2), "weight_decay": weight_decay},
            {"params": filter(lambda p: p.dim() < 2, model.parameters()), "weight_decay": 0.0},
        )
    """,
)

way(
    "train_step",
    "gradients forgotten right before going backward, and afterwards",
    """
    def train_step(model, optimizer, loss_function, x, y, max_norm=None):
        loss = loss_function(model(x), y)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        if max_norm:
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        optimizer.zero_grad()
        return float(loss.detach())
    """,
)
way(
    "train_step",
    "through the model, in training mode",
    """
    def train_step(model, optimizer, loss_function, x, y, max_norm=None):
        model.train()
        model.zero_grad()
        scores = model(x)
        loss = loss_function(scores, y)
        value = loss.item()
        loss.backward()
        if max_norm is not None:
            clip_gradients(list(model.parameters()), max_norm)
        optimizer.step()
        return value
    """,
)
way(
    "train_step",
    "gradients set to None by hand, clipped with infinity",
    """
    def train_step(model, optimizer, loss_function, x, y, max_norm=None):
        for p in model.parameters():
            p.grad = None
        with torch.enable_grad():
            loss = loss_function(model(x), y)
            loss.backward()
        clip_gradients(model.parameters(), float("inf") if max_norm is None else max_norm)
        optimizer.step()
        return loss.detach().cpu().numpy().item()
    """,
)

way(
    "newton_step",
    "the inverse, from torch.autograd.functional",
    """
    def newton_step(f, w, damping):
        point = w.detach().clone().requires_grad_(True)
        (g,) = torch.autograd.grad(f(point), point)
        H = torch.autograd.functional.hessian(f, point)
        return w.detach() - torch.linalg.inv(H + damping * torch.eye(len(w)).to(H)) @ g
    """,
)
way(
    "newton_step",
    "row by row, twice backward",
    """
    def newton_step(f, w, damping):
        w = w.clone().detach().requires_grad_()
        g = torch.autograd.grad(f(w), w, create_graph=True)[0]
        rows = [torch.autograd.grad(g_i, w, retain_graph=True)[0] for g_i in g]
        H = torch.stack(rows)
        H.diagonal().add_(damping)
        with torch.no_grad():
            return w - torch.linalg.solve(H, g.detach()[:, None]).squeeze(1)
    """,
)
way(
    "newton_step",
    "forward over reverse, no_grad outside",
    """
    @torch.no_grad()
    def newton_step(f, w, damping):
        gradient = torch.func.grad(f)
        H = torch.func.jacfwd(gradient)(w.detach())
        A = H + torch.diag(torch.full_like(w, damping))
        return w - torch.linalg.solve(A, gradient(w.detach()))
    """,
)
