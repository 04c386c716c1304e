"""Slips in the PyTorch notebook of unit 08, as students write them, none of them known: each is refused."""

from textwrap import dedent

import pytest

SOLVED = ("08-schedules", "schedules_torch")

# By exercise, an answer with holes, and what makes it a right one.
FRAMES = {
    "WarmupCosine": (
        """
        class WarmupCosine(LRScheduler):
            def __init__(self, optimizer, W, T, lr_min=0.0):
                self.W, self.T, self.lr_min = W, T, lr_min
                super().__init__(optimizer)

            def get_lr(self):
                t, W, T, least = {t}, self.W, self.T, self.lr_min
                {before}
                done = {done}
                high = {high}
                rates = [b * {up} if t < W else least + (b - least) * high for b in self.base_lrs]
                return {rates}
        """,
        {
            "t": "self.last_epoch",
            "before": "pass",
            "up": "(t + 1) / W",
            "done": "min(1, (t - W) / (T - W))",
            "high": "(1 + math.cos(math.pi * done)) / 2",
            "rates": "rates",
        },
    ),
    "train_epoch": (
        """
        def train_epoch(model, batches, optimizer, schedule=None, max_norm=None):
            {begin}
            losses, sizes = [], []
            for x, y in batches:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                {backward}
                if max_norm:
                    {clip}
                {step}
                if schedule:
                    {move}
                losses.append(loss.item())
                sizes.append(len(y))
            {end}
            return {mean}
        """,
        {
            "begin": "model.train()",
            "backward": "loss.backward()",
            "clip": "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
            "step": "optimizer.step()",
            "move": "schedule.step()",
            "end": "pass",
            "mean": "sum(a * n for a, n in zip(losses, sizes)) / sum(sizes)",
        },
    ),
    "backward_in_parts": (
        """
        def backward_in_parts(model, loss_function, x, y, micro_batch):
            model.zero_grad()
            N, whole = len(x), 0.0
            starts = {starts}
            for k, start in enumerate(starts):
                a, b = {part}
                loss = loss_function(model(a), b)
                {before}
                {backward}
                whole += loss.item() * len(a) / N
            {end}
            return whole
        """,
        {
            "starts": "range(0, N, micro_batch)",
            "part": "x[start:start + micro_batch], y[start:start + micro_batch]",
            "before": "pass",
            "backward": "(loss * len(a) / N).backward()",
            "end": "pass",
        },
    ),
    "gradient_noise": (
        """
        def gradient_noise(model, loss_function, x, y, batches):
            ws = [w for w in model.parameters() if w.requires_grad]

            def gradient(rows):
                found = torch.autograd.grad(loss_function(model(x[rows]), y[rows]), ws)
                return torch.cat([g.flatten() for g in found])

            g, all_g = gradient(torch.arange(len(x))), [gradient({rows}) for rows in batches]
            off = [(h - g).{size} for h in all_g]
            return float({result})
        """,
        {"rows": "rows", "size": "square().sum()", "result": "(sum(off) / len(off)) ** 0.5"},
    ),
    "Snapshots": (
        """
        class Snapshots:
            def __init__(self, model, steps):
                self.model, self.steps, self.kept = model, list(steps), []

            def after_step(self, t):
                if {chosen}:
                    self.kept.append({copy})

            def models(self):
                found = {found}
                for m, s in zip(found, self.kept):
                    {load}
                return found
        """,
        {
            "chosen": "t in self.steps",
            "copy": "copy.deepcopy(self.model.state_dict())",
            "found": "[copy.deepcopy(self.model).eval() for _ in self.kept]",
            "load": "m.load_state_dict(s)",
        },
    ),
    "ensemble_probabilities": (
        """
        def ensemble_probabilities(models, x):
            was = [(m, m.training) for model in models for m in model.modules()]
            for model in models:
                model.eval()
            with torch.no_grad():
                P = torch.stack([{each} for m in models])
                p = {p}
            for m, mode in {order}:
                {back}
            return p
        """,
        {"each": "m(x).softmax(1)", "p": "P.mean(0)", "order": "was", "back": "m.training = mode"},
    ),
    "WeightAverage": (
        """
        class WeightAverage:
            def __init__(self, model, decay=None):
                self.average, self.decay, self.updates = {begin}, decay, 0

            @torch.no_grad()
            def update(self, model):
                n, d = self.updates, self.decay
                share = {first} if n == 0 else {mean} if d is None else {ema}
                for a, w in zip(self.average.parameters(), model.parameters()):
                    {each}
                for a, b in zip(self.average.buffers(), model.buffers()):
                    {buffer}
                self.updates += 1
        """,
        {
            "begin": "copy.deepcopy(model)",
            "first": "1",
            "mean": "1 / (n + 1)",
            "ema": "1 - d",
            "each": "a.lerp_(w, share)",
            "buffer": "a.copy_(b)",
        },
    ),
    "refresh_batchnorm": (
        """
        def refresh_batchnorm(model, batches):
            was = [(m, m.training) for m in model.modules()]
            norms = [m for m, _ in was if isinstance(m, nn.modules.batchnorm._BatchNorm)]
            momenta = [m.momentum for m in norms]
            for m in norms{some}:
                {reset}
                m.momentum = {momentum}
            model.train()
            with torch.no_grad():
                for x in {batches}:
                    {forward}
            for m, momentum in zip(norms, momenta):
                m.momentum = momentum
            for m, mode in was:
                m.training = mode
        """,
        {
            "some": "",
            "reset": "m.reset_running_stats()",
            "momentum": "None",
            "batches": "batches",
            "forward": "model(x)",
        },
    ),
}

SLIPS = {
    "WarmupCosine": {
        "the warm-up squared": {"up": "((t + 1) / W) ** 2"},
        "a warm-up to the end": {"up": "(t + 1) / T"},
        "a quarter of a cosine": {"high": "math.cos(math.pi / 2 * done)"},
        "a cosine squared once too often": {"high": "((1 + math.cos(math.pi * done)) / 2) ** 2"},
        "whole numbers divided": {"done": "min(1, (t - W) // (T - W))"},
        "the end at T plus W": {"done": "min(1, (t - W) / T)"},
        "the last group falls to 0": {"rates": "rates if t < T else [*rates[:-1], 0.0]"},
        "the rates in another order": {"rates": "rates[::-1]"},
        "base rates that shrink for good": {"before": "self.base_lrs = [0.999 * b for b in self.base_lrs]"},
        "a restart behind T": {"t": "self.last_epoch % (self.T + 1)"},
        "the steps of the optimizer's own count": {"t": "self._step_count"},
        "a chain on top of the rate of now": {
            "rates": "[g['lr'] * r / g.setdefault('told', r) "
            "for g, r in zip(self.optimizer.param_groups, rates)]"
        },
        "base rates from the rates of now": {
            "before": "self.own = self.__dict__.get('own') "
            "or [g['lr'] for g in self.optimizer.param_groups]; self.base_lrs = self.own"
        },
    },
    "train_epoch": {
        "a step for two batches": {"step": "len(sizes) % 2 and optimizer.step()"},
        "a step more at the end": {"end": "optimizer.step()"},
        "the schedule told the loss": {"move": "schedule.step(0)"},
        "the schedule moved for each example": {"move": "[schedule.step() for _ in y]"},
        "the median batch": {"mean": "sorted(losses)[len(losses) // 2]"},
        "the best loss": {"mean": "min(losses)"},
        "sizes of the batch behind": {
            "mean": "sum(a * n for a, n in zip(losses, sizes[1:] + sizes[:1])) / sum(sizes)"
        },
        "clipped twice as far": {"clip": "nn.utils.clip_grad_norm_(model.parameters(), max_norm / 2)"},
        "the largest number bounded": {
            "clip": "nn.utils.clip_grad_norm_(model.parameters(), max_norm, norm_type=float('inf'))"
        },
        "the sum of sizes bounded": {
            "clip": "nn.utils.clip_grad_norm_(model.parameters(), max_norm, norm_type=1)"
        },
        "the first group clipped": {
            "clip": "nn.utils.clip_grad_norm_(optimizer.param_groups[0]['params'], max_norm)"
        },
        "the weights clipped": {"clip": "[w.data.clamp_(-max_norm, max_norm) for w in model.parameters()]"},
        "labels smoothed": {"backward": "F.cross_entropy(model(x), y, label_smoothing=0.1).backward()"},
        "backward twice": {"backward": "loss.backward(retain_graph=True); loss.backward()"},
        "training mode at the end": {"begin": "pass", "end": "model.train()"},
    },
    "backward_in_parts": {
        "divided by the number of parts at the end": {
            "backward": "loss.backward()",
            "end": "for w in model.parameters(): w.grad = None if w.grad is None else w.grad / len(starts)",
        },
        "a running mean of the parts": {
            "before": "for w in model.parameters(): w.grad = None if k == 0 else w.grad * k / (k + 1)",
            "backward": "(loss / (k + 1)).backward()",
        },
        "one example at a time": {"starts": "range(N)", "part": "x[start:start + 1], y[start:start + 1]"},
        "the same part again": {"part": "x[:micro_batch], y[:micro_batch]"},
        "no rest": {"starts": "range(0, max(1, N - micro_batch + 1), micro_batch)"},
        "parts that overlap": {"starts": "range(0, N, max(1, micro_batch - 1))"},
        "the whole once more for the loss": {"end": "whole = loss_function(model(x), y).item()"},
        "a root of the share": {"backward": "(loss * (len(a) / N) ** 0.5).backward()"},
        "evaluation mode": {"before": "model.eval()"},
        "training mode throughout": {"starts": "model.train() and range(0, N, micro_batch)"},
        "evaluation mode at the end": {"end": "model.eval()"},
        "a tensor with all graphs": {"end": "whole = whole + 0 * loss"},
        "gradients of unit length": {"end": "nn.utils.clip_grad_norm_(model.parameters(), 1.0)"},
    },
    "gradient_noise": {
        "the median": {"result": "torch.stack(off).median() ** 0.5"},
        "in evaluation mode": {"result": "(sum(off) / len(off)) ** 0.5 + 0 * len(str(model.eval()))"},
        "frozen parameters thawed": {
            "result": "(sum(off) / len(off)) ** 0.5 + 0 * len(str(model.requires_grad_(True)))"
        },
        "the largest": {"result": "max(off) ** 0.5"},
        "the sum of sizes": {"size": "abs().sum() ** 2"},
        "the largest number": {"size": "abs().max() ** 2"},
        "the distance of the mean": {"result": "(sum(all_g) / len(all_g) - g).norm()"},
        "the spread of the lengths": {
            "result": "torch.stack([h.norm() for h in all_g]).std(correction=0) if len(all_g) else 0"
        },
        "a root inside": {"size": "norm()", "result": "sum(off) / len(off)"},
        "the length of the gradient taken off": {
            "result": "abs(sum(h.square().sum() for h in all_g) / len(off) - g.square().sum()) ** 0.5"
        },
        "the root of the sum over the number": {"result": "sum(off) ** 0.5 / len(off)"},
        "every example once": {"rows": "rows.unique()"},
    },
    "Snapshots": {
        "parameters alone": {
            "copy": "[w.detach().clone() for w in self.model.parameters()]",
            "load": "for w, v in zip(m.parameters(), s): w.data = v",
        },
        "a shallow copy of the model": {
            "copy": "copy.copy(self.model)",
            "found": "self.kept",
            "load": "m.eval()",
        },
        "what is kept is handed out": {
            "copy": "copy.deepcopy(self.model).eval()",
            "found": "list(self.kept)",
            "load": "pass",
        },
        "evaluation mode in the midst of training": {
            "copy": "copy.deepcopy(self.model.eval())",
            "found": "[copy.deepcopy(m) for m in self.kept]",
            "load": "pass",
        },
        "training mode for all of the trained model": {
            "found": "[copy.deepcopy(self.model.eval()) for _ in self.kept]; self.model.train()",
        },
        "the first chosen step alone": {"chosen": "t == self.steps[0]"},
        "from the first chosen step on": {"chosen": "t >= min(self.steps)"},
        "the first steps of all": {"chosen": "len(self.kept) < len(self.steps)"},
        "the top alone in evaluation mode": {
            "found": "[copy.deepcopy(self.model) for _ in self.kept]",
            "load": "m.load_state_dict(s); m.training = False",
        },
        "whole numbers forgotten": {
            "copy": "{k: v.clone() for k, v in self.model.state_dict().items() if v.is_floating_point()}",
            "load": "m.load_state_dict(s, strict=False)",
        },
    },
    "ensemble_probabilities": {
        "parameters frozen for good": {"each": "m.requires_grad_(False)(x).softmax(1)"},
        "weighted by certainty": {
            "p": "(P * P.amax(2, keepdim=True)).sum(0) / P.amax(2, keepdim=True).sum(0)"
        },
        "a sigmoid": {"each": "m(x).sigmoid()"},
        "scores divided by their sum": {"each": "m(x) / m(x).sum(1, keepdim=True)"},
        "the logarithm of the mean": {"p": "P.mean(0).log()"},
        "softmax twice": {"each": "m(x).softmax(1).softmax(1)"},
        "classes": {"p": "P.mean(0).argmax(1)"},
        "half and half": {"p": "__import__('functools').reduce(lambda p, q: (p + q) / 2, P)"},
        "divided over the batch": {"p": "P.mean(0) / P.mean(0).sum(0)"},
        "modes turned round": {"back": "m.training = not mode"},
        "modes of the parts first": {"order": "was[::-1]", "back": "m.train(mode)"},
    },
    "WeightAverage": {
        "a decay of 0 taken for none": {"mean": "1 / (n + 1)", "ema": "(1 - d) if d else 1 / (n + 1)"},
        "the model that is shown in evaluation mode": {"each": "a.lerp_(w, share); model.eval()"},
        "gradients of the model forgotten": {"each": "a.lerp_(w, share); model.zero_grad()"},
        "every second model": {
            "each": "n % 2 or a.lerp_(w, 1 / (n // 2 + 1) if d is None or not n else 1 - d)"
        },
        "the decay as a power": {"ema": "1 - d ** (n + 1)"},
        "the mean of two": {"mean": "1 / min(2, n + 1)"},
        "a shallow copy": {"begin": "copy.copy(model)"},
        "matrices alone": {"each": "a.lerp_(w, share if w.ndim > 1 else 1)"},
        "a geometric mean": {"each": "a.copy_(w.sign() * a.abs() ** (1 - share) * w.abs() ** share)"},
        "memory of the first model": {
            "each": "a.data = w.data if share == 1 else a.data + share * (w.data - a.data)"
        },
        "memory of the buffers": {"buffer": "a.data = b.data"},
        "0.9 whatever was said": {"ema": "0.1"},
        "a decay of the mean": {"ema": "(1 - d) / (n + 1)"},
    },
    "refresh_batchnorm": {
        "mean and variance 0": {
            "reset": "m.running_mean is None or (m.running_mean.zero_(), m.running_var.zero_())"
        },
        "all batches as one": {"momentum": "1.0", "batches": "[torch.cat(list(batches))]"},
        "gradients forgotten": {"forward": "model(x); model.zero_grad()"},
        "frozen parameters thawed": {"forward": "model(x); model.requires_grad_(True)"},
        "two kinds alone": {
            "reset": "isinstance(m, nn.BatchNorm3d) or m.reset_running_stats()",
            "momentum": "m.momentum if isinstance(m, nn.BatchNorm3d) else None",
        },
        "instance normalizations as well": {
            "reset": "[p.reset_running_stats() for p, _ in was if hasattr(p, 'reset_running_stats')]",
            "some": " or [p for p, _ in was if isinstance(p, nn.InstanceNorm1d)]",
        },
        "normalizations alone in training mode": {
            "forward": "model.eval(); [m.train() for m in norms]; model(x)"
        },
        "twice": {"batches": "[*batches] * 2"},
        "without the first": {"batches": "list(batches)[1:]"},
        "momentum of a half": {"momentum": "0.5"},
        "backward besides": {
            "forward": "torch.set_grad_enabled(True); model(x).sum().backward()",
        },
        "the last norm forgotten": {"some": "[:-1]"},
        "the count forgotten": {
            "reset": "m.running_mean is None or (m.running_mean.zero_(), m.running_var.fill_(1))"
        },
        "the first half of each batch": {"forward": "model(x[: len(x) // 2 + 1])"},
    },
}
CASES = [(exercise, name) for exercise, slips in SLIPS.items() for name in slips]


def verdicts(exercise, changes, notebook, asked):
    template, right = FRAMES[exercise]
    names = notebook.with_source(dedent(template).format(**right | changes))
    return notebook.verdicts(names, exercise, asked)


@pytest.mark.parametrize("exercise", FRAMES)
def test_what_the_slips_are_made_from_is_right(exercise, notebook, questions):
    """So each of them is refused for the slip in it, and for nothing else."""
    for asked in questions:
        assert all(v.passed for v in verdicts(exercise, {}, notebook, asked))


@pytest.mark.parametrize(("exercise", "name"), CASES, ids=[f"{e}-{n}" for e, n in CASES])
def test_a_slip_that_no_catalogue_has_is_refused(exercise, name, notebook, questions):
    for asked in questions:
        assert not all(v.passed for v in verdicts(exercise, SLIPS[exercise][name], notebook, asked))
