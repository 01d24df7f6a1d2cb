#!/usr/bin/env python3
"""The shipped topologies satisfy topologies/topology.schema.json, and the schema refuses what the program refuses."""
import copy
import glob
import json
import os
import sys

try:
    import jsonschema
except ImportError:
    print("SKIPPED: needs python3-jsonschema")
    sys.exit(77)

folder = os.path.join(os.environ["SOURCE_DIR"], "topologies")
with open(os.path.join(folder, "topology.schema.json"), encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)

shipped = sorted(path for path in glob.glob(os.path.join(folder, "*.json")) if not path.endswith(".schema.json"))
assert len(shipped) >= 7, shipped
for path in shipped:
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    errors = [f"{path}: {error.json_path}: {error.message}" for error in validator.iter_errors(document)]
    assert not errors, "\n".join(errors)

good = {
    "name": "good", "description": "x", "nodes": {"a": {"mtu": 1400}, "b": {}},
    "links": [{"nodes": ["a", "b"], "cost": 3, "underlay": "ipv6"}],
    "probes": [{"from": "a", "to": "b", "interval_ms": 1}],
    "events": [{"at_ms": 0, "cut": ["a", "b"]}, {"at_ms": 9, "restore": ["a", "b"]}, {"at_ms": 10, "stop": "a"}],
    "expect": [{"converged_within_ms": 1}, {"max_outage_ms": 0, "probe": ["a", "b"]},
               {"path": ["a", "b"], "at_ms": 0}, {"all_reachable_at_ms": 0}],
}
assert validator.is_valid(good)


def changed(change):
    document = copy.deepcopy(good)
    change(document)
    return document


bad = {
    "an unknown key": changed(lambda d: d.update(wrong=1)),
    "no nodes": changed(lambda d: d.pop("nodes")),
    "no links": changed(lambda d: d.pop("links")),
    "a bad name": changed(lambda d: d.update(name="Two Words")),
    "peers by hand": changed(lambda d: d["nodes"]["a"].update(peers=[])),
    "a node with a bad name": changed(lambda d: d["nodes"].update({"a b": {}})),
    "a link of three": changed(lambda d: d["links"][0]["nodes"].append("c")),
    "a link to itself": changed(lambda d: d["links"][0].update(nodes=["a", "a"])),
    "a cost of 0": changed(lambda d: d["links"][0].update(cost=0)),
    "an event of two kinds": changed(lambda d: d["events"][0].update(stop="a")),
    "an event without time": changed(lambda d: d["events"][0].pop("at_ms")),
    "an unknown event": changed(lambda d: d["events"].append({"at_ms": 1, "explode": "a"})),
    "a probe without interval": changed(lambda d: d["probes"][0].pop("interval_ms")),
    "an outage without probe": changed(lambda d: d["expect"][1].pop("probe")),
    "a path without time": changed(lambda d: d["expect"][2].pop("at_ms")),
    "an expectation of two kinds": changed(lambda d: d["expect"][0].update(all_reachable_at_ms=1)),
}
for what, document in bad.items():
    assert not validator.is_valid(document), f"the schema takes {what}"
print(f"{len(shipped)} topologies satisfy the schema, {len(bad)} bad documents do not")
