# BRL with ST-GCN++ on NTU120-LT X-set, joint stream.
_base_ = __import__('mmshapmix').method(
    'brl/brl.py', data='ntu120-xset-lt-3d', stream='j', backbone='stgcnpp'
)
