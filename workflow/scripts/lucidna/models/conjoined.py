"""Any network, made to predict the same for a sequence and for its reverse complement."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class Conjoined(nn.Module):
    """The mean of a network's predictions for both strands, the other strand's turned back.

    The network is called once per strand, never on both strands in one batch: DeepLIFT's rules pair a sequence with
    its reference by their places in the batch, and keep what each call of a module has seen apart from the next
    call's. The two terms are exchanged, bit by bit, when the input is turned.

    Parameters
    ----------
    network : nn.Module
        (x (N, 4, L), control or None) -> (N, T), or a tuple of profile logits (N, C, L_out) and (N, T).
    channels : list of list of int
        For each task, its rows among the C signal channels; the two of a stranded track are exchanged.
    control_order : sequence of int or None
        Where each control of the other strand lies; None leaves them where they are.

    Attributes
    ----------
    in_training : bool
        Whether both strands are averaged in training mode too. In evaluation mode they always are.
    """

    def __init__(
        self, network: nn.Module, *, channels: Sequence[Sequence[int]], control_order: Sequence[int] | None
    ) -> None:
        super().__init__()
        self.network = network
        self.signal_order = list(range(sum(len(task) for task in channels)))
        for task in channels:
            if len(task) == 2:
                self.signal_order[task[0]], self.signal_order[task[1]] = task[1], task[0]
        self.control_order = None if control_order is None else list(control_order)
        self.in_training = True

    def forward(self, x: Tensor, control: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Map as the network does."""
        prediction = self.network(x, control)
        if self.training and not self.in_training:
            return prediction
        if control is not None:
            control = (control if self.control_order is None else control[:, self.control_order]).flip(-1)
        # Bases lie in the order ACGT, so the complement is the reverse order.
        other = self.network(x.flip(1, 2), control)
        if isinstance(prediction, tuple):
            turned = other[0][:, self.signal_order].flip(-1)
            return (prediction[0] + turned) / 2, (prediction[1] + other[1]) / 2
        return (prediction + other) / 2
