// The entries of a zip archive whose entries are stored uncompressed, as torch.save writes it (APPNOTE.TXT 6.3.10).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace imago {

struct ZipEntry {
  std::string name;
  int64_t begin = 0, end = 0;  // its bytes in the file
};

bool is_zip(std::span<const std::byte> file);

// Reads the central directory and the entries' own headers, not their data; checksums are not computed, since that
// would read everything. Throws Error kInvalidFile when the directory contradicts itself or the file (entries that
// overlap or reach outside, names that occur twice), kUnsupported for compressed or encrypted entries and archives in
// several parts.
std::vector<ZipEntry> read_zip_directory(std::span<const std::byte> file);

}  // namespace imago
