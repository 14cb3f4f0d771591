# What `cmake --install` puts in place: the libraries and their headers, a
# package for find_package(Torc), the program, a unit for systemd and a
# commented configuration.
include(CMakePackageConfigHelpers)

set(torc_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Torc")

set(torc_installed torc_core torc_io torc_engine torc_sessions)
if(NOT TORC_WITHOUT_CAF)
  list(APPEND torc_installed torc)
endif()
set_target_properties(torc_core PROPERTIES EXPORT_NAME core)
set_target_properties(torc_io PROPERTIES EXPORT_NAME io)
set_target_properties(torc_engine PROPERTIES EXPORT_NAME engine)
set_target_properties(torc_sessions PROPERTIES EXPORT_NAME sessions)

install(TARGETS ${torc_installed} EXPORT TorcTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/torc"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
install(EXPORT TorcTargets NAMESPACE Torc:: DESTINATION "${torc_package_dir}")

configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/TorcConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/TorcConfig.cmake"
  INSTALL_DESTINATION "${torc_package_dir}")
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/TorcConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/TorcConfig.cmake"
  "${PROJECT_BINARY_DIR}/TorcConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindCAF.cmake"
  DESTINATION "${torc_package_dir}")

if(TARGET torc_program)
  # A prefix of /usr has its configuration in /etc, as the directory standard
  # says; elsewhere it stays below the prefix.
  set(torc_config_dir "${CMAKE_INSTALL_FULL_SYSCONFDIR}/torc")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/torc.service.in"
    "${PROJECT_BINARY_DIR}/torc.service" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/torc.service"
    DESTINATION lib/systemd/system)
  install(FILES "${PROJECT_SOURCE_DIR}/cmake/torc.sysusers"
    DESTINATION lib/sysusers.d RENAME torc.conf)
  install(FILES "${PROJECT_SOURCE_DIR}/cmake/torc.toml"
    DESTINATION "${CMAKE_INSTALL_SYSCONFDIR}/torc")
endif()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}")
