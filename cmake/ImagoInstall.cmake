# What `cmake --install` lays down: the program, the headers, the libraries, and the package file for
#   find_package(imago)                         target_link_libraries(app imago::imago)
#   find_package(imago COMPONENTS tokenizers)   target_link_libraries(app imago::tokenizers)
# The tokenizers need the base alone, and can be built and installed without the rest:
#   cmake --build build/release --target imago_tokenizers && cmake --install build/release --component tokenizers
include_guard(GLOBAL)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(layers GLOBAL PROPERTY IMAGO_LAYERS)
list(REMOVE_ITEM layers cli)
add_library(imago_imago INTERFACE)
set_target_properties(imago_imago PROPERTIES EXPORT_NAME imago)
add_library(imago::imago ALIAS imago_imago)
set(targets imago_imago)
set(tokenizer_targets imago_base imago_tokenizers)
set_target_properties(imago_base PROPERTIES EXPORT_NAME base)
set_target_properties(imago_tokenizers PROPERTIES EXPORT_NAME tokenizers)
foreach(layer ${layers})
  target_link_libraries(imago_imago INTERFACE imago_${layer})
  list(APPEND targets imago_${layer})
endforeach()
list(REMOVE_ITEM targets ${tokenizer_targets})

install(TARGETS ${tokenizer_targets} EXPORT imago_tokenizers
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT tokenizers)
install(DIRECTORY src/imago/base src/imago/tokenizers DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/imago COMPONENT tokenizers
  FILES_MATCHING PATTERN "*.h" PATTERN "golden" EXCLUDE PATTERN "testdata" EXCLUDE PATTERN "*_corpus" EXCLUDE)
install(EXPORT imago_tokenizers NAMESPACE imago:: FILE imagoTokenizersTargets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/imago COMPONENT tokenizers)

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
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/imago COMPONENT tokenizers)
