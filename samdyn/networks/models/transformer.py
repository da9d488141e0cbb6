"""A small causal transformer, which predicts the next token of a text."""

from math import sqrt

import torch
from torch import nn
from torch.nn.functional import cross_entropy, gelu, scaled_dot_product_attention

from ... import checks
from .weights import drawing

STD = 0.02  # standard deviation of the initial weights, which GPT-2 has


def gpt(
    vocabulary: int, context: int = 64, width: int = 64, depth: int = 4, heads: int = 4, *, seed: int = 0
) -> nn.Module:
    """Return a causal transformer: tokens, int64 ``(N, T)`` -> logits of the next token, ``(N, T, vocabulary)``.

    T is at most the context. The logits at a position are a function of the tokens up to there. The network is the
    decoder of GPT-2: learned embeddings of tokens and positions, ``depth`` blocks, layer norm, and a linear layer
    without bias, whose weights are not those of the embedding. A block adds attention to its input, and then two affine
    layers with GELU between them, of 4·width features, each after a layer norm. With V = vocabulary, T = context,
    D = width and L = depth there are 2VD + TD + L(12D² + 13D) + 2D parameters.

    Weights are drawn from N(0, 0.02²), those of the 2L layers that end in a sum divided by √(2L). Biases are 0. So the
    logits are small, and the loss is nearly log V.

    Hessians need torch's plain kernel of attention, since the others have no second derivative. ``networks.Network``
    chooses it; elsewhere use ``torch.nn.attention.sdpa_kernel(SDPBackend.MATH)``.

    Args:
        vocabulary: the number V of tokens, at least 2.
        context: the largest number T of tokens.
        width: the number D of features of a token.
        depth: the number L of blocks.
        heads: the number of heads of attention, which divides the width.
        seed: the seed of the weights.

    Raises:
        InputError: a number that is not an integer ≥ 1, a vocabulary of one token, or a width that is no multiple of
            the heads; a seed that is not an integer in [0, 2³²). The network raises it for tokens of another shape or
            dtype, and for more tokens than the context.

    [A. Radford et al. 2019, Language models are unsupervised multitask learners, sec. 2.3; A. Vaswani et al. 2017,
    Attention is all you need, sec. 3]

    >>> from samdyn.networks import models
    >>> net = models.gpt(vocabulary=96, context=16)
    >>> net(torch.zeros(2, 10, dtype=torch.int64)).shape, sum(p.numel() for p in net.parameters())
    (torch.Size([2, 10, 96]), 213376)
    """
    vocabulary = checks.count("vocabulary", vocabulary, "Use e.g. vocabulary=96")
    if vocabulary == 1:
        checks.reject("vocabulary", vocabulary, "leaves nothing to predict", "Use at least 2")
    context = checks.count("context", context, "Use e.g. context=64")
    width, depth = checks.count("width", width, "Use e.g. width=64"), checks.count("depth", depth, "Use e.g. depth=4")
    if width % checks.count("heads", heads, "Use e.g. heads=4"):
        checks.reject("heads", heads, f"must divide the width {width}", "Use e.g. width=64 and heads=4")
    with drawing(seed):
        return _Transformer(vocabulary, context, width, depth, heads)


def next_token_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of N texts and all of their positions, in nats per token.

    It is the criterion of ``networks.Network`` and ``networks.train_epoch`` for ``gpt``.

    Args:
        logits: ``(N, T, V)``.
        targets: the tokens that follow, int64 ``(N, T)``.

    >>> from samdyn.networks import models
    >>> targets = torch.zeros(2, 3, dtype=torch.int64)
    >>> round(float(models.next_token_loss(torch.zeros(2, 3, 5), targets)), 4)  # log 5
    1.6094
    """
    return cross_entropy(logits.flatten(0, 1), targets.flatten())


class _Transformer(nn.Module):
    def __init__(self, vocabulary: int, context: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.empty(context, width))
        nn.init.normal_(self.tokens.weight, std=STD)
        nn.init.normal_(self.positions, std=STD)
        self.blocks = nn.Sequential(*(_Block(width, heads, depth) for _ in range(depth)))
        self.norm, self.logits = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        nn.init.normal_(self.logits.weight, std=STD)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        if tokens.ndim != 2 or tokens.dtype != torch.int64:
            fix = "Give the numbers of tokens, a row for each text"
            checks.reject("tokens", f"{tuple(tokens.shape)} {tokens.dtype}", "must be int64 (N, T)", fix)
        length, context = tokens.shape[1], len(self.positions)
        if length > context:
            fix = "Give shorter texts, or make the network with a longer context"
            checks.reject("tokens", length, f"is more in a text than the context of {context}", fix)
        x = self.tokens(tokens) + self.positions[:length]
        return self.logits(self.norm(self.blocks(x)))


class _Block(nn.Module):
    """x + attention(norm(x)), and then x + affine(gelu(affine(norm(x)))), in a network of ``depth`` blocks."""

    def __init__(self, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.heads = heads
        std = STD / sqrt(2 * depth)  # of the two layers that end in the sum, whose variance then has one size
        self.before_attention, self.before_layers = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.project = _affine(width, 3 * width), _affine(width, width, std)
        self.up, self.down = _affine(width, 4 * width), _affine(4 * width, width, std)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = self.query_key_value(self.before_attention(x)).unflatten(-1, (3, self.heads, -1))
        query, key, value = parts.movedim(-4, -2).unbind(-4)  # (N, heads, T, width / heads) each
        mixed = scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.project(mixed.transpose(-2, -3).flatten(-2))
        return x + self.down(gelu(self.up(self.before_layers(x))))


def _affine(before: int, after: int, std: float = STD) -> nn.Linear:
    layer = nn.Linear(before, after)
    nn.init.normal_(layer.weight, std=std)
    nn.init.zeros_(layer.bias)
    return layer
