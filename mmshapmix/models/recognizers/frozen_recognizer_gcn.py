"""A recognizer that trains only its head."""

from mmaction.models.recognizers import RecognizerGCN

from ...registry import MODELS


@MODELS.register_module()
class FrozenRecognizerGCN(RecognizerGCN):
    """``RecognizerGCN`` with a frozen backbone.

    For the second stage of a decoupled training (Kang et al., arXiv
    1910.09217; Alshammari et al., arXiv 2203.14197). The backbone gets no
    gradient and stays in evaluation mode during training: its batch norm uses
    the running statistics and does not update them. The weights have the same
    names as in a ``RecognizerGCN``.

    Args:
        *args: Arguments of ``RecognizerGCN``.
        **kwargs: Arguments of ``RecognizerGCN``.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        # Not in a hook: MMEngine wraps the model for distributed training
        # before any hook runs, and the wrapper waits for the gradients of all
        # parameters that required one at that time.
        self.backbone.requires_grad_(False)

    def train(self, mode: bool = True) -> 'FrozenRecognizerGCN':
        """Set the mode of all modules except the backbone."""
        super().train(mode)
        self.backbone.eval()
        return self
