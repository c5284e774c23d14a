#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "imago/base/error.h"
#include "imago/io/shard_index.h"

// Whatever the text says: an Error, or an index that is read back equal from what is written.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  imago::ShardIndex index;
  try {
    index = imago::parse_shard_index({reinterpret_cast<const char*>(data), size});
  } catch (const imago::Error&) {
    return 0;
  }
  const auto again = imago::parse_shard_index(imago::write_shard_index(index, 0, -1));
  if (again.shards != index.shards || again.tensors.size() != index.tensors.size()) std::abort();
  for (const std::string& shard : index.shards) {
    if (shard.find('/') != std::string::npos || shard.starts_with('.')) std::abort();
  }
  return 0;
}
