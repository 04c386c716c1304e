"""Right answers to the PyTorch exercises of 09-hyperparameters, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways
from tests.units.right_ways_09_torch_programs import PROGRAMS

WAYS = Ways(PROGRAMS)
way = WAYS.add

way(
    "overfits_one_batch",
    "losses in a list, forgotten after the step",
    """
    def overfits_one_batch(model, x, y, steps, lr):
        net = copy.deepcopy(model)
        net.zero_grad()
        net.train(True)
        optimizer = torch.optim.Adam(params=net.parameters(), lr=lr)
        losses = []
        for step in range(steps + 1):
            loss = nn.CrossEntropyLoss()(net(x), y)
            losses.append(float(loss))
            if step == steps:
                break
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
        return losses[0], losses[-1]
    """,
)
way(
    "overfits_one_batch",
    "a list, without a graph where it only measures, log-probabilities",
    """
    def overfits_one_batch(model, x, y, steps, lr):
        model = copy.deepcopy(model).train()

        def loss():
            return -F.log_softmax(model(x), dim=-1).gather(1, y[:, None]).mean()

        result = [loss().item()]
        opt = torch.optim.Adam([w for w in model.parameters() if w.requires_grad], lr)
        while steps:
            opt.zero_grad()
            loss().backward()
            opt.step()
            steps -= 1
        with torch.no_grad():
            result += [loss().item()]
        return result
    """,
)
way(
    "overfits_one_batch",
    "a closure, loaded from a state",
    """
    def overfits_one_batch(model, x, y, steps, lr):
        memo = {}
        clone = copy.deepcopy(model, memo)
        for module in clone.modules():
            module.train()
        adam = torch.optim.Adam(clone.parameters(), lr=lr, betas=(0.9, 0.999), eps=1e-8)

        def closure():
            adam.zero_grad()
            loss = F.nll_loss(clone(x).log_softmax(1), y)
            loss.backward()
            return loss

        first = F.cross_entropy(clone(x), y).detach()
        for _ in range(steps):
            adam.step(closure)
        last = F.cross_entropy(clone(x), y).detach()
        return float(first), float(last)
    """,
)

way(
    "log_evidence",
    "two triangular solves, squared distances",
    """
    def log_evidence(x, y, log_length, log_scale, log_noise):
        length, scale, noise = torch.exp(log_length), torch.exp(log_scale), torch.exp(log_noise)
        squares = (x.unsqueeze(1) - x.unsqueeze(0)).pow(2)
        K = scale**2 * torch.exp(-squares / (2 * length**2))
        A = K + noise**2 * torch.eye(x.numel(), dtype=x.dtype, device=x.device)
        L = torch.linalg.cholesky(A)
        z = torch.linalg.solve_triangular(L, y.reshape(-1, 1), upper=False)
        return -(z**2).sum() / 2 - torch.log(torch.diagonal(L)).sum() - len(x) / 2 * math.log(2 * math.pi)
    """,
)
way(
    "log_evidence",
    "solve and slogdet",
    """
    def log_evidence(x, y, log_length, log_scale, log_noise):
        n = x.shape[0]
        d = x.view(n, 1) - x.view(1, n)
        K = torch.exp(2 * log_scale - d * d / (2 * torch.exp(2 * log_length)))
        K = K + torch.diag(torch.exp(2 * log_noise).expand(n))
        fit = torch.dot(y, torch.linalg.solve(K, y))
        _, logdet = torch.linalg.slogdet(K)
        return -(fit + logdet + n * math.log(2 * math.pi)) / 2
    """,
)
way(
    "log_evidence",
    "a distribution of the library",
    """
    def log_evidence(x, y, log_length, log_scale, log_noise):
        d = (x[None, :] - x[:, None]) / log_length.exp()
        covariance = log_scale.exp().square() * (-d.square() / 2).exp()
        covariance = covariance + log_noise.exp().square() * torch.eye(len(x)).type_as(x)
        normal = torch.distributions.MultivariateNormal(torch.zeros_like(x), covariance)
        return normal.log_prob(y)
    """,
)
way(
    "log_evidence",
    "a matrix with one row and column",
    """
    def log_evidence(x, y, log_length, log_scale, log_noise):
        rows = torch.stack([torch.exp(-0.5 * ((x - point) / log_length.exp()) ** 2) for point in x])
        K = rows * torch.exp(log_scale) ** 2
        A = K + torch.exp(log_noise) ** 2 * torch.eye(len(x), out=torch.empty(0, dtype=x.dtype))
        L = torch.linalg.cholesky(A)
        alpha = torch.cholesky_solve(y.view(-1, 1), L)
        result = -0.5 * y.view(1, -1) @ alpha
        for i in range(len(x)):
            result = result - L[i, i].log()
        return result - 0.5 * len(x) * torch.log(torch.tensor(2 * math.pi, dtype=x.dtype))
    """,
)

way(
    "fit_gp",
    "three tensors, minus the evidence",
    """
    def fit_gp(evidence, length, scale, noise, steps, lr):
        logs = [
            torch.tensor(math.log(value), dtype=torch.float64, requires_grad=True)
            for value in (length, scale, noise)
        ]
        adam = torch.optim.Adam(logs, lr=lr)
        for _ in range(steps):
            loss = -evidence(*logs)
            adam.zero_grad()
            loss.backward()
            adam.step()
        return tuple(math.exp(log.item()) for log in logs)
    """,
)
way(
    "fit_gp",
    "parameters by name, a list returned",
    """
    def fit_gp(evidence, length, scale, noise, steps, lr):
        l, s, n = (
            nn.Parameter(torch.log(torch.tensor([value], dtype=torch.double)))
            for value in (length, scale, noise)
        )
        optimizer = torch.optim.Adam([l, s, n], lr=lr, maximize=True)
        for _ in range(steps):
            optimizer.zero_grad()
            evidence(l[0], s[0], n[0]).backward()
            optimizer.step()
        return [float(v.detach().exp()) for v in (l, s, n)]
    """,
)
way(
    "fit_gp",
    "gradients asked for, a closure",
    """
    def fit_gp(evidence, length, scale, noise, steps, lr):
        start = {"length": length, "scale": scale, "noise": noise}
        logs = {name: torch.tensor(v).double().log().requires_grad_() for name, v in start.items()}
        for name, v in start.items():
            logs[name].data.fill_(math.log(v))
        adam = torch.optim.Adam(logs.values(), lr)
        for _ in range(steps):
            value = evidence(logs["length"], logs["scale"], logs["noise"])
            for w, slope in zip(logs.values(), torch.autograd.grad(value, list(logs.values()))):
                w.grad = -slope
            adam.step()
        return tuple(w.exp().item() for w in logs.values())
    """,
)

way(
    "make_objective",
    "asked in another order, a counter",
    """
    def make_objective(train):
        def objective(trial):
            width = trial.suggest_categorical("width", (16, 32, 64, 128))
            away = trial.suggest_float("one_minus_momentum", 1e-2, 5e-1, log=True)
            lr = trial.suggest_float("lr", 0.0001, 1, log=True)
            step, last = 0, None
            for last in train(dict(lr=lr, momentum=1 - away, width=width)):
                if math.isnan(last) or math.isinf(last):
                    raise Pruned("diverged")
                trial.report(value=last, step=step)
                step += 1
                if trial.should_prune():
                    raise Pruned(f"after {step} epochs")
            return last

        return objective
    """,
)
way(
    "make_objective",
    "a class with a call",
    """
    def make_objective(train):
        class Objective:
            def __call__(self, trial):
                settings = {}
                settings["lr"] = trial.suggest_float("lr", 1e-4, 1e0, log=True)
                settings["momentum"] = 1.0 - trial.suggest_float("one_minus_momentum", 0.01, 0.5, log=True)
                settings["width"] = trial.suggest_categorical("width", [16, 32, 64, 128])
                losses = []
                for loss in train(settings):
                    if not -math.inf < loss < math.inf:
                        raise Pruned()
                    losses.append(loss)
                    trial.report(loss, len(losses) - 1)
                    if trial.should_prune():
                        raise Pruned()
                return losses[-1]

        return Objective()
    """,
)
way(
    "make_objective",
    "next by hand",
    """
    def make_objective(train):
        def objective(trial):
            pick = {"lr": trial.suggest_float("lr", 1e-4, 1.0, log=True)}
            pick["momentum"] = -(trial.suggest_float("one_minus_momentum", 0.01, 0.5, log=True) - 1)
            pick |= {"width": trial.suggest_categorical("width", [16, 32, 64, 128])}
            run, epoch, loss = iter(train(pick)), 0, math.nan
            while True:
                try:
                    new = next(run)
                except StopIteration:
                    return float(loss)
                loss = float(new)
                if not math.isfinite(loss):
                    raise Pruned
                trial.report(loss, epoch)
                epoch += 1
                if trial.should_prune():
                    raise Pruned

        return objective
    """,
)
