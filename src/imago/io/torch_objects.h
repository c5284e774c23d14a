// What a pickle written by torch.save may name and build: a closed list. Nothing is ever called; each entry is
// recognised, and its arguments are read as data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "imago/io/pickle_heap.h"
#include "imago/tensor/dtype.h"
#include "imago/tensor/shape.h"

namespace imago {

struct TorchStorage {
  std::string_view key;        // borrows the pickle
  std::optional<DType> dtype;  // empty: the storage is untyped and counts bytes
  int64_t count = 0;

  int64_t element_size() const { return dtype ? size_of(*dtype) : 1; }
};

struct TorchTensor {
  size_t storage = 0;  // in TorchObjects::storages
  DType dtype = DType::f32;
  int64_t offset = 0;  // in elements, as the strides
  Shape shape, strides;
};

class TorchObjects {
 public:
  explicit TorchObjects(PickleHeap& heap) : heap_(heap) {}

  // A value for module.name. Throws Error kUnsupported, naming it, for whatever is not on the list.
  PickleId global(std::string_view module, std::string_view name);
  // What the pickle asks to be built by calling `callable`. Throws Error kInvalidFile or kUnsupported.
  PickleId construct(PickleId callable, PickleId arguments);
  // The storage that a persistent id stands for.
  PickleId persistent(PickleId id);

  const std::vector<TorchStorage>& storages() const { return storages_; }
  const std::vector<TorchTensor>& tensors() const { return tensors_; }

 private:
  PickleId ordered_dict(const std::vector<PickleId>& arguments);
  PickleId tensor(const std::vector<PickleId>& arguments, bool has_dtype);
  PickleId parameter(const std::vector<PickleId>& arguments) const;
  const PickleValue& expect(PickleId id, PickleValue::Kind kind, std::string_view what) const;
  Shape sizes(PickleId id, std::string_view what) const;

  PickleHeap& heap_;
  std::vector<TorchStorage> storages_;
  std::vector<TorchTensor> tensors_;
  std::map<std::string_view, PickleId> storage_of_key_;
};

}  // namespace imago
