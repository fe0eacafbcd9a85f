# Gumbel optimised loss (arXiv 2207.10936); joint stream, the synthetic set,
# long-tailed.
_base_ = ['../brl/stgcnpp_ce_joint_synthetic-lt.py', '../_base_/benchmark.py']

model = dict(cls_head=_base_.gumbel_head)
