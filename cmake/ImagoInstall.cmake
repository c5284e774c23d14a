# What `cmake --install` lays down: the program, the headers, the libraries, and the package file for
#   find_package(imago)   target_link_libraries(app imago::imago)
include_guard(GLOBAL)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(layers GLOBAL PROPERTY IMAGO_LAYERS)
list(REMOVE_ITEM layers cli)
add_library(imago_imago INTERFACE)
set_target_properties(imago_imago PROPERTIES EXPORT_NAME imago)
add_library(imago::imago ALIAS imago_imago)
set(targets imago_imago)
foreach(layer ${layers})
  target_link_libraries(imago_imago INTERFACE imago_${layer})
  list(APPEND targets imago_${layer})
endforeach()

install(TARGETS ${targets} EXPORT imago ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS imago_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY src/imago "${PROJECT_BINARY_DIR}/generated/imago" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "precompiled.h" EXCLUDE PATTERN "golden" EXCLUDE PATTERN "testdata" EXCLUDE PATTERN "*_corpus" EXCLUDE PATTERN "cli" EXCLUDE)
install(DIRECTORY assets/story DESTINATION ${CMAKE_INSTALL_DATADIR}/imago OPTIONAL)
install(EXPORT imago NAMESPACE imago:: FILE imagoTargets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/imago)
configure_package_config_file(cmake/imagoConfig.cmake.in "${PROJECT_BINARY_DIR}/imagoConfig.cmake"
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/imago)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/imagoConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/imagoConfig.cmake" "${PROJECT_BINARY_DIR}/imagoConfigVersion.cmake"
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/imago)
