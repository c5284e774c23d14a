# Outside libraries, all from the distribution; each is used by the layers named.
include_guard(GLOBAL)

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(simdjson REQUIRED)                                      # io, tokenizers: large JSON files
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)         # tokenizers: a vocabulary's own regular expressions
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)     # base: Unicode properties and normal forms
pkg_check_modules(HIGHWAY REQUIRED IMPORTED_TARGET libhwy)           # kernels: SIMD chosen at run time
pkg_check_modules(IMAGES REQUIRED IMPORTED_TARGET libjpeg libpng libwebp libwebpdemux libgif)  # processors: image files
pkg_check_modules(SOUND REQUIRED IMPORTED_TARGET sndfile soxr)       # processors: sound files, other sampling rates
find_package(ZLIB REQUIRED)                                          # generation: how well a transcription packs
find_package(CLI11 REQUIRED)                                         # cli: command line
find_package(yaml-cpp REQUIRED)                                      # cli: run files
find_package(fmt REQUIRED)                                           # base: text formatting
pkg_check_modules(MPI IMPORTED_TARGET ompi-c)                         # train: several processes; may be absent
if(IMAGO_TESTS)
  find_package(GTest REQUIRED)
endif()
if(IMAGO_BENCH)
  find_package(benchmark REQUIRED)
endif()
