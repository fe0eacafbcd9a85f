"""Run ``mmshapmix mix``."""

from mmshapmix.cli import run_tool

if __name__ == '__main__':
    run_tool('mix')
