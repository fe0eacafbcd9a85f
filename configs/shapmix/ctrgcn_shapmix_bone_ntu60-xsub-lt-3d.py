# CTR-GCN, as its authors and Shap-Mix's have it, in the place of ST-GCN++.
_base_ = 'stgcnpp_shapmix_bone_ntu60-xsub-lt-3d.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmshapmix.CTRGCN',
        variant='ctrgcn',
        graph_cfg=dict(layout=_base_.layout),
    ),
)
