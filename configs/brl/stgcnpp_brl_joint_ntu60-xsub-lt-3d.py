# BRL with ST-GCN++ on NTU60-LT X-sub, joint stream.
_base_ = __import__('mmshapmix').method(
    'brl/brl.py', data='ntu60-xsub-lt-3d', stream='j', backbone='stgcnpp'
)
