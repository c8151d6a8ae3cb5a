"""Configuration files in libconfig's syntax, from Python's own dicts and lists."""


def _scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


def _value(value, indent):
    if isinstance(value, dict):
        inner = "".join(
            f"{indent}    {key} = {_value(item, indent + '    ')};\n"
            for key, item in value.items()
        )
        return "{\n" + inner + indent + "}"
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, dict) for item in value):
            items = [indent + "    " + _value(item, indent + "    ") for item in value]
            return "(\n" + ",\n".join(items) + "\n" + indent + ")"
        return "[ " + ", ".join(_scalar(item) for item in value) + " ]"
    return _scalar(value)


def text(settings):
    """A file's text; each setting stands on a line of its own."""
    return "".join(f"{key} = {_value(value, '')};\n" for key, value in settings.items())


def merge(base, changes):
    """`base` with `changes` laid over it, group by group; None takes a setting away."""
    merged = dict(base)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged
