"""Every rule finds the violation planted for it and passes what is right."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import contents
import layering
import sizes
import summary
from sources import Tree, code_only


def found(rule, files, *more):
    return list(rule(Tree(files), *more))


class Layering(unittest.TestCase):
    def test_core_may_not_include_caf(self):
        files = {"actors/core/ring.cpp": "#include <caf/all.hpp>\n"}
        self.assertEqual(found(layering.check_core, files),
                         ["actors/core/ring.cpp:1: core includes "
                          "<caf/all.hpp>"])

    def test_core_may_not_read_a_clock_or_draw(self):
        files = {"include/torc/core/a.hpp":
                 "auto t = std::chrono::steady_clock::now();\n"
                 "std::random_device d;\n"}
        self.assertEqual(len(found(layering.check_core, files)), 2)

    def test_comments_and_literals_do_not_count(self):
        files = {"include/torc/core/a.hpp":
                 "// no steady_clock here\n/* random_device\n */\n"
                 'auto s = "steady_clock";\n#include <map>\n'}
        self.assertEqual(found(layering.check_core, files), [])

    def test_shells_may_do_all_that(self):
        files = {"actors/loop/a.cpp": "#include <thread>\nsteady_clock x;\n"}
        self.assertEqual(found(layering.check_core, files), [])

    def test_a_role_may_not_include_another(self):
        text = '#include "actors/storage_node/shard.hpp"\n'
        self.assertEqual(
            len(found(layering.check_roles, {"actors/gateway/a.cpp": text})), 1)
        self.assertEqual(
            found(layering.check_roles, {"actors/storage_node/a.cpp": text}),
            [])

    def test_layers_run_one_way(self):
        upwards = {"include/torc/engine/a.hpp":
                   '#include "torc/messages/peer.hpp"\n'}
        downwards = {"include/torc/messages/a.hpp":
                     '#include "torc/core/types.hpp"\n'}
        self.assertEqual(len(found(layering.check_layers, upwards)), 1)
        self.assertEqual(found(layering.check_layers, downwards), [])

    def test_private_headers_stay_private(self):
        text = '#include "actors/loop/loop.hpp"\n'
        self.assertEqual(len(found(layering.check_layers,
                                   {"apps/torc/main.cpp": text,
                                    "include/torc/a.hpp": text})), 2)

    def test_only_one_folder_knows_basp(self):
        files = {"actors/gateway/a.cpp": "io::basp_broker x;\n",
                 "actors/loop/a.cpp": "#include <caf/io/all.hpp>\n",
                 "actors/cluster/a.cpp": "#include <caf/io/all.hpp>\n",
                 "actors/node/a.cpp": "// BASP never listens\n"}
        self.assertEqual(len(found(layering.check_basp, files)), 2)


class Sizes(unittest.TestCase):
    def test_a_long_file_is_refused(self):
        files = {"actors/a.cpp": "\n" * 451, "actors/b.cpp": "\n" * 400}
        self.assertEqual(found(sizes.check_files, files, 0),
                         ["actors/a.cpp: 451 lines, at most 450"])

    def test_the_ratchet_bounds_what_is_nearly_too_long(self):
        files = {"a.cpp": "\n" * 410, "b.cpp": "\n" * 420}
        self.assertEqual(len(found(sizes.check_files, files, 1)), 2)
        self.assertEqual(found(sizes.check_files, files, 2), [])

    def test_a_long_function_is_refused(self):
        body = "  f();\n" * 80
        files = {"a.cpp": "namespace torc {\nclass a {\n  void f(int b) const {\n"
                 + body + "  }\n};\n}\n"}
        self.assertEqual(found(sizes.check_functions, files),
                         ["a.cpp:3: a function of 82 lines, at most 75"])

    def test_functions_are_told_from_other_braces(self):
        code = ("namespace a {\n"
                "struct b final : c<int> {\n"
                "  b(int x) : y_{x}, z_(x) {\n    // nop {\n  }\n"
                "  int y_{0};\n"
                "};\n"
                "enum class e : int { one, two };\n"
                "constexpr int table[] = {1, 2};\n"
                "#define MACRO(x) \\\n  do { x; } while (0)\n"
                "template <class T>\nauto f(T t) -> int\n  requires(true) {\n"
                "  return [] { return '{'; }();\n}\n"
                "TEST_CASE(\"a } b\", \"[x]\") {\n}\n"
                "}\n")
        self.assertEqual(sizes.functions(code), [(3, 3), (12, 5), (17, 2)])

    def test_raw_strings_and_digit_separators(self):
        code = 'auto a = R"x({ " )x"; int b = 1\'000\'000; // {\n'
        self.assertNotIn("{", code_only(code))


class Contents(unittest.TestCase):
    def test_an_unregistered_message_is_named(self):
        header = ("struct a {\n};\nstruct b {\n};\nstruct c {\n};\n"
                  "template <class I> auto inspect(I& f, a& x) {}\n"
                  "template <class I> auto inspect(I& f, torc::b& x) {}\n")
        files = {"include/torc/messages/m.hpp": header,
                 "actors/messages/registration.cpp": "add<a>(); // b\n"}
        self.assertEqual(found(contents.check_messages, files),
                         ["include/torc/messages/m.hpp: b is not in "
                          "actors/messages/registration.cpp"])

    def test_docs_name_what_exists(self):
        files = {"docs/a.md": "`cmake/b.cmake` `actors/*/x.cpp` `gone/by.md`\n"
                 "`docs/none.md` [x](a.md) [y](../cmake/) [z](nope.md#k)\n"
                 "```\n`docs/in_a_block.md`\n```\n[w](https://torc.invalid)\n",
                 "cmake/b.cmake": "", "actors/y/x.cpp": ""}
        self.assertEqual(found(contents.check_docs, files), [
            "docs/a.md: link to nope.md, which is not there",
            "docs/a.md: names docs/none.md, which is not there"])

    def test_snippets_are_pieces_of_programs(self):
        files = {"apps/examples/a.cpp": "int main() {\n  f();\n\n  g();\n}\n",
                 "README.md": "```cpp\nf();\n\ng();\n```\n"
                 "```sh\nh\n```\nx\n```cpp\n  f();\n  g();\n```\n"}
        self.assertEqual(found(contents.check_snippets, files),
                         ["README.md:10: C++ that no example has"])

    def test_docs_name_commands_that_exist(self):
        files = {"dev": "  case x in\n  build | run | test)\n",
                 "README.md": "./dev run and ./dev fly\n"}
        self.assertEqual(found(contents.check_commands, files),
                         ["README.md: ./dev fly is no command"])

    def test_machine_paths_are_found(self):
        place = "/" + "root/x"
        files = {"a.sh": f"cd {place}\n", "b.sh": f"cd $here{place}\n",
                 "c.md": f"src{place}\n"}
        self.assertEqual(len(found(contents.check_machine_paths, files)), 1)

    def test_leftovers_are_found(self):
        files = {"actors/a.cpp": "// TO" + "DO: later\n", "docs/a.md": "TODO"}
        self.assertEqual(len(found(contents.check_leftovers, files)), 1)

    def test_a_test_that_nothing_compiles_is_named(self):
        files = {"tests/core/a_test.cpp": "", "tests/core/b_test.cpp": "",
                 "tests/core/c.cpp": 'TEST_CASE("x") {}\n'}
        built = ["/x/tests/core/a_test.cpp"]
        self.assertEqual(found(contents.check_test_sources, files, built),
                         ["tests/core/b_test.cpp: in no test program",
                          "tests/core/c.cpp: has test cases, so its name must "
                          "end in _test.cpp"])


class Summary(unittest.TestCase):
    def test_cases_are_counted_from_what_the_tests_say(self):
        for text, counts in [
                ("All tests passed (9 assertions in 4 test cases)", (4, 0)),
                ("All tests passed (1 assertion in 1 test case)", (1, 0)),
                ("test cases: 5 | 3 passed | 2 failed\n", (3, 2)),
                ("test cases:  2 |  2 failed\n", (0, 2)),
                ("Ran 7 tests in 0.1s\n\nOK\n", (7, 0)),
                ("Ran 7 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n",
                 (4, 3)),
                ("12 passed, 1 failed\n", (12, 1)),
                ("nothing said", (1, 0))]:
            self.assertEqual(summary.counts(text, failed=counts[1] > 0),
                             counts, text)

    def test_a_crash_counts_as_a_failure(self):
        self.assertEqual(summary.counts("Segmentation fault", failed=True),
                         (0, 1))
        self.assertEqual(
            summary.counts("All tests passed (1 assertion in 1 test case)",
                           failed=True), (1, 1))


if __name__ == "__main__":
    unittest.main()
