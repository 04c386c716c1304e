"""Right answers to the PyTorch exercises of 12-capstone, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "to_network",
    "tensors from the start, of a contiguous copy",
    """
    def to_network(images, mean, std):
        x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
        m, d = (torch.as_tensor(np.array(v), dtype=torch.float32)[None, :, None, None] for v in (mean, std))
        return (x - m) / d
    """,
)
way(
    "to_network",
    "channel by channel, in float32",
    """
    def to_network(images, mean, std):
        N, H, W, C = images.shape
        x = torch.empty(N, C, H, W)
        for c in range(C):
            pixels = images[..., c].astype(np.float32) / np.float32(255)
            x[:, c] = torch.from_numpy((pixels - np.float32(mean[c])) / np.float32(std[c]))
        return x
    """,
)
way(
    "to_network",
    "scaled to the bytes, image by image",
    """
    def to_network(images, mean, std):
        bytes_mean, bytes_std = 255 * np.asarray(mean), 255 * np.asarray(std)
        rows = [np.moveaxis((image - bytes_mean) / bytes_std, -1, 0) for image in images]
        return torch.tensor(np.stack(rows).astype("float32"))
    """,
)
way(
    "stored_numbers",
    "by the identity of what state_dict holds",
    """
    def stored_numbers(model):
        held = {id(v): v for v in model.state_dict(keep_vars=True).values()}
        return sum(v.numel() for v in held.values() if v.dtype.is_floating_point)
    """,
)
way(
    "stored_numbers",
    "a set of what each module owns",
    """
    def stored_numbers(model):
        seen = set()
        for part in model.modules():
            for v in [*part._parameters.values(), *part._buffers.values()]:
                if v is not None and v.is_floating_point():
                    seen.add(v)
        total = 0
        for v in seen:
            total += math.prod(v.shape)
        return total

    import math
    """,
)
way(
    "stored_numbers",
    "all but the counters, by name",
    """
    def stored_numbers(model):
        trained = sum([p.nelement() for p in model.parameters()])
        kept = [b.nelement() for _, b in model.named_buffers() if b.dtype != torch.int64]
        return int(np.sum([trained, *kept], dtype=np.int64))
    """,
)
way(
    "pack",
    "NumPy rounds, and copies",
    """
    def pack(model):
        state = {name: v.detach().cpu().numpy() for name, v in model.state_dict().items()}
        return {k: a.astype(np.float16) if a.dtype.kind == "f" else a.copy() for k, a in state.items()}
    """,
)
way(
    "pack",
    "a copy of the model is halved",
    """
    import copy

    def pack(model):
        narrow = copy.deepcopy(model).half()
        return {name: v.numpy() for name, v in narrow.state_dict().items()}
    """,
)
way(
    "pack",
    "a loop over parameters, another over buffers",
    """
    def pack(model):
        arrays = {}
        with torch.no_grad():
            for name, p in model.named_parameters(remove_duplicate=False):
                arrays[name] = np.array(p.cpu(), dtype="float16")
            for name, b in model.named_buffers(remove_duplicate=False):
                arrays[name] = np.array(b.cpu(), dtype="float16" if b.is_floating_point() else None)
        return arrays
    """,
)
way(
    "unpack",
    "sets of names, then load_state_dict",
    """
    def unpack(model, arrays):
        shapes = {name: v.shape for name, v in model.state_dict().items()}
        wrong = set(shapes) ^ set(arrays)
        wrong |= {k for k in set(shapes) & set(arrays) if torch.Size(np.shape(arrays[k])) != shapes[k]}
        if wrong:
            raise ValueError("these do not fit: " + ", ".join(sorted(wrong)))
        model.load_state_dict({name: torch.as_tensor(array) for name, array in arrays.items()})
    """,
)
way(
    "unpack",
    "loads, and puts the old state back",
    """
    import copy

    def unpack(model, arrays):
        before = copy.deepcopy(model.state_dict())
        try:
            model.load_state_dict({k: torch.as_tensor(a) for k, a in arrays.items()}, strict=True)
        except RuntimeError as error:
            model.load_state_dict(before)
            raise ValueError(str(error)) from None
    """,
)
way(
    "unpack",
    "three kinds of complaint, tensors by name",
    """
    def unpack(model, arrays):
        own = dict(model.named_parameters()) | dict(model.named_buffers())
        for name in own:
            if name not in arrays:
                raise ValueError(f"no array {name}")
        for name, array in arrays.items():
            if name not in own:
                raise ValueError(f"the model has no {name}")
            if tuple(array.shape) != tuple(own[name].shape):
                raise ValueError(f"{name} has another shape")
        for name, v in own.items():
            v.data[...] = torch.tensor(arrays[name]).to(v.dtype)
        return model
    """,
)
way(
    "build_network",
    "layers of one's own",
    """
    def build_network(seed=0):
        torch.manual_seed(seed)
        layers, c_in = [], 3
        for c_out in (16, 32, 64):
            layers += [nn.Conv2d(c_in, c_out, 3, padding=1), nn.BatchNorm2d(c_out)]
            layers += [nn.ReLU(), nn.MaxPool2d(2)]
            c_in = c_out
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, 10))
    """,
)
way(
    "build_network",
    "a module with a forward, and two members in one",
    """
    def build_network(seed=0):
        class Pair(nn.Module):
            def __init__(self):
                super().__init__()
                self.members = nn.ModuleList([network(Tricks(), 6, 2 * seed + k) for k in range(2)])

            def forward(self, x):
                return torch.stack([member(x).softmax(dim=1) for member in self.members]).mean(dim=0).log()

        return Pair()
    """,
)
way(
    "build_network",
    "wider, as far as 16 bits allow",
    """
    def build_network(seed=0):
        return network(Tricks(batch_norm=True, dropout=0.2), channels=12, seed=seed)
    """,
)
way(
    "train_within",
    "a list of durations",
    """
    def train_within(epoch, seconds, clock):
        start, took = clock(), []
        while True:
            before = clock()
            if took and (before - start) + max(took) > seconds:
                return len(took)
            epoch((before - start) / seconds)
            took.append(clock() - before)
    """,
)
way(
    "train_within",
    "the seconds that are left",
    """
    def train_within(epoch, seconds, clock):
        end = clock() + seconds
        left, longest, n = seconds, 0, 0
        while longest <= left:
            epoch(1 - left / seconds)
            now_left = end - clock()
            longest = max(longest, left - now_left)
            left, n = now_left, n + 1
        return n
    """,
)
way(
    "train_within",
    "the first epoch on its own",
    """
    def train_within(epoch, seconds, clock):
        t0 = clock()
        epoch(0.0)
        t = clock()
        longest, count = t - t0, 1
        while t - t0 <= seconds - longest:
            epoch(min(1.0, (t - t0) / seconds))
            previous, t = t, clock()
            if t - previous > longest:
                longest = t - previous
            count += 1
        return count
    """,
)
way(
    "mean_probabilities",
    "a running sum, view by view",
    """
    @torch.no_grad()
    def mean_probabilities(models, x, batch):
        total = 0
        for model in models:
            was = {part: part.training for part in model.modules()}
            model.eval()
            for view in (x, torch.flip(x, dims=[3])):
                total = total + torch.cat([F.softmax(model(v), dim=-1) for v in torch.split(view, batch)])
            for part in was:
                part.training = was[part]
        return total / (2 * len(models))
    """,
)
way(
    "mean_probabilities",
    "filled in, by indices",
    """
    def mean_probabilities(models, x, batch):
        import copy

        own = [copy.deepcopy(model).eval() for model in models]
        p = None
        for i in range(0, len(x), batch):
            part = x[i : i + batch]
            for k, model in enumerate(own):
                for j, view in enumerate((part, part[..., torch.arange(x.shape[-1] - 1, -1, -1)])):
                    found = torch.softmax(model(view).detach(), 1)
                    if p is None:
                        p = found.new_zeros(len(x), 2 * len(own), found.shape[1])
                    p[i : i + batch, 2 * k + j] = found
        return p.mean(dim=1)
    """,
)
way(
    "mean_probabilities",
    "inference mode, the mean of two means",
    """
    def mean_probabilities(models, x, batch):
        modes = [[part.training for part in model.modules()] for model in models]
        with torch.inference_mode():
            means = []
            for flipped in (False, True):
                rows = []
                for part in x.split(batch):
                    part = torch.flip(part, (-1,)) if flipped else part
                    rows.append(sum(model.eval()(part).softmax(1) for model in models) / len(models))
                means.append(torch.cat(rows, dim=0))
        for model, kept in zip(models, modes):
            for part, mode in zip(model.modules(), kept):
                part.training = mode
        return (means[0] + means[1]) / 2
    """,
)
way(
    "leave_one_out",
    "all sets first, one table",
    """
    def leave_one_out(train, tricks, seeds):
        sets = [frozenset(tricks)] + [frozenset(t for t in tricks if t != out) for out in tricks]
        table = np.array([[train(chosen, seed) for chosen in sets] for seed in seeds])
        return {trick: table[:, 0] - table[:, k + 1] for k, trick in enumerate(tricks)}
    """,
)
way(
    "leave_one_out",
    "with a memory",
    """
    def leave_one_out(train, tricks, seeds):
        known = {}

        def v(chosen, seed):
            if (chosen, seed) not in known:
                known[chosen, seed] = train(chosen, seed)
            return known[chosen, seed]

        full = frozenset(tricks)
        return {k: np.array([v(full, s) - v(full.difference([k]), s) for s in seeds]) for k in tricks}
    """,
)
way(
    "leave_one_out",
    "loops, filled in",
    """
    def leave_one_out(train, tricks, seeds):
        losses = {trick: np.zeros(len(seeds)) for trick in tricks}
        for s, seed in enumerate(seeds):
            best = train(frozenset(tricks), seed)
            for trick in tricks:
                others = list(tricks)
                others.remove(trick)
                losses[trick][s] = best - train(frozenset(others), seed)
        return losses
    """,
)
way(
    "predict",
    "the network is made once, one batch of all images",
    """
    net = build_network(3)
    net.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items() if k not in {"mean", "std"}})
    net.eval()

    def predict(images):
        x = torch.from_numpy(((images / 255 - weights["mean"]) / weights["std"]).astype(np.float32))
        with torch.inference_mode():
            return net(x.movedim(-1, 1)).argmax(1).numpy()
    """,
)
way(
    "predict",
    "image by image, int8 labels",
    """
    model = build_network()
    unpack(model, {name: weights[name] for name in model.state_dict()})
    model.eval().requires_grad_(False)

    def predict(images):
        labels = np.empty(len(images), dtype=np.int8)
        for i, image in enumerate(images):
            x = to_network(image[np.newaxis], weights["mean"], weights["std"])
            labels[i] = int(model(x).argmax())
        return labels
    """,
)
way(
    "predict",
    "the weights are copied, batches of 64, scores of both views added",
    """
    read = {name: values.astype(np.float32) for name, values in weights.items()}

    def predict(images):
        mean, std = read["mean"], read["std"]
        model = build_network()
        unpack(model, {k: v for k, v in read.items() if k in model.state_dict()})
        model.eval()
        found = []
        with torch.no_grad():
            for i in range(0, len(images), 64):
                x = to_network(images[i : i + 64], mean, std)
                found += (model(x) + model(x.flip(3))).max(dim=1).indices.tolist()
        return np.array(found, dtype=np.int32)
    """,
)
way(
    "test_predict",
    "one property after the other",
    """
    def test_predict(implementation):
        rng = np.random.default_rng(7)
        images = np.zeros((29, 32, 32, 3), dtype=np.uint8)
        images[:] = rng.integers(30, 220, (29, 1, 1, 3))
        images += rng.integers(0, 30, images.shape).astype(np.uint8)
        before = images.copy()
        labels = implementation(images)
        assert np.array_equal(before, images), "images have changed"
        assert type(labels) is np.ndarray and labels.shape == (29,) and labels.dtype.kind in "iu"
        assert set(labels.tolist()) <= set(range(10))
        order = rng.permutation(29)
        assert np.array_equal(implementation(images[order]), labels[order]), "order"
        for i in range(29):
            one = implementation(images[i : i + 1])
            assert one.shape == (1,) and one[0] == labels[i]
        assert np.array_equal(implementation(images), labels), "twice"
    """,
)
way(
    "test_predict",
    "raises by hand",
    """
    def test_predict(implementation):
        rng = np.random.default_rng(1)
        images = rng.integers(0, 256, (31, 32, 32, 3), dtype=np.uint8) // 3
        images += rng.integers(0, 170, (31, 1, 1, 3), dtype=np.uint8)
        kept = images.tobytes()
        labels = implementation(images)
        if images.tobytes() != kept:
            raise ValueError("in place")
        if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu" or labels.shape != (31,):
            raise TypeError("labels")
        if not ((labels >= 0) & (labels < 10)).all():
            raise ValueError("classes")
        for start in (0, 5, 17):
            for stop in (start + 1, start + 9):
                if not np.array_equal(implementation(images[start:stop].copy()), labels[start:stop]):
                    raise ValueError("depends on the others")
        alone = np.concatenate([implementation(image[None].copy()) for image in images])
        if not (alone == labels).all():
            raise ValueError("alone")
    """,
)
way(
    "test_predict",
    "small helpers",
    """
    def test_predict(implementation):
        def some(seed, N):
            rng = np.random.default_rng(seed)
            base = rng.uniform(0, 1, (N, 1, 1, 3)) ** 2 * 200
            return (base + rng.uniform(0, 55, (N, 32, 32, 3))).astype(np.uint8)

        def labels_of(images):
            given = images.copy()
            found = implementation(images)
            np.testing.assert_array_equal(given, images)
            assert isinstance(found, np.ndarray)
            assert found.ndim == 1 and len(found) == len(images) and np.issubdtype(found.dtype, np.integer)
            assert found.min() >= 0 and found.max() < 10
            return found

        for seed, N in ((0, 37), (1, 11), (2, 45)):
            images = some(seed, N)
            labels = labels_of(images)
            np.testing.assert_array_equal(labels, labels_of(images))
            np.testing.assert_array_equal(labels[::-1], labels_of(images[::-1].copy()))
            for i in range(N):
                np.testing.assert_array_equal(labels[i : i + 1], labels_of(images[i : i + 1]))
    """,
)
