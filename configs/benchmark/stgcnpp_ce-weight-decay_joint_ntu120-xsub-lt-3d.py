# Cross-entropy with ten times the weight decay, the first stage of weight
# balancing (arXiv 2203.14197); joint stream, NTU120-LT X-sub, 3-D.
_base_ = [
    '../brl/stgcnpp_ce_joint_ntu120-xsub-lt-3d.py',
    '../_base_/benchmark.py',
]

optim_wrapper = dict(optimizer=dict(weight_decay=5e-3))
