# BRL with HD-GCN on the bones of NW-UCLA-LT without copies, at a lower rate.
_base_ = __import__('mmshapmix').method(
    'brl/brl.py', data='nw-ucla-lt-clean', stream='b', backbone='hdgcn'
)
optim_wrapper = dict(optimizer=dict(lr=0.05))
