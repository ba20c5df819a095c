"""First-layer filters that start from words of the training sequences, so that rare motifs are learned at all."""

from __future__ import annotations

import logging

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from lucidna.kmers import Word, telling_words
from lucidna.sequence import decode, reverse_complement
from lucidna.training.recipes.base import Component, Examples

log = logging.getLogger(__name__)

MOST_ROWS = 20_000
SPAN = 500  # bp around the window's centre in which words are counted
_KEPT = 0.2  # of the random filter, so that filters of one word differ between seeds


class KmerFilters(Component):
    """Start part of the first layer's filters at words whose presence goes with high targets.

    The words (`kmers.telling_words`) are counted in the training rows alone, with the labels that training
    sees: a label-shuffled control gets words of its shuffled labels, mostly none. No motif database is read.
    A filter w of norm n becomes ``w' = n u / |u| + w / 5`` with u the word's columns, 1 at its base and -1/3 at the
    others. Each word makes a filter for either strand (one for a palindrome): +1 at its bases and -1/3 at the others,
    in the filter's middle, with the norm of the filter that it replaces, plus a fifth of that filter. All are
    trained like the others afterwards.

    A motif in a few hundredths of few training sequences is found by counting, but hardly by gradient descent from
    random filters, which the frequent motifs drive. Defaults: those of its entry, chosen on simulated data.
    Costs nothing per step. It hurts where the words do not
    matter: they then take filters away from others, and a bias of the assay that is a word is learned sooner
    too. Starting filters from known or enriched motifs is an old practice (Quang and Xie, Nucleic Acids
    Research 44:e107, 2016, from a motif database); this way of choosing and scaling them is our own.
    """

    name = "kmer_filters"

    def initialise(self, model: nn.Module, examples: Examples) -> None:
        """Replace filters 0, 1, ... of the first convolution over the four bases."""
        layer = next(part for part in model.modules() if isinstance(part, nn.Conv1d) and part.in_channels == 4)
        places = int(self.arguments["share"] * layer.out_channels)
        rows = examples.rows
        if len(rows) > MOST_ROWS:
            rows = rows[np.linspace(0, len(rows) - 1, MOST_ROWS).astype(np.int64)]
        batch = examples.read(rows)
        codes, targets = batch["codes"].numpy(), batch["target"].numpy()
        start = max((codes.shape[1] - SPAN) // 2, 0)
        words = telling_words(codes[:, start : start + SPAN], targets, k=self.arguments["k"], n=places)
        filters = word_filters(words, width=layer.kernel_size[0])[:places]
        names = ", ".join(decode(word.codes) for word in words[:5]) or "none"
        log.info("%d first filters start from words; the most telling: %s", len(filters), names)
        with torch.no_grad():
            weights = layer.weight.clone()
            for index, pattern in enumerate(filters):
                own = weights[index]
                start_from = torch.from_numpy(pattern).to(own)
                weights[index] = start_from * (own.norm() / start_from.norm()) + _KEPT * own
            if parametrize.is_parametrized(layer, "weight"):
                layer.weight = weights
            else:
                layer.weight.copy_(weights)


def word_filters(words: list[Word], *, width: int) -> np.ndarray:
    """Return float32 (n, 4, width): each word and its reverse complement, +1 at its bases and -1/3 at others.

    A palindrome has one filter. Outside the word, in the middle, a filter is zero.
    """
    filters = []
    for word in words:
        both = [word.codes, reverse_complement(word.codes)]
        for codes in both[:1] if np.array_equal(*both) else both:
            pattern = np.zeros((4, width), dtype=np.float32)
            columns = (width - len(codes)) // 2 + np.arange(len(codes))
            pattern[:, columns] = -1 / 3
            pattern[codes, columns] = 1
            filters.append(pattern)
    return np.stack(filters) if filters else np.zeros((0, 4, width), dtype=np.float32)
