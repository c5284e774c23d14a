#include "imago/ops/linear/packed_weights.h"

#include <map>
#include <mutex>
#include <new>
#include <tuple>

namespace imago {
namespace {

// Fewer rows multiply the weight where it lies; so many take no notice of what packing costs.
constexpr int64_t kMinRows = 17, kMaxRowsUnpacked = 4096;
constexpr int64_t kMaxPackedBytes = int64_t{1} << 30;
constexpr std::align_val_t kAlignment{64};

struct Key {
  std::weak_ptr<Storage> storage;  // not kept alive, and not mistaken for a later one at the same address
  int64_t offset, out, in;

  bool operator<(const Key& other) const {
    if (storage.owner_before(other.storage)) return true;
    if (other.storage.owner_before(storage)) return false;
    return std::tie(offset, out, in) < std::tie(other.offset, other.out, other.in);
  }
};

class PackedWeights {
 public:
  PackedWeight find(const Tensor& weight, int64_t rows) {
    const Key key = {weight.storage(), weight.offset(), weight.size(0), weight.size(1)};
    const std::lock_guard lock(mutex_);
    auto entry = entries_.find(key);
    if (entry == entries_.end()) {
      if (rows <= kMaxRowsUnpacked) {
        forget_dead();
        entries_.emplace(key, PackedWeight());
      }
      return {};
    }
    PackedWeight& packed = entry->second;
    if (packed.columns.width != kernels::packed_strip_width() && rows <= kMaxRowsUnpacked) pack(weight, packed);
    return packed;
  }

 private:
  static int64_t bytes_of(const Key& key, int64_t width) {
    return width == 0 ? 0 : kernels::packed_size(key.in, key.out, width) * static_cast<int64_t>(sizeof(float));
  }

  void forget_dead() {
    std::erase_if(entries_, [&](const auto& entry) {
      if (!entry.first.storage.expired()) return false;
      bytes_ -= bytes_of(entry.first, entry.second.columns.width);
      return true;
    });
  }

  void pack(const Tensor& weight, PackedWeight& packed) {
    const int64_t width = kernels::packed_strip_width(), out = weight.size(0), in = weight.size(1);
    const int64_t count = kernels::packed_size(in, out, width), bytes = count * static_cast<int64_t>(sizeof(float));
    if (bytes_ + bytes > kMaxPackedBytes) return;
    auto* const data = static_cast<float*>(::operator new(static_cast<size_t>(bytes), kAlignment, std::nothrow));
    if (data == nullptr) return;  // it is only a matter of speed
    packed.owner = {data, [](float* memory) { ::operator delete(memory, kAlignment); }};
    packed.columns = {data, width};
    bytes_ += bytes;
    kernels::pack_columns(weight.const_data<float>(), weight.strides()[0], true, in, out, data);
  }

  std::mutex mutex_;
  std::map<Key, PackedWeight> entries_;
  int64_t bytes_ = 0;
};

}  // namespace

PackedWeight packed_weight(const Tensor& weight, int64_t rows) {
  if (rows < kMinRows || weight.storage()->writable() || weight.numel() == 0) return {};
  static auto* const weights = new PackedWeights;  // never destroyed: tensors in static objects may outlive any order
  return weights->find(weight, rows);
}

}  // namespace imago
