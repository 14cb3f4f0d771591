// Defaults of the sanitizers, compiled into every test program, so that a test
// behaves the same under ctest, by hand and in a debugger. Without a sanitizer
// nobody calls these.

extern "C" const char* __asan_default_options();
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __ubsan_default_options();
extern "C" const char* __tsan_default_options();

const char* __asan_default_options() {
  return "detect_stack_use_after_return=1:strict_string_checks=1:"
         "check_initialization_order=1:detect_leaks=1";
}

// Debian's CAF: a system that ends while one of its connections opens leaves
// its broker and that connection holding each other.
const char* __lsan_default_suppressions() {
  return "leak:caf::io::middleman::start\nleak:caf::actor_system::actor_"
         "system\n"
         "leak:torc::door::make_scribe\nleak:libcaf_io.so\n";
}

const char* __ubsan_default_options() {
  return "halt_on_error=1:print_stacktrace=1:"
         "suppressions=" TORC_UBSAN_SUPPRESSIONS;
}

const char* __tsan_default_options() {
  return "halt_on_error=1:second_deadlock_stack=1";
}
