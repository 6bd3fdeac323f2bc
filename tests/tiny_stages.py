"""Stages of a tool that writes one file, for tests."""

from mmdepthcp.experiments.building import read_stages
from mmdepthcp.experiments.records import state_of

TOOL = '''
import pathlib, sys, time
args = sys.argv[1:]
out = pathlib.Path(args[0])
out.parent.mkdir(parents=True, exist_ok=True)
print('working on', out.name, 'resumed' if '--resume' in args else 'anew', 'kept' if out.exists() else 'clean')
with open(out.parent / 'order.txt', 'a') as order:
    order.write(out.name + '\\n')
if 'fail' in args and not (out.parent / 'repaired').exists():
    out.write_text('half')
    sys.exit('broken on purpose')
if 'wait' in args and not (out.parent / 'repaired').exists():
    out.write_text('half')
    time.sleep(60)
if 'mute' not in args:
    out.write_text('whole')
'''


def stage(name, *args, tool='tools/write.py', **more):
    return dict(name=name, tool=tool, args=[f'{{work_dir}}/{name}', *args], outputs=[f'{{work_dir}}/{name}'], **more)


def stages_of(work, *declared, config='config.py'):
    return read_stages(dict(pipeline=list(declared), randomness=dict(seed=3)), config, str(work))


def order(work):
    path = work / 'order.txt'
    names = path.read_text().split()
    path.unlink()
    return names


def states(work, stages):
    return [state_of(work, item) for item in stages]
