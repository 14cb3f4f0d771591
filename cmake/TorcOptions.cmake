# Options and compiler settings shared by all targets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
include(GNUInstallDirs)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

option(TORC_WITHOUT_CAF "Build core, memory engine and sessions only (TSan)" OFF)
option(TORC_BUILD_BENCH "Build the benchmarks" ON)
set(TORC_SANITIZE "" CACHE STRING "Value for -fsanitize, e.g. address,undefined")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Time macros do not occur in this code; precompiled headers need the rest.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
      ${CCACHE_PROGRAM})
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()

if(TORC_SANITIZE)
  add_compile_options(-fsanitize=${TORC_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${TORC_SANITIZE})
endif()

add_library(torc_warnings INTERFACE)
target_compile_options(torc_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Werror)
