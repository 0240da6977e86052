"""Masks with the published Miso client: a request a line on stdin, an answer a line on stdout."""

import json
import os
import sys
import tempfile

from miso_client.utils.data_masker import DataMasker


def printed(value, ascii):
    return json.dumps(value, ensure_ascii=ascii, separators=(",", ":"))


def mask(request):
    """What the original makes of a document, and what it reads where we have masked it."""
    ascii = request["ascii"]
    try:
        document = json.loads(request["document"])
        masked = DataMasker.mask_sensitive_data(document)
        contains = DataMasker.contains_sensitive_data(document)
    except ValueError:
        return {"masked": None}
    except RecursionError:
        return {"raised": "RecursionError"}
    ours = request["ours"]
    return {
        "masked": printed(masked, ascii),
        "contains": contains,
        "ours": None if ours is None else printed(json.loads(ours), ascii),
    }


def partial(request):
    return {"masked": DataMasker.mask_value(request["value"], request["first"], request["last"])}


def names(request):
    """Which names are sensitive, with a policy file or without one."""
    os.environ.pop("MISO_SENSITIVE_FIELDS_CONFIG", None)
    DataMasker._config_loaded = False
    file = request.get("file")
    if file is None:
        return judged(request)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as written:
        written.write(file)
        written.flush()
        if request["by_variable"]:
            os.environ["MISO_SENSITIVE_FIELDS_CONFIG"] = written.name
        else:
            DataMasker.set_config_path(written.name)
        return judged(request)


def judged(request):
    return {"sensitive": [DataMasker.is_sensitive_field(name) for name in request["names"]]}


ACTIONS = {"mask": mask, "partial": partial, "names": names}

requests = [json.loads(line) for line in sys.stdin]
for request in requests:
    print(json.dumps(ACTIONS[request["do"]](request)))
