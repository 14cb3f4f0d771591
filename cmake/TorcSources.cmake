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
  torc_merge_sources(${name} 6)
endfunction()

# Precompiles for a program what is precompiled for torc: the compiler takes it
# only where the same macros are defined.
function(torc_precompile_like_torc target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(${target} PRIVATE tomlplusplus::tomlplusplus)
  target_precompile_headers(${target} REUSE_FROM torc)
endfunction()

# torc_merge_sources(target count)
#
# Under TORC_MERGE_SOURCES (the release and asan presets) `count` sources of one
# folder are compiled as one: reading and instantiating CAF's templates costs
# more than all the rest. Small batches keep a change in one source cheap.
# Presets debug, tsan and clang compile each source by itself, which keeps every
# source's includes honest. Not CMake's own unity build, which writes the path
# of the clone into the merged sources: a second clone would find nothing in
# ccache. Sources with SKIP_UNITY_BUILD_INCLUSION stay alone.
function(torc_merge_sources target count)
  if(NOT TORC_MERGE_SOURCES)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  set(kept)
  set(folders)
  foreach(source IN LISTS sources)
    get_source_file_property(alone "${source}" SKIP_UNITY_BUILD_INCLUSION)
    cmake_path(IS_PREFIX PROJECT_SOURCE_DIR "${source}" ours)
    if(alone OR NOT ours OR NOT source MATCHES "[.]cpp$")
      list(APPEND kept "${source}")
      continue()
    endif()
    file(RELATIVE_PATH path "${PROJECT_SOURCE_DIR}" "${source}")
    get_filename_component(folder "${path}" DIRECTORY)
    string(MAKE_C_IDENTIFIER "${folder}" folder)
    list(APPEND folders ${folder})
    list(APPEND in_${folder} "${path}")
  endforeach()
  list(REMOVE_DUPLICATES folders)
  foreach(folder IN LISTS folders)
    set(number 0)
    while(in_${folder})
      list(SUBLIST in_${folder} 0 ${count} batch)
      list(REMOVE_ITEM in_${folder} ${batch})
      set(merged
        "${CMAKE_CURRENT_BINARY_DIR}/merged/${target}/${folder}_${number}.cpp")
      list(TRANSFORM batch REPLACE "(.+)" "#include \"\\1\"\n")
      list(JOIN batch "" content)
      file(CONFIGURE OUTPUT "${merged}" CONTENT "${content}" @ONLY)
      list(APPEND kept "${merged}")
      math(EXPR number "${number} + 1")
    endwhile()
  endforeach()
  set_target_properties(${target} PROPERTIES SOURCES "${kept}")
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
