# Every folder under actors/ is a set of sources; the folder says which library
# they belong to, so a new file needs no line here.

# torc_add_library(name FOLDERS folder... [EXCLUDE regex])
#
# A static library of actors/<folder>/*.cpp but what EXCLUDE matches. Without
# CAF the engines that need an installed database are left out: what remains
# links with nothing that was built without the thread sanitizer.
function(torc_add_library name)
  cmake_parse_arguments(arg "" "EXCLUDE" "FOLDERS" ${ARGN})
  set(sources)
  foreach(folder IN LISTS arg_FOLDERS)
    file(GLOB found CONFIGURE_DEPENDS
      "${PROJECT_SOURCE_DIR}/actors/${folder}/*.cpp")
    list(APPEND sources ${found})
  endforeach()
  if(arg_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "${arg_EXCLUDE}")
  endif()
  if(TORC_WITHOUT_CAF)
    list(FILTER sources EXCLUDE REGEX "/engine/rocksdb[^/]*$")
  endif()
  if(NOT sources)
    set(sources "${PROJECT_BINARY_DIR}/${name}_empty.cpp")
    file(CONFIGURE OUTPUT "${sources}" CONTENT "// No source yet.\n")
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:torc_warnings>)
endfunction()

# Enters a folder that brings its own CMakeLists.txt, if it is there: a source
# archive of the library alone has no apps and no bench.
function(torc_add_subdirectory folder)
  if(EXISTS "${PROJECT_SOURCE_DIR}/${folder}/CMakeLists.txt")
    add_subdirectory(${folder})
  endif()
endfunction()

# torc_precompile(target header...)
#
# Headers are found by name, in cmake/ or the target's own include folders: a
# path in the precompiled header would keep two clones from sharing what ccache
# holds.
function(torc_precompile target)
  list(TRANSFORM ARGN PREPEND "<")
  list(TRANSFORM ARGN APPEND ">")
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/cmake")
  target_precompile_headers(${target} PRIVATE ${ARGN})
endfunction()
