"""What the program of petrichor.md answers, for petrichor conform; docs/porting.md is the contract.

    go run ./spec/tangle build && PYTHONPATH=build petrichor conform -- python3 spec/verdict.py
"""

import json
import sys

from petrichor.value import decode
from petrichor.vectors import judge, rules_of
from petrichor.wire import KINDS, cut


def characters(data):
    """A character for each byte."""
    return bytes(data).decode("latin-1")


def tagged(data, element, rules):
    """An element that has been checked, as JSON with its kind."""
    kind = KINDS[element.tag]
    if kind in ("list", "dict"):
        turns = list(elements(data, rules, element.start, element.stop))
        if kind == "list":
            return {"type": kind, "value": turns}
        return {"type": kind, "value": [[key["value"], value] for key, value in zip(turns[::2], turns[1::2])]}
    value = decode(data, element, rules)
    if kind == "null":
        return {"type": kind}
    if kind == "bool":
        return {"type": kind, "value": value}
    if kind in ("int", "float"):
        return {"type": kind, "value": repr(value)}
    return {"type": kind, "value": characters(value.encode() if kind == "text" else value)}


def elements(data, rules, at, end):
    while at < end:
        element = cut(data, rules, at, end, 999_999_999)
        yield tagged(data, element, rules)
        at = element.stop + 1


def answer(words, wire):
    record = {"name": "?", "read": words[0], "wire": wire}
    record["options"] = " ".join(word for word in words[1:] if "=" not in word)
    record["limits"] = " ".join(word for word in words[1:] if "=" in word)
    said = judge(record)
    answer = {"verdict": said["want"]}
    if "at" in said:
        answer["at"] = int(said["at"])
    if words[0] == "answer":
        answer["allowed"] = said.get("allowed") == "yes"
    if said["want"] == "ok":
        end = len(wire) - len(said.get("rest", b""))
        answer["values"] = list(elements(wire, rules_of(record), 0, end))
        answer["canon"] = characters(said.get("canon", b""))
        answer["rest"] = len(wire) - end
    return answer


def main(words):
    if words:
        said = answer(words, sys.stdin.buffer.read())
        print(json.dumps(said))
        return said["verdict"] != "ok"
    for line in sys.stdin:
        *words, wire = line.split()
        print(json.dumps(answer(words, bytes.fromhex(wire.strip("-")))), flush=True)


sys.exit(main(sys.argv[1:]))
