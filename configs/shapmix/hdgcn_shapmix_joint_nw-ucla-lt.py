# HD-GCN in the place of ST-GCN++.
_base_ = 'stgcnpp_shapmix_joint_nw-ucla-lt.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmshapmix.HDGCN',
        graph_cfg=dict(layout=_base_.layout),
        num_person=1,
    ),
)
