"""The head of InfoGCN, Chi et al., CVPR 2022."""

import math
from collections.abc import Mapping, Sequence

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from ...functional.draws import make_generator
from ...functional.information import latent_loss, sample_codes, sample_prior
from ...functional.losses import soft_labels
from ...registry import MODELS
from ..labels import labels_of
from .mixed_gcn_head import MixedGCNHead

HIDDEN = dict(
    type='Xavier',
    layer='Linear',
    distribution='uniform',
    gain=nn.init.calculate_gain('relu'),
)


@MODELS.register_module()
class InfoGCNHead(MixedGCNHead):
    """``MixedGCNHead`` on a latent code (10.1109/CVPR52688.2022.01955).

    The pooled features become the mean and the variance of a normal code. The
    input of the classifier, ``fc``, is a sample of the code in training and
    its mean in testing. An additional loss, ``loss_latent``, draws the codes
    of each class to a mean, and the means are orthogonal; see
    :mod:`mmshapmix.functional.information`. Samples that a mixer added have
    a ``loss_latent`` of their own, which weighs classes by the soft labels.
    :class:`~mmshapmix.engine.hooks.SeedHook` makes the draws depend only on
    (seed, rank, iteration) and the kind of device.

    Args:
        *args: Arguments of ``GCNHead``; its ``dropout`` applies to the layer
            before the code. This layer and the code have ``in_channels``.
        noise_ratio: Factor on the log-variance; with 0.5 the noise has the
            standard deviation of the code.
        prior_gain: Length of the means of the classes.
        regularization: Weights of the norm of the mean code, and of the
            distance of each class's codes from their prior; with 0 and 0
            there is no ``loss_latent``.
        init_cfg: Initialisation of the head; ``None``: weights as in the
            authors' code, and biases 0.
        **kwargs: Arguments of ``MixedGCNHead``. With ``pass_features`` the
            loss gets the input of the classifier, the codes.

    Raises:
        ValueError: For a ``regularization`` that is not two weights of 0 or
            more.
    """

    draw_stream = 3  # see SeedHook

    def __init__(
        self,
        *args,
        noise_ratio: float = 0.5,
        prior_gain: float = 3.0,
        regularization: Sequence[float] = (1e-4, 1e-1),
        init_cfg: Mapping | Sequence[Mapping] | None = None,
        **kwargs,
    ) -> None:
        super().__init__(*args, init_cfg=init_cfg, **kwargs)
        if len(regularization) != 2 or min(regularization) < 0:
            raise ValueError(
                'Expected `regularization` as two weights of 0 or more, but '
                f'got {regularization!r}.'
            )
        width, classes = self.in_channels, self.num_classes
        if init_cfg is None:
            classifier = dict(
                type='Normal', name='fc', std=math.sqrt(2 / classes)
            )
            self.init_cfg = dict(HIDDEN, override=classifier)
        self.noise_ratio = noise_ratio
        self.regularization = tuple(regularization)
        self.step_seed: tuple[int, ...] | None = None  # set by the hook
        self.fc_latent = nn.Linear(width, width)
        self.fc_mu = nn.Linear(width, width)
        self.fc_logvar = nn.Linear(width, width)
        # Not persistent: the fixed seed gives a resumed run the same prior.
        prior = sample_prior(classes, width, prior_gain, make_generator((0,)))
        self.register_buffer('z_prior', prior, persistent=False)

    def encode(self, x: Tensor) -> Tensor:
        """Map ``(N, M, C, T, V)`` features to codes ``(N, D)``."""
        hidden = torch.relu(self.fc_latent(x.mean((1, 3, 4))))
        if self.dropout is not None:
            hidden = self.dropout(hidden)
        mean = self.fc_mu(hidden)
        if not self.training:
            return mean
        generator = None
        if self.step_seed is not None:
            generator = make_generator(self.step_seed, mean.device)
        return sample_codes(
            mean, self.fc_logvar(hidden), self.noise_ratio, generator
        )

    def forward(self, x: Tensor, **kwargs) -> Tensor:
        """Compute logits, ``(N, K)``.

        Args:
            x: ``(N, M, C, T, V)`` features.
            **kwargs: Arguments of ``GCNHead``.
        """
        return self.fc(self.encode(x))

    def loss(
        self, feats: Tensor, data_samples: list[ActionDataSample], **kwargs
    ) -> dict[str, Tensor]:
        """Compute losses and accuracy.

        Args:
            feats: ``(N, M, C, T, V)`` from the backbone.
            data_samples: N samples, see :meth:`loss_by_feat`.
            **kwargs: Arguments of ``GCNHead.forward``.
        """
        codes = self.encode(feats)
        return self.loss_by_feat(self.fc(codes), data_samples, codes)

    def _losses(
        self,
        rows: slice,
        cls_scores: Tensor,
        data_samples: list[ActionDataSample],
        features: Tensor | None,
    ) -> dict[str, Tensor]:
        """Compute the losses of some rows, ``loss_latent`` included."""
        passed = features if self.pass_features else None
        losses = super()._losses(rows, cls_scores, data_samples, passed)
        if any(self.regularization):
            if features is None:
                raise ValueError(
                    'Expected the codes of the scores, but got none. Give '
                    'them as `features`, or set regularization=(0, 0).'
                )
            codes = features[rows].float()
            labels = labels_of(data_samples[rows]).to(codes.device)
            losses['loss_latent'] = latent_loss(
                codes,
                soft_labels(labels, self.num_classes),
                self.z_prior,
                *self.regularization,
            )
        return losses
