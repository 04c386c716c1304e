"""Right answers to the later exercises of schedules_torch, beside those of right_ways_08_torch."""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "Snapshots",
    "whole models, copied at once",
    """
    class Snapshots:
        def __init__(self, model, steps):
            self.model = model
            self.steps = list(steps)
            self.members = []

        def after_step(self, t):
            if t in self.steps:
                self.members.append(copy.deepcopy(self.model))

        def models(self):
            return [copy.deepcopy(member).eval() for member in self.members]
    """,
)
way(
    "Snapshots",
    "clones in a dict by step",
    """
    class Snapshots:
        def __init__(self, model, steps):
            self.model, self.states = model, {t: None for t in sorted(steps)}

        def after_step(self, t):
            if t in self.states:
                state = self.model.state_dict()
                self.states[t] = {name: values.detach().clone() for name, values in state.items()}

        def models(self):
            found = []
            for state in self.states.values():
                if state is not None:
                    model = copy.deepcopy(self.model)
                    model.load_state_dict(state)
                    model.eval()
                    found.append(model)
            return found
    """,
)
way(
    "Snapshots",
    "saved to memory, a method that keeps",
    """
    import io

    class Snapshots:
        def __init__(self, model, steps):
            self.model = model
            self.steps = tuple(steps)
            self.files = []

        def keep(self):
            file = io.BytesIO()
            torch.save(self.model.state_dict(), file)
            self.files.append(file.getvalue())

        def after_step(self, t):
            if any(t == step for step in self.steps):
                self.keep()

        def models(self):
            def member(content):
                model = copy.deepcopy(self.model)
                model.load_state_dict(torch.load(io.BytesIO(content)))
                return model.train(False)

            return [member(content) for content in self.files]
    """,
)

way(
    "ensemble_probabilities",
    "copies that are asked, so that no mode changes",
    """
    def ensemble_probabilities(models, x):
        total = 0.0
        for model in models:
            twin = copy.deepcopy(model)
            twin.eval()
            total = total + nn.Softmax(dim=-1)(twin(x)).detach()
        return total / len(models)
    """,
)
way(
    "ensemble_probabilities",
    "modes in a dict, a decorator",
    """
    @torch.no_grad()
    def ensemble_probabilities(models, x):
        was = {}
        for model in models:
            was.update({module: module.training for module in model.modules()})
        outputs = []
        for model in models:
            model.eval()
            outputs.append(model(x))
        for module, mode in was.items():
            module.training = mode
        scores = torch.stack(outputs, dim=1)
        return scores.softmax(dim=2).mean(dim=1)
    """,
)
way(
    "ensemble_probabilities",
    "one model after the other, a log-sum-exp",
    """
    def asked(model, x):
        training = [module for module in model.modules() if module.training]
        model.eval()
        with torch.inference_mode():
            scores = model(x)
        for module in training:
            module.training = True
        return scores

    def ensemble_probabilities(models, x):
        logs = torch.stack([F.log_softmax(asked(model, x), 1) for model in models])
        return (torch.logsumexp(logs, 0) - math.log(len(models))).exp()
    """,
)

way(
    "WeightAverage",
    "sums and states",
    """
    class WeightAverage:
        def __init__(self, model, decay=None):
            self.average = copy.deepcopy(model)
            self.decay = decay
            self.updates = 0

        def update(self, model):
            self.updates = self.updates + 1
            n, d = self.updates, self.decay
            names = [name for name, _ in model.named_parameters()]
            old, new = self.average.state_dict(), copy.deepcopy(model.state_dict())
            for name in names:
                if n == 1:
                    continue
                if d is None:
                    new[name] = ((n - 1) * old[name] + new[name]) / n
                else:
                    new[name] = d * old[name] + (1 - d) * new[name]
            self.average.load_state_dict(new)
    """,
)
way(
    "WeightAverage",
    "through .data",
    """
    class WeightAverage:
        def __init__(self, model, decay=None):
            self.average, self.decay = copy.deepcopy(model).eval(), decay
            self.updates = 0

        def update(self, model):
            for a, w in zip(self.average.parameters(), model.parameters()):
                if self.updates == 0:
                    a.data = w.data.clone()
                elif self.decay is None:
                    a.data += (w.data - a.data) / (self.updates + 1)
                else:
                    a.data.mul_(self.decay).add_(w.data, alpha=1 - self.decay)
            for a, b in zip(self.average.buffers(), model.buffers()):
                a.data = b.data.clone()
            self.updates += 1
    """,
)
way(
    "WeightAverage",
    "a copy of the first model, a decorator",
    """
    class WeightAverage:
        def __init__(self, model, decay=None):
            self.average = copy.deepcopy(model)
            self.average.requires_grad_(False)
            self.decay = decay
            self.updates = 0

        @torch.no_grad()
        def update(self, model):
            if self.updates == 0:
                self.average.load_state_dict(model.state_dict())
            else:
                keep = self.updates / (self.updates + 1) if self.decay is None else self.decay
                mine = dict(self.average.named_parameters())
                for name, w in model.named_parameters():
                    mine[name].copy_(keep * mine[name] + (1 - keep) * w)
                for (_, a), (_, b) in zip(self.average.named_buffers(), model.named_buffers()):
                    a[...] = b
            self.updates += 1
    """,
)

way(
    "refresh_batchnorm",
    "the momentum is 1 over the number of the batch",
    """
    @torch.no_grad()
    def refresh_batchnorm(model, batches):
        was = {m: m.training for m in model.modules()}
        norms = {m: m.momentum for m in was if isinstance(m, nn.modules.batchnorm._BatchNorm)}
        model.train()
        for m in norms:
            m.reset_running_stats()
        for k, x in enumerate(batches, start=1):
            for m in norms:
                m.momentum = 1 / k
            model(x)
        for m, momentum in norms.items():
            m.momentum = momentum
        for m, mode in was.items():
            m.training = mode
    """,
)
way(
    "refresh_batchnorm",
    "no norm, nothing to do",
    """
    def refresh_batchnorm(model, batches):
        norms = [m for m in model.modules() if type(m).__name__.startswith("BatchNorm")]
        if not norms:
            return
        modes = [m.training for m in model.modules()]
        momenta = [m.momentum for m in norms]
        with torch.no_grad():
            model.train()
            for m in norms:
                m.momentum = None
                if m.running_mean is not None:
                    m.running_mean.zero_()
                    m.running_var.fill_(1)
                    m.num_batches_tracked.zero_()
            for x in list(batches):
                model(x)
        for m, momentum in zip(norms, momenta):
            m.momentum = momentum
        for m, mode in zip(model.modules(), modes):
            m.training = mode
    """,
)
way(
    "refresh_batchnorm",
    "torch.optim.swa_utils, between reading and restoring the modes",
    """
    def refresh_batchnorm(model, batches):
        from torch.optim.swa_utils import update_bn

        modes = [(m, m.training) for m in model.modules()]
        update_bn(list(batches), model)
        for m, mode in modes:
            m.training = mode
    """,
)
