"""A recognizer of which only the head is trained."""

from mmaction.models.recognizers import RecognizerGCN

from ...registry import MODELS


@MODELS.register_module()
class FrozenRecognizerGCN(RecognizerGCN):
    """``RecognizerGCN`` whose backbone stays as it was loaded.

    For the second stage of a decoupled training (Kang et al., arXiv
    1910.09217; Alshammari et al., arXiv 2203.14197). The backbone gets no
    gradient and is in evaluation mode in training, too: its batch
    normalisation uses its running statistics and leaves them alone. The
    weights have the names that they have in a ``RecognizerGCN``.

    Args:
        *args: Of ``RecognizerGCN``.
        **kwargs: Of ``RecognizerGCN``.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        # Not in a hook: MMEngine wraps the model for distributed training
        # before any hook runs, and the wrapper goes on waiting for the
        # gradients of what wanted one then.
        self.backbone.requires_grad_(False)

    def train(self, mode: bool = True) -> 'FrozenRecognizerGCN':
        """Set the mode of all but the backbone."""
        super().train(mode)
        self.backbone.eval()
        return self
