"""Hooks: whatever needs the runner."""

from .class_counts_hook import ClassCountsHook
from .data_check_hook import DataCheckHook
from .deferred_loss_hook import DeferredLossHook
from .finite_loss_hook import FiniteLossHook
from .keep_logits_hook import KeepLogitsHook
from .logit_adjustment_hook import LogitAdjustmentHook
from .max_norm_hook import MaxNormHook
from .missed_validation_hook import MissedValidationHook
from .per_class_table_hook import PerClassTableHook
from .published_checkpoint_hook import PublishedCheckpointHook
from .resumed_schedule_hook import ResumedScheduleHook
from .saliency_hook import SaliencyHook
from .sampler_seed_hook import SamplerSeedHook
from .second_stage_hook import SecondStageHook
from .step_seed_hook import StepSeedHook
from .tau_norm_hook import TauNormHook
from .words_hook import WordsHook

__all__ = [
    'ClassCountsHook',
    'DataCheckHook',
    'DeferredLossHook',
    'FiniteLossHook',
    'KeepLogitsHook',
    'LogitAdjustmentHook',
    'MaxNormHook',
    'MissedValidationHook',
    'PerClassTableHook',
    'PublishedCheckpointHook',
    'ResumedScheduleHook',
    'SaliencyHook',
    'SamplerSeedHook',
    'SecondStageHook',
    'StepSeedHook',
    'TauNormHook',
    'WordsHook',
]
