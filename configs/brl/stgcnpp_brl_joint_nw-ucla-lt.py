# BRL with ST-GCN++ on NW-UCLA-LT, joint stream.
_base_ = __import__('mmshapmix').method(
    'brl/brl.py', data='nw-ucla-lt', stream='j', backbone='stgcnpp'
)
