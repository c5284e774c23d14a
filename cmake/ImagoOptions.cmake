# Compiler settings that every target of the project shares.
include_guard(GLOBAL)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(IMAGO_CCACHE ccache)
if(IMAGO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers can be cached when ccache may trust the compiler's list of includes and ignore their time stamps.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros "${IMAGO_CCACHE}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  else()
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

add_library(imago_options INTERFACE)
target_compile_options(imago_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers -Werror
  # Contracting a*b+c into an fma behind the source's back would make results depend on the compiler; kernels ask for fma by name.
  -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports false positives of these in optimised standard-library code (of the last two where it comes from a
  # precompiled header).
  target_compile_options(imago_options INTERFACE
    -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-restrict -Wno-array-bounds -Wno-stringop-overread)
endif()
if(NOT IMAGO_AVX512)
  target_compile_definitions(imago_options INTERFACE IMAGO_WITHOUT_AVX512)
endif()
if(IMAGO_SANITIZE)
  target_compile_definitions(imago_options INTERFACE IMAGO_SANITIZED)
  add_compile_options(-fsanitize=${IMAGO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${IMAGO_SANITIZE})
endif()
if(IMAGO_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
