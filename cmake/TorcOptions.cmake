# Options and compiler settings that all targets share.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
include(GNUInstallDirs)

option(TORC_WITHOUT_CAF
  "Leave out all that needs CAF or RocksDB, which Debian builds without TSan"
  OFF)
option(TORC_BUILD_APPS "Build the program and the examples" ON)
option(TORC_BUILD_BENCH "Build the benchmarks" ON)
option(TORC_MERGE_SOURCES "Compile a few sources of one folder as one" OFF)
option(TORC_FUZZ "Build tests/fuzz with libFuzzer; clang only" OFF)
set(TORC_SANITIZE "" CACHE STRING "Value for -fsanitize, e.g. address,undefined")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

# -O3 costs a fifth more time to compile than -O2 and no benchmark shows it.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

# ccache must not look at the time stamp and the macros of a precompiled
# header, only at its content; this code uses no time macros. Paths below the
# source folder count relative, so that two clones share what they compiled.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
    "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
    ${CCACHE_PROGRAM})
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

# A source that instantiates CAF needs some hundred megabytes anyway: collecting
# garbage before that is a tenth of the time of a build.
add_compile_options("$<$<CXX_COMPILER_ID:GNU>:SHELL:--param ggc-min-heapsize=1000000>")

# Recoverable on purpose: only such checks can be suppressed one by one
# (cmake/ubsan.supp). The tests halt on the first error by their own options.
if(TORC_SANITIZE)
  add_compile_options(-fsanitize=${TORC_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TORC_SANITIZE})
  # Warnings that come from g++'s optimizer are wrong about code that the
  # sanitizers were added to; the other builds have them.
  add_compile_options("$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow>")
  # Asio has fences, which the thread sanitizer does not see; what they order
  # is ordered by its mutexes too.
  if(TORC_SANITIZE STREQUAL "thread")
    add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
endif()
if(TORC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

add_library(torc_warnings INTERFACE)
target_compile_options(torc_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Werror)
