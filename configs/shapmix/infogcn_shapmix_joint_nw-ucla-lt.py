# InfoGCN in the place of ST-GCN++.
_base_ = 'stgcnpp_shapmix_joint_nw-ucla-lt.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmshapmix.InfoGCN',
        graph_cfg=dict(layout=_base_.layout),
        k=8,  # joints as they are
        num_person=1,
    ),
    cls_head=dict(type='mmshapmix.InfoGCNHead'),
)
