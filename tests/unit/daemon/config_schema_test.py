#!/usr/bin/python3
"""docs/starlingd.schema.json says what the code does: the table of configurations that config_test reads, and the
examples of docs/operating.md."""
import json
import os
import re
import sys

try:
    import jsonschema
except ImportError:
    print("SKIPPED: needs python3-jsonschema", file=sys.stderr)
    sys.exit(77)

source = os.environ["SOURCE_DIR"]


def read(path):
    with open(os.path.join(source, path), encoding="utf-8") as file:
        return file.read()


schema = json.loads(read("docs/starlingd.schema.json"))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
failures = 0


def fail(message):
    global failures
    failures += 1
    print("FAILED: " + message, file=sys.stderr)


cases = json.loads(read("tests/unit/daemon/config_cases.json"))
for case in cases:
    wanted = case["ok"] or case.get("schema_ok", False)
    errors = [error.message for error in validator.iter_errors(case["config"])]
    if wanted and errors:
        fail(f"{case['says']}: the schema refuses what it should take: {errors}")
    if not wanted and not errors:
        fail(f"{case['says']}: the schema takes what the code refuses")

examples = re.findall(r"```json\n(\{.*?)```", read("docs/operating.md"), re.DOTALL)
whole = [example for example in map(json.loads, examples) if "interface" in example]
for example in whole:
    for error in validator.iter_errors(example):
        fail(f"an example in docs/operating.md: {error.json_path}: {error.message}")
if len(whole) < 2:
    fail("docs/operating.md shows fewer than two whole configurations")

print(f"{len(cases)} cases, {len(whole)} examples, {failures} failures")
sys.exit(1 if failures else 0)
