#!/usr/bin/env python3
"""summary.py NAME=JUNIT=CODE...: closes a test run on `N passed, N failed`.

JUNIT is what ctest wrote, or empty for a step without tests; CODE is the exit
code of the run or step. Single test cases are counted from what the tests
print; a test that fails without saying how many did counts as one.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

_CATCH_PASSED = re.compile(r"All tests passed \(.* in (\d+) test cases?\)")
_CATCH_FAILED = re.compile(r"^test cases:(.*)$", re.MULTILINE)
_UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
_UNITTEST_FAILED = re.compile(r"^FAILED \((.*)\)$", re.MULTILINE)
_PLAIN = re.compile(r"^(\d+) passed, (\d+) failed\s*$", re.MULTILINE)


def counts(text, failed):
    """(passed, failed) cases by the output of one test program."""
    passed_cases, failed_cases = _said(text)
    if failed and failed_cases == 0:
        failed_cases = 1
    elif not failed and passed_cases + failed_cases == 0:
        passed_cases = 1
    return passed_cases, failed_cases


def _said(text):
    catch = _CATCH_PASSED.findall(text)
    if catch:
        return int(catch[-1]), 0
    catch = _CATCH_FAILED.findall(text)
    if catch:
        return _number(catch[-1], "passed"), _number(catch[-1], "failed")
    ran = _UNITTEST.findall(text)
    if ran:
        broken = sum(int(n) for part in _UNITTEST_FAILED.findall(text)
                     for n in re.findall(r"(?:failures|errors)=(\d+)", part))
        return int(ran[-1]) - broken, broken
    plain = _PLAIN.findall(text)
    if plain:
        return int(plain[-1][0]), int(plain[-1][1])
    return 0, 0


def _number(text, word):
    found = re.search(rf"(\d+) {word}", text)
    return int(found.group(1)) if found else 0


def _of_run(junit):
    """(passed, failed cases, names of failed and of skipped tests)."""
    passed = failed = 0
    broken, skipped = [], []
    for test in ElementTree.parse(junit).getroot().iter("testcase"):
        name = test.get("name")
        not_run = test.find("skipped")
        if not_run is not None:
            # Only a test that says so itself may be skipped.
            if not_run.get("message", "").startswith("SKIP_"):
                skipped.append(name)
            else:
                failed += 1
                broken.append(f"{name} (did not run)")
            continue
        bad = test.find("failure") is not None or test.get("status") == "fail"
        output = test.findtext("system-out") or ""
        more_passed, more_failed = counts(output, bad)
        passed += more_passed
        failed += more_failed
        if bad:
            broken.append(name)
    return passed, failed, broken, skipped


def main(results):
    passed = failed = 0
    for result in results:
        name, junit, code = result.split("=")
        if junit and Path(junit).exists():
            more_passed, more_failed, broken, skipped = _of_run(junit)
            if int(code) != 0 and more_failed == 0:
                more_failed = 1
            print(f"{name}: {more_passed} passed, {more_failed} failed"
                  + (f"; skipped: {', '.join(skipped)}" if skipped else ""))
            for test in broken:
                print(f"  failed: {test}")
            passed += more_passed
            failed += more_failed
        elif junit or int(code) != 0:
            print(f"{name}: failed")
            failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
