"""What can be wrong with training and validation data together."""

from mmengine.hooks import Hook

from ...datasets import lacks_labels, shared_names
from ...datasets.bad_samples import listed
from ...registry import HOOKS


@HOOKS.register_module()
class DataCheckHook(Hook):
    """Looks at the data at the start of a training.

    It warns of validation samples that are training samples, too, and refuses
    a validation of samples without labels.
    """

    def before_train(self, runner) -> None:
        """Look at both data sets.

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
