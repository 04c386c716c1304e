"""Right answers to the PyTorch exercises of 11-transfer-learning, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "FrozenBackbone",
    "a loop over the parameters, the mode of this module stays as it is",
    """
    class FrozenBackbone(nn.Module):
        def __init__(self, backbone):
            super().__init__()
            for p in backbone.parameters():
                p.requires_grad = False
            backbone.eval()
            self.backbone = backbone

        def train(self, mode=True):
            return self

        @torch.no_grad()
        def forward(self, images):
            return self.backbone(images)
    """,
)
way(
    "FrozenBackbone",
    "evaluation mode at every call, too",
    """
    class FrozenBackbone(nn.Module):
        def __init__(self, backbone):
            super(FrozenBackbone, self).__init__()
            self.backbone = backbone
            self.backbone.requires_grad_(False)

        def train(self, mode=True):
            self.training = mode
            self.backbone.eval()
            return self

        @torch.no_grad()
        def forward(self, images):
            self.backbone.eval()
            return self.backbone(images)
    """,
)
way(
    "FrozenBackbone",
    "always told to evaluate",
    """
    class FrozenBackbone(nn.Module):
        def __init__(self, backbone):
            super().__init__()
            self.backbone = backbone.requires_grad_(False)
            self.train()

        def train(self, mode=True):
            return super().train(False)

        def forward(self, images):
            return self.backbone(images).detach()
    """,
)
way(
    "FrozenBackbone",
    "a copy, each child told by itself",
    """
    class FrozenBackbone(nn.Module):
        def __init__(self, backbone):
            super().__init__()
            self.backbone = copy.deepcopy(backbone)
            for _, p in self.backbone.named_parameters():
                p.requires_grad_(False)
            self.train(True)

        def train(self, mode=True):
            self.training = mode
            for child in self.children():
                child.train(False)
            return self

        def forward(self, images):
            with torch.set_grad_enabled(False):
                features = self.backbone(images)
            return features
    """,
)
way(
    "FrozenBackbone",
    "a backbone with a train of its own",
    """
    class FrozenBackbone(nn.Module):
        def __init__(self, backbone):
            super().__init__()
            self.backbone = backbone.requires_grad_(False).eval()
            self.backbone.train = lambda mode=True: self.backbone

        def forward(self, images):
            return self.backbone(images.detach())
    """,
)

way(
    "new_head",
    "under no_grad",
    """
    def new_head(width, classes):
        head = nn.Linear(in_features=width, out_features=classes, bias=True)
        with torch.no_grad():
            for p in head.parameters():
                p.zero_()
        return head
    """,
)
way(
    "new_head",
    "other parameters",
    """
    def new_head(width, classes):
        head = nn.Linear(width, classes)
        head.weight = nn.Parameter(torch.zeros(classes, width))
        head.bias = nn.Parameter(torch.zeros(classes))
        return head
    """,
)
way(
    "new_head",
    "the data of the parameters",
    """
    def new_head(width, classes):
        layer = nn.Linear(width, classes)
        layer.weight.data.fill_(0)
        layer.bias.data *= 0
        return layer
    """,
)
way(
    "new_head",
    "a state of zeros, loaded",
    """
    def new_head(width, classes):
        head = nn.Linear(width, classes)
        head.load_state_dict({k: torch.zeros_like(v) for k, v in head.state_dict().items()})
        return head
    """,
)
way(
    "new_head",
    "a class of its own",
    """
    class ZeroLinear(nn.Linear):
        def reset_parameters(self):
            nn.init.constant_(self.weight, 0.0)
            nn.init.constant_(self.bias, 0.0)

    def new_head(width, classes):
        return ZeroLinear(width, classes)
    """,
)

way(
    "cache_features",
    "split, modes in a list, restored in finally",
    """
    def cache_features(backbone, images, batch_size=250):
        modes = [(m, m.training) for m in backbone.modules()]
        try:
            backbone.train(False)
            with torch.no_grad():
                device = next(iter(backbone.parameters())).device
                return torch.cat([backbone(b.to(device)) for b in torch.split(images, batch_size)], dim=0)
        finally:
            for m, mode in modes:
                m.training = mode
    """,
)
way(
    "cache_features",
    "a data loader and a decorator",
    """
    @torch.no_grad()
    def cache_features(backbone, images, batch_size=250):
        awake = [m for m in backbone.modules() if m.training]
        backbone.eval()
        loader = torch.utils.data.DataLoader(images, batch_size=batch_size, shuffle=False)
        device = list(backbone.parameters())[0].device
        features = []
        for batch in loader:
            features.append(backbone(batch.to(device)))
        for m in awake:
            m.training = True
        return torch.vstack(features)
    """,
)
way(
    "cache_features",
    "one image at a time, written into a tensor, detached",
    """
    def cache_features(backbone, images, batch_size=250):
        modes = {name: m.training for name, m in backbone.named_modules()}
        backbone.eval()
        device = [p.device for p in backbone.parameters()][0]
        out = None
        for n in range(len(images)):
            row = backbone(images[n : n + 1].to(device)).detach()
            if out is None:
                out = row.new_empty(len(images), row.shape[1])
            out[n] = row[0]
        for name, m in backbone.named_modules():
            m.training = modes[name]
        return out
    """,
)
way(
    "cache_features",
    "a copy of the backbone, inference mode and a clone",
    """
    def cache_features(backbone, images, batch_size=250):
        twin = copy.deepcopy(backbone).eval()
        device = next(twin.parameters()).device
        count = -(-len(images) // batch_size)
        with torch.inference_mode():
            found = [twin(images[k * batch_size : (k + 1) * batch_size].to(device)) for k in range(count)]
        return torch.cat([f.clone() for f in found])
    """,
)

way(
    "parameter_groups",
    "a rate that shrinks",
    """
    def parameter_groups(backbone, head, lr, decay):
        groups = [{"params": [p for p in head.parameters() if p.requires_grad], "lr": lr}]
        for name, stage in list(backbone.named_children())[::-1]:
            params = list(stage.parameters())
            if not params:
                continue
            lr = lr * decay
            params = [p for p in params if p.requires_grad]
            if params:
                groups.append({"params": params, "lr": lr})
        return groups
    """,
)
way(
    "parameter_groups",
    "one comprehension, iterators of filter",
    """
    def parameter_groups(backbone, head, lr, decay):
        parts = [head] + [s for s in reversed(list(backbone.children())) if len(list(s.parameters())) > 0]
        pairs = [(list(filter(lambda p: p.requires_grad, part.parameters())), part) for part in parts]
        return [dict(lr=lr * decay ** k, params=ps) for k, (ps, _) in enumerate(pairs) if len(ps) > 0]
    """,
)
way(
    "parameter_groups",
    "names with the parameters, a logarithm of the rate",
    """
    def parameter_groups(backbone, head, lr, decay):
        import math
        log_rate, groups = math.log(lr), []
        for part in (head, *backbone[::-1]):
            if sum(p.numel() for p in part.parameters()) == 0:
                continue
            trainable = [(f"{len(groups)}.{n}", p) for n, p in part.named_parameters() if p.requires_grad]
            if trainable:
                groups.append({"params": trainable, "lr": math.exp(log_rate)})
            log_rate += math.log(decay)
        return groups
    """,
)
way(
    "parameter_groups",
    "powers counted from the front, a generator of dicts made a list",
    """
    def parameter_groups(backbone, head, lr, decay):
        stages = [s for s in backbone if next(s.parameters(), None) is not None]
        L = len(stages)
        parts = stages + [head]
        out = []
        for l in range(L, -1, -1):
            ps = [p for p in parts[l].parameters() if p.requires_grad]
            if not ps:
                continue
            out.append({"params": ps, "lr": lr * pow(decay, L - l)})
        return out
    """,
)

way(
    "unfreeze_last",
    "from the end, with a count",
    """
    def unfreeze_last(backbone, n):
        opened = []
        for name, stage in reversed(list(backbone.named_children())):
            params = list(stage.parameters())
            open_it = bool(params) and len(opened) < n
            for p in params:
                p.requires_grad = open_it
            if open_it:
                opened.insert(0, name)
        return opened
    """,
)
way(
    "unfreeze_last",
    "a case of its own for 0",
    """
    def unfreeze_last(backbone, n):
        for p in backbone.parameters():
            p.requires_grad_(False)
        names = [k for k, s in backbone.named_children() if len(list(s.parameters()))]
        if n == 0:
            return []
        names = names[-n:]
        for k in names:
            getattr(backbone, k).requires_grad_()
        return names
    """,
)
way(
    "unfreeze_last",
    "by the names of the parameters",
    """
    def unfreeze_last(backbone, n):
        names = list(dict.fromkeys(key.split(".")[0] for key, _ in backbone.named_parameters()))
        last = names[len(names) - min(n, len(names)) :]
        for key, p in backbone.named_parameters():
            p.requires_grad = key.split(".")[0] in last
        return last
    """,
)
way(
    "unfreeze_last",
    "enumerated, returned as a tuple",
    """
    def unfreeze_last(backbone, n):
        stages = {k: s for k, s in backbone._modules.items() if any(p is not None for p in s.parameters())}
        result = ()
        for i, (k, s) in enumerate(stages.items()):
            is_open = i >= len(stages) - n
            s.requires_grad_(is_open)
            result += (k,) if is_open else ()
        return result
    """,
)

way(
    "set_modes",
    "what has running statistics",
    """
    def set_modes(model):
        model.train(True)
        for m in model.modules():
            if hasattr(m, "running_mean") and all(not p.requires_grad for p in m.parameters()):
                m.eval()
        return model
    """,
)
way(
    "set_modes",
    "apply, the base class",
    """
    def set_modes(model):
        from torch.nn.modules.batchnorm import _BatchNorm

        def choose(module):
            frozen = not (True in [p.requires_grad for p in module.parameters(recurse=False)])
            module.training = not (isinstance(module, _BatchNorm) and frozen)

        model.apply(choose)
    """,
)
way(
    "set_modes",
    "by the name of the class, gamma or beta",
    """
    def set_modes(model):
        model.train()
        for name, layer in model.named_modules():
            if type(layer).__name__.startswith("BatchNorm"):
                if not (layer.weight.requires_grad or layer.bias.requires_grad):
                    layer.training = False
    """,
)
way(
    "set_modes",
    "frozen layers of every kind, the accepted convention",
    """
    def set_modes(model):
        model.train()
        for layer in model.modules():
            params = list(layer.parameters(recurse=False))
            if params and not any(p.requires_grad for p in params):
                layer.eval()
    """,
)

way(
    "thaw",
    "a loop with is",
    """
    def thaw(optimizer, stage, lr):
        fresh = []
        for p in stage.parameters():
            p.requires_grad = True
            if not any(p is q for group in optimizer.param_groups for q in group["params"]):
                fresh.append(p)
        if len(fresh) > 0:
            optimizer.add_param_group(dict(params=fresh, lr=lr))
    """,
)
way(
    "thaw",
    "sets of tensors, which go by identity",
    """
    def thaw(optimizer, stage, lr):
        stage.requires_grad_(True)
        known = set()
        for group in optimizer.param_groups:
            known.update(group["params"])
        missing = [p for p in stage.parameters() if p not in known]
        if not missing:
            return
        optimizer.add_param_group({"lr": lr, "params": missing})
    """,
)
way(
    "thaw",
    "a bare dict with the defaults",
    """
    def thaw(optimizer, stage, lr):
        for p in stage.parameters():
            p.requires_grad_()
        known = [id(p) for g in optimizer.param_groups for p in g["params"]]
        new = {"params": [p for p in stage.parameters() if id(p) not in known], "lr": lr}
        if new["params"]:
            optimizer.param_groups.append({**optimizer.defaults, **new})
    """,
)
way(
    "thaw",
    "the rate written afterwards",
    """
    def thaw(optimizer, stage, lr):
        stage.requires_grad_()
        before = {q for group in optimizer.param_groups for q in group["params"]}
        added = list(filter(lambda p: p not in before, stage.parameters()))
        if added:
            optimizer.add_param_group({"params": added})
            optimizer.param_groups[-1]["lr"] = lr
        return optimizer
    """,
)
