# Shap-Mix with CTR-GCN on Kinetics-400, joint stream.
_base_ = __import__('mmshapmix').method(
    'shapmix/shapmix.py', data='k400-2d', stream='j', backbone='ctrgcn'
)
