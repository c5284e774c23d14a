// Memory of mapped files.
#pragma once

#include <cstddef>
#include <cstdint>

namespace imago {

// Takes the whole pages of a read-only mapping of a file out of this process's memory. Whoever reads them again gets
// the same bytes, from the system's cache: for what has been copied and is not needed a second time.
void forget_mapped_pages(const std::byte* begin, int64_t bytes);

}  // namespace imago
