# MS-G3D in the place of ST-GCN++.
_base_ = 'stgcnpp_shapmix_joint_nw-ucla-lt.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmshapmix.MSG3D',
        graph_cfg=dict(layout=_base_.layout),
        num_person=1,
    ),
    cls_head=dict(in_channels=384),
)
