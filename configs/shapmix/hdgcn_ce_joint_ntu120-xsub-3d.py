# HD-GCN in the place of ST-GCN++.
_base_ = 'stgcnpp_ce_joint_ntu120-xsub-3d.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmshapmix.HDGCN',
        graph_cfg=dict(layout=_base_.layout),
    ),
)
