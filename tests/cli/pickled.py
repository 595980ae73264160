"""Checkpoints of torch without torch: the pickle of a torch archive is loaded with stand-ins for what torch defines, changed, and
written again. Storages are copied as they are. Standard library only."""

import collections
import io
import pickle
import sys
import types
import zipfile


class _StandIn:
    """What a callable of torch or numpy was called with, and the state it got."""

    def __init__(self, *arguments):
        self.arguments, self.state = arguments, None

    def __setstate__(self, state):
        self.state = state

    def __reduce__(self):
        call = (type(self), self.arguments)
        return call if self.state is None else (*call, self.state)


class _Storage:
    def __init__(self, identity):
        self.identity = identity


def _stand_in(module, name):
    parts = module.split(".")
    for k in range(len(parts)):
        sys.modules.setdefault(".".join(parts[: k + 1]), types.ModuleType(".".join(parts[: k + 1])))
    if not hasattr(sys.modules[module], name):
        setattr(sys.modules[module], name, type(name, (_StandIn,), {"__module__": module, "__qualname__": name}))
    return getattr(sys.modules[module], name)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module in ("builtins", "__builtin__", "_codecs"):
            return super().find_class(module, name)
        return _stand_in(module, name)

    def persistent_load(self, identity):
        return _Storage(identity)


class _Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.identity if isinstance(value, _Storage) else None


def stored_values(tensor):
    """The arguments of a tensor, as a list: storage, offset, shape, strides, ..."""
    while not isinstance(tensor.arguments[0], _Storage):
        tensor = tensor.arguments[0]
    return tensor


def rewrite(source, target, change, content=lambda name, data: data):
    """Writes the archive again with what `change`(its dict) returns (None: the same, changed in place)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename.endswith("/data.pkl"):
                root = _Unpickler(io.BytesIO(data)).load()
                changed = change(root)
                out = io.BytesIO()
                _Pickler(out, protocol=2).dump(root if changed is None else changed)
                data = out.getvalue()
            new.writestr(zipfile.ZipInfo(entry.filename), content(entry.filename, data))
