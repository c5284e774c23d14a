// How much memory this process has held.
#pragma once

#include <cstdint>

namespace imago {

// The most bytes that lay in memory at once, of mapped files the pages that were read among them.
int64_t peak_memory_bytes();

}  // namespace imago
