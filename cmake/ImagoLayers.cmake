# One CMake target per directory below src/imago: imago_<layer>, with the alias imago::<layer>.
# Sources are globbed, so adding a file or a folder edits no list:
#   x.cpp        goes into the layer's library
#   x_test.cpp   goes into the layer's test program <layer>_test
#   x_fuzz.cpp   is a fuzz target of its own; its seeds lie beside it in x_fuzz_corpus/
include_guard(GLOBAL)

# The precompiled headers belong to two targets of nothing else. GCC takes one only where all macros that it was made with
# are defined, and for a program only if made for programs; so these have what all have.
function(imago_add_precompiled_headers)
  set(nothing "${PROJECT_BINARY_DIR}/generated/nothing.cpp")
  file(CONFIGURE OUTPUT "${nothing}" CONTENT "int main() {}\n")
  add_library(imago_precompiled OBJECT EXCLUDE_FROM_ALL "${nothing}")
  target_link_libraries(imago_precompiled PRIVATE imago_options fmt::fmt)
  target_precompile_headers(imago_precompiled PRIVATE "${PROJECT_SOURCE_DIR}/src/imago/precompiled.h")
  if(IMAGO_TESTS)
    add_executable(imago_precompiled_test EXCLUDE_FROM_ALL "${nothing}")
    target_include_directories(imago_precompiled_test PRIVATE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(imago_precompiled_test PRIVATE imago_options fmt::fmt GTest::gtest)
    target_precompile_headers(imago_precompiled_test PRIVATE "${PROJECT_SOURCE_DIR}/tests/precompiled.h")
  endif()
endfunction()

# Gives TARGET the precompiled header of OWNER. Not the kernels: their options differ under sanitizers, and they include
# next to nothing.
function(imago_precompile target owner)
  if(NOT target MATCHES "kernels")
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()

# imago_layer(<layer> [DEPENDS <layers above>...] [LIBRARIES <libraries>...] [TEST_DEPENDS <other layers of its tests>...])
function(imago_layer layer)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES;EXCLUDE;TEST_DEPENDS" ${ARGN})
  set(folder "${CMAKE_CURRENT_SOURCE_DIR}/${layer}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  if(ARG_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "${ARG_EXCLUDE}")
  endif()
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cpp$")

  set(scope PUBLIC)
  if(NOT sources)
    add_library(imago_${layer} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(imago_${layer} STATIC ${sources})
    target_link_libraries(imago_${layer} PRIVATE $<BUILD_INTERFACE:imago_options>)
    imago_precompile(imago_${layer} imago_precompiled)
  endif()
  add_library(imago::${layer} ALIAS imago_${layer})
  set_target_properties(imago_${layer} PROPERTIES EXPORT_NAME ${layer})
  target_compile_features(imago_${layer} ${scope} cxx_std_20)
  target_include_directories(imago_${layer} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated> $<INSTALL_INTERFACE:include>)
  list(TRANSFORM ARG_DEPENDS PREPEND imago_)
  target_link_libraries(imago_${layer} ${scope} ${ARG_DEPENDS})
  if(sources)
    target_link_libraries(imago_${layer} PRIVATE ${ARG_LIBRARIES})
  endif()
  set_property(GLOBAL APPEND PROPERTY IMAGO_LAYERS ${layer})
  set_property(GLOBAL PROPERTY IMAGO_TESTS_${layer} ${tests})
  list(TRANSFORM ARG_TEST_DEPENDS PREPEND imago_)
  set_property(GLOBAL PROPERTY IMAGO_TEST_LIBRARIES_${layer} ${ARG_TEST_DEPENDS} ${ARG_LIBRARIES})
  set_property(GLOBAL APPEND PROPERTY IMAGO_FUZZERS ${fuzzers})
endfunction()

# One test program per layer: fewer links than one per file, and a failure still names the file's suite.
# A layer's tests may use any layer, so they are declared after all of them.
function(imago_add_tests)
  if(NOT IMAGO_TESTS)
    return()
  endif()
  get_property(layers GLOBAL PROPERTY IMAGO_LAYERS)
  foreach(layer ${layers})
    get_property(tests GLOBAL PROPERTY IMAGO_TESTS_${layer})
    get_property(libraries GLOBAL PROPERTY IMAGO_TEST_LIBRARIES_${layer})
    if(tests)
      add_executable(${layer}_test ${tests})
      target_link_libraries(${layer}_test PRIVATE imago_options imago_${layer} ${libraries} GTest::gmock GTest::gtest_main)
      target_compile_definitions(${layer}_test PRIVATE IMAGO_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
      imago_precompile(${layer}_test imago_precompiled_test)
      add_test(NAME ${layer} COMMAND ${layer}_test --gtest_brief=1)
    endif()
  endforeach()
  if(TARGET cli_test)
    add_dependencies(cli_test imago_program)  # which they start as processes of their own
  endif()
  if(IMAGO_SANITIZE AND TARGET kernels_test)
    # They compute in double what the kernels are to give, which takes minutes without optimisation.
    target_compile_options(kernels_test PRIVATE -O1)
  endif()
endfunction()

function(imago_add_fuzz_targets)
  get_property(fuzzers GLOBAL PROPERTY IMAGO_FUZZERS)
  add_custom_target(fuzzers)
  foreach(source ${fuzzers})
    get_filename_component(name "${source}" NAME_WE)
    file(RELATIVE_PATH path "${PROJECT_SOURCE_DIR}/src/imago" "${source}")
    string(REGEX MATCH "^[^/]+" layer "${path}")
    get_property(libraries GLOBAL PROPERTY IMAGO_TEST_LIBRARIES_${layer})
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE imago_options imago_${layer} ${libraries})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${name})
  endforeach()
endfunction()

# Writes generated/<file> with `void <function>(<type>&)`, which calls register_<stem>(<type>&) for each of FILES.
function(imago_write_registry file)
  cmake_parse_arguments(ARG "" "TYPE;INCLUDE;FUNCTION" "FILES" ${ARGN})
  set(declarations "")
  set(calls "")
  foreach(source ${ARG_FILES})
    get_filename_component(stem "${source}" NAME_WE)
    string(APPEND declarations "void register_${stem}(${ARG_TYPE}&);\n")
    string(APPEND calls "  register_${stem}(table);\n")
  endforeach()
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/${file}" CONTENT
"// Written by CMake from the folders.
#include \"${ARG_INCLUDE}\"

namespace imago {

${declarations}
void ${ARG_FUNCTION}([[maybe_unused]] ${ARG_TYPE}& table) {
${calls}}

}  // namespace imago
" @ONLY)
endfunction()
