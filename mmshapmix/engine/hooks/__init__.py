"""Hooks of MMEngine's runner."""

from .class_counts_hook import ClassCountsHook
from .compile_hook import CompileHook
from .data_check_hook import DataCheckHook
from .deferred_loss_hook import DeferredLossHook
from .finite_loss_hook import FiniteLossHook
from .keep_logits_hook import KeepLogitsHook
from .max_norm_hook import MaxNormHook
from .missed_validation_hook import MissedValidationHook
from .per_class_table_hook import PerClassTableHook
from .post_hoc_hook import PostHocHook
from .published_checkpoint_hook import PublishedCheckpointHook
from .resumed_schedule_hook import ResumedScheduleHook
from .saliency_hook import SaliencyHook
from .second_stage_hook import SecondStageHook
from .seed_hook import SeedHook
from .words_hook import WordsHook

__all__ = [
    'ClassCountsHook',
    'CompileHook',
    'DataCheckHook',
    'DeferredLossHook',
    'FiniteLossHook',
    'KeepLogitsHook',
    'MaxNormHook',
    'MissedValidationHook',
    'PerClassTableHook',
    'PostHocHook',
    'PublishedCheckpointHook',
    'ResumedScheduleHook',
    'SaliencyHook',
    'SecondStageHook',
    'SeedHook',
    'WordsHook',
]
