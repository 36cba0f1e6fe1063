"""Runs one of CPython's test suites with the `_socket` of this folder, or without BSD_SOCKETS_BRIDGE with CPython's own.

    python3.11 run.py SUITE RESULTS TESTS

TESTS is JSON: { "only": [names] or null, "without": [names] }. RESULTS gets one line of JSON for each test that starts
and for each that ends.
"""
import faulthandler
import importlib.util
import json
import os
import sys
import unittest

sys.path.remove(here := os.path.dirname(os.path.abspath(__file__)))

import _socket  # noqa: E402, F401: the modules of this folder find CPython's own in sys.modules
import select  # noqa: E402, F401

LIMIT = 60  # seconds for one test


def replace(name):
    spec = importlib.util.spec_from_file_location(name, os.path.join(here, name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[name] = module


assert "socket" not in sys.modules
if "BSD_SOCKETS_BRIDGE" in os.environ:
    replace("_socket")
    replace("select")
    os.sendfile = sys.modules["_socket"]._sendfile

from test import support  # noqa: E402

support.use_resources = ["cpu", "largefile", "network", "subprocess"]
suite, results, chosen = sys.argv[1:]
chosen = json.loads(chosen)
report = open(results, "w", buffering=1)


def name_of(test):
    return test.id().removeprefix("test.")


class Result(unittest.TestResult):
    def note(self, test, outcome, detail=""):
        print(json.dumps({"test": name_of(test), "outcome": outcome, "detail": detail}), file=report)

    def startTest(self, test):
        super().startTest(test)
        self.note(test, "started")
        faulthandler.dump_traceback_later(LIMIT, exit=True)

    def stopTest(self, test):
        super().stopTest(test)
        faulthandler.cancel_dump_traceback_later()

    def addSuccess(self, test):
        self.note(test, "passed")

    def addExpectedFailure(self, test, err):
        self.note(test, "passed")

    def addSkip(self, test, reason):
        self.note(test, "skipped", reason)

    def addUnexpectedSuccess(self, test):
        self.note(test, "failed", "unexpected success")

    def addError(self, test, err):
        self.note(test, "failed", self._exc_info_to_string(err, test))

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addError(test, err)


def flat(tests):
    for each in tests:
        if isinstance(each, unittest.TestSuite):
            yield from flat(each)
        elif (chosen["only"] is None or name_of(each) in chosen["only"]) and name_of(each) not in chosen["without"]:
            yield each


tests = unittest.defaultTestLoader.loadTestsFromName("test." + suite)
unittest.TestSuite(flat(tests)).run(Result())
report.close()
os._exit(0)  # threads of failed tests may wait without end
