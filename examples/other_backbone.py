# BRL with HD-GCN on NW-UCLA-LT without copies, bones, at a smaller rate.
_base_ = __import__('mmshapmix').method(
    'brl/brl.py', data='nw-ucla-lt-clean', stream='b', backbone='hdgcn'
)
optim_wrapper = dict(optimizer=dict(lr=0.05))
