"""A loss for the first stage of training and another for the last."""

from collections.abc import Mapping

from torch import Tensor, nn

from ...registry import MODELS


@MODELS.register_module()
class DeferredLoss(nn.Module):
    """One loss early, another late: BRL's detached schedule, and DRW.

    BRL (arXiv 2308.14024, section III-C, Algorithm 1) trains with
    cross-entropy, then with the action-aware loss. Deferred re-weighting
    (DRW) in LDAM (arXiv 1906.07413) is the same idea.
    :class:`~mmshapmix.engine.hooks.DeferredLossHook` sets the stage.

    Args:
        late: Config of the loss of the last stage.
        early: Config of the loss of the stage before.
    """

    def __init__(
        self,
        late: Mapping,
        early: Mapping = dict(type='mmshapmix.LongTailLoss'),
    ) -> None:
        super().__init__()
        self.early = MODELS.build(dict(early))
        self.late = MODELS.build(dict(late))
        self.is_late: bool | None = None

    def forward(
        self, cls_score: Tensor, label: Tensor, **kwargs
    ) -> Tensor | dict[str, Tensor]:
        """Compute the loss of the present stage.

        Args:
            cls_score: ``(N, K)`` logits.
            label: ``(N,)`` int64 or ``(N, K)`` soft labels.
            **kwargs: Keyword arguments of that loss.
        """
        if self.is_late is None:
            raise RuntimeError(
                'Expected to know the stage of training in DeferredLoss, but '
                'no hook has set it. Set deferred_loss=dict(type='
                "'mmshapmix.DeferredLossHook', begin=…) in `default_hooks`."
            )
        loss = self.late if self.is_late else self.early
        return loss(cls_score, label, **kwargs)
