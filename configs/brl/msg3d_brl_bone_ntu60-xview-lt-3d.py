# MS-G3D in the place of ST-GCN++.
_base_ = 'stgcnpp_brl_bone_ntu60-xview-lt-3d.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmshapmix.MSG3D',
        graph_cfg=dict(layout=_base_.layout),
    ),
    cls_head=dict(in_channels=384),
)
