"""Look into a training from a component of its own, which stands last in the recipe."""

from pytorch_lightning import Callback

from lucidna.training import candidate as candidate_module
from lucidna.training.recipes import compose
from lucidna.training.recipes.base import Component
from lucidna.training.recipes.recipe import Recipe


def copy_state(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


class Recorder(Callback):
    """Copies of the network's state, with (stage, epoch, step).

    Attributes
    ----------
    started, trained, validated : list of (where, state)
        At the start of a stage, after each step, and as validated.
    """

    def __init__(self):
        self.started, self.trained, self.validated = [], [], []

    def _add(self, places, trainer, module, step=-1):
        places.append(((module.stage_index, trainer.current_epoch, step), copy_state(module.model)))

    def on_train_start(self, trainer, module):
        self._add(self.started, trainer, module)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self._add(self.trained, trainer, module, batch_idx)

    def on_validation_epoch_end(self, trainer, module):
        self._add(self.validated, trainer, module)

    def last_of_epochs(self, stage=0):
        """Return the state after the last step of each epoch of a stage."""
        last = {}
        for (at, epoch, _), state in self.trained:
            if at == stage:
                last[epoch] = state
        return [last[epoch] for epoch in sorted(last)]


def watch(monkeypatch, callback):
    """Have every training of the test watched by a callback; return it."""

    class Watch(Component):
        name = "watch"

        def callbacks(self, stage):
            return [callback]

    monkeypatch.setattr(candidate_module, "compose", lambda parts: Recipe([*compose(parts).components, Watch()]))
    return callback
