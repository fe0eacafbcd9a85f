# InfoGCN in the place of ST-GCN++.
_base_ = 'stgcnpp_stmix_joint_ntu120-xset-3d.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmshapmix.InfoGCN',
        graph_cfg=dict(layout=_base_.layout),
        k=8,  # joints as they are
    ),
    cls_head=dict(type='mmshapmix.InfoGCNHead'),
)
