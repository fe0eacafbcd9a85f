"""Checks of training and validation data against each other."""

from mmengine.hooks import Hook

from ...datasets import lacks_labels, shared_names
from ...datasets.bad_samples import listed
from ...registry import HOOKS


@HOOKS.register_module()
class DataCheckHook(Hook):
    """Checks the data at the start of a training.

    The hook warns of validation samples that are also training samples, and
    refuses validation samples without labels.
    """

    def before_train(self, runner) -> None:
        """Check both data sets.

        Raises:
            ValueError: If the validation samples have no labels.
        """
        if runner.val_loop is None:
            return
        train = runner.train_dataloader.dataset
        val = runner.val_dataloader.dataset
        if lacks_labels(val):
            raise ValueError(
                'Expected labels of all validation samples, but they have '
                'none. Choose another split, or train with --no-validate.'
            )
        shared = shared_names(train, val)
        if shared:
            runner.logger.warning(
                f'{len(shared)} of {len(val)} validation samples are training '
                f'samples, too: {listed(shared, 5)}. Accuracy of these says '
                'nothing of unseen samples. Check the splits.'
            )
