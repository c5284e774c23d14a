// Reads pickles of protocols 2 to 5 as data: https://github.com/python/cpython/blob/main/Lib/pickletools.py
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "imago/base/byte_reader.h"
#include "imago/io/pickle_heap.h"
#include "imago/io/torch_objects.h"

namespace imago {

class Unpickler {
 public:
  // Values are kept in `heap`, and those of torch in `objects`.
  Unpickler(PickleHeap& heap, TorchObjects& objects) : heap_(heap), objects_(objects) {}

  // Reads one pickle and leaves the reader behind its STOP. Time and memory are linear in what is read.
  // Throws Error kInvalidFile (truncated, malformed), kUnsupported (an opcode or a global that no checkpoint of tensors
  // needs) or kLimitExceeded.
  PickleId load(ByteReader& reader);

 private:
  bool load_value(uint8_t opcode, ByteReader& reader);
  bool load_container(uint8_t opcode);
  bool load_object(uint8_t opcode, ByteReader& reader);
  bool change_stack(uint8_t opcode, ByteReader& reader);

  PickleId pop();
  PickleId top() const;
  std::vector<PickleId> pop_to_mark();
  std::vector<PickleId> pop_many(size_t count);
  void push(PickleId id);
  void push_text(PickleValue::Kind kind, std::string_view text) { push(heap_.add(PickleValue{kind, 0, text, {}})); }
  void push_tuple(std::vector<PickleId> items);
  void push_long(std::string_view bytes);
  void append(PickleValue::Kind kind, const std::vector<PickleId>& items);
  void build();
  void store(uint64_t slot);
  PickleId recall(uint64_t slot) const;

  PickleHeap& heap_;
  TorchObjects& objects_;
  std::vector<PickleId> stack_;
  std::vector<size_t> marks_;  // heights of the stack
  std::vector<PickleId> memo_;
  size_t memo_count_ = 0;
};

}  // namespace imago
