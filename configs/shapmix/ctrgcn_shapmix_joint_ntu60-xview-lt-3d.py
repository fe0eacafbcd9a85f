# Shap-Mix with CTR-GCN on NTU60-LT X-view, joint stream.
_base_ = __import__('mmshapmix').method(
    'shapmix/shapmix.py',
    data='ntu60-xview-lt-3d',
    stream='j',
    backbone='ctrgcn',
)
