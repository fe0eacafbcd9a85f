# CTR-GCN in the place of ST-GCN++.
_base_ = 'stgcnpp_brl_joint_ntu60-xsub-lt-3d.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmshapmix.CTRGCN',
        graph_cfg=_base_.model.backbone.graph_cfg,
    ),
)
