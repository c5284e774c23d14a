#include "imago/io/unpickler.h"

#include <fmt/core.h>

#include <limits>
#include <string>
#include <utility>

#include "imago/base/error.h"

namespace imago {
namespace {

using Kind = PickleValue::Kind;

constexpr const char* kWhere = "pickle";
constexpr PickleId kUnset = std::numeric_limits<PickleId>::max();
constexpr uint8_t kHighestProtocol = 5;
constexpr size_t kMaxStack = size_t{1} << 24;
constexpr size_t kMaxMarks = size_t{1} << 16;
constexpr uint64_t kMaxMemo = uint64_t{1} << 24;

// The opcodes that are read, by pickletools' names.
enum Opcode : uint8_t {
  kMark = '(',
  kEmptyTuple = ')',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kEmptyList = ']',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kDict = 'd',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kList = 'l',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyDict = '}',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

[[noreturn]] void fail(std::string_view what) { throw Error(ErrorKind::kInvalidFile, kWhere, what); }

}  // namespace

PickleId Unpickler::load(ByteReader& reader) {
  stack_.clear();
  marks_.clear();
  memo_.clear();
  memo_count_ = 0;
  while (true) {
    const auto opcode = reader.read<uint8_t>();
    if (opcode == kStop) {
      if (stack_.size() != 1 || !marks_.empty()) fail("a pickle ends with other than one value");
      return pop();
    }
    if (!load_value(opcode, reader) && !load_container(opcode) && !load_object(opcode, reader) &&
        !change_stack(opcode, reader)) {
      throw Error(ErrorKind::kUnsupported, kWhere,
                  fmt::format("opcode {:#04x} at {} is not one that a checkpoint of tensors needs", opcode,
                              reader.position() - 1));
    }
  }
}

bool Unpickler::load_value(uint8_t opcode, ByteReader& reader) {
  switch (opcode) {
    case kNone: push(heap_.add(Kind::kNone)); return true;
    case kNewTrue: push(heap_.add(Kind::kBool, 1)); return true;
    case kNewFalse: push(heap_.add(Kind::kBool, 0)); return true;
    case kBinInt: push(heap_.add(Kind::kInt, reader.read<int32_t>())); return true;
    case kBinInt1: push(heap_.add(Kind::kInt, reader.read<uint8_t>())); return true;
    case kBinInt2: push(heap_.add(Kind::kInt, reader.read<uint16_t>())); return true;
    case kLong1: push_long(reader.text(reader.read<uint8_t>())); return true;
    case kBinFloat:
      reader.skip(sizeof(double));
      push(heap_.add(Kind::kFloat));
      return true;
    case kBinString: push_text(Kind::kString, reader.text(reader.read<uint32_t>())); return true;
    case kShortBinString: push_text(Kind::kString, reader.text(reader.read<uint8_t>())); return true;
    case kBinUnicode: push_text(Kind::kString, reader.text(reader.read<uint32_t>())); return true;
    case kShortBinUnicode: push_text(Kind::kString, reader.text(reader.read<uint8_t>())); return true;
    case kBinUnicode8: push_text(Kind::kString, reader.text(reader.read<uint64_t>())); return true;
    case kBinBytes: push_text(Kind::kBytes, reader.text(reader.read<uint32_t>())); return true;
    case kShortBinBytes: push_text(Kind::kBytes, reader.text(reader.read<uint8_t>())); return true;
    case kBinBytes8: push_text(Kind::kBytes, reader.text(reader.read<uint64_t>())); return true;
    default: return false;
  }
}

bool Unpickler::load_container(uint8_t opcode) {
  switch (opcode) {
    case kEmptyTuple: push(heap_.add(Kind::kTuple)); return true;
    case kEmptyList: push(heap_.add(Kind::kList)); return true;
    case kEmptyDict: push(heap_.add(Kind::kDict)); return true;
    case kTuple: push_tuple(pop_to_mark()); return true;
    case kTuple1: push_tuple(pop_many(1)); return true;
    case kTuple2: push_tuple(pop_many(2)); return true;
    case kTuple3: push_tuple(pop_many(3)); return true;
    case kList: push(heap_.add(PickleValue{Kind::kList, 0, {}, pop_to_mark()})); return true;
    case kDict: {
      const std::vector<PickleId> items = pop_to_mark();
      push(heap_.add(Kind::kDict));
      append(Kind::kDict, items);
      return true;
    }
    case kAppend: append(Kind::kList, pop_many(1)); return true;
    case kAppends: append(Kind::kList, pop_to_mark()); return true;
    case kSetItem: append(Kind::kDict, pop_many(2)); return true;
    case kSetItems: append(Kind::kDict, pop_to_mark()); return true;
    default: return false;
  }
}

bool Unpickler::load_object(uint8_t opcode, ByteReader& reader) {
  switch (opcode) {
    case kGlobal: {
      const std::string_view module = reader.line(), name = reader.line();
      push(objects_.global(module, name));
      return true;
    }
    case kStackGlobal: {
      const PickleValue &name = heap_[pop()], &module = heap_[pop()];
      if (name.kind != Kind::kString || module.kind != Kind::kString) fail("a global's name is not a string");
      push(objects_.global(module.text, name.text));
      return true;
    }
    case kReduce: {
      const PickleId arguments = pop(), callable = pop();
      push(objects_.construct(callable, arguments));
      return true;
    }
    case kBinPersId: push(objects_.persistent(pop())); return true;
    case kBuild: build(); return true;
    default: return false;
  }
}

bool Unpickler::change_stack(uint8_t opcode, ByteReader& reader) {
  switch (opcode) {
    case kProto:
      if (const auto version = reader.read<uint8_t>(); version > kHighestProtocol) {
        throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("protocol {} is not known", version));
      }
      return true;
    case kFrame: reader.skip(sizeof(uint64_t)); return true;  // a hint for buffered readers
    case kMark:
      if (marks_.size() == kMaxMarks) throw Error(ErrorKind::kLimitExceeded, kWhere, "marks are nested too deep");
      marks_.push_back(stack_.size());
      return true;
    case kPop: pop(); return true;
    case kPopMark: pop_to_mark(); return true;
    case kDup: push(top()); return true;
    case kBinPut: store(reader.read<uint8_t>()); return true;
    case kLongBinPut: store(reader.read<uint32_t>()); return true;
    case kMemoize: store(memo_count_); return true;
    case kBinGet: push(recall(reader.read<uint8_t>())); return true;
    case kLongBinGet: push(recall(reader.read<uint32_t>())); return true;
    default: return false;
  }
}

void Unpickler::push(PickleId id) {
  if (stack_.size() == kMaxStack) throw Error(ErrorKind::kLimitExceeded, kWhere, "the stack is too deep");
  stack_.push_back(id);
}

PickleId Unpickler::pop() {
  const PickleId id = top();
  stack_.pop_back();
  return id;
}

PickleId Unpickler::top() const {
  if (stack_.size() == (marks_.empty() ? 0 : marks_.back())) fail("a value is taken from an empty stack");
  return stack_.back();
}

std::vector<PickleId> Unpickler::pop_to_mark() {
  if (marks_.empty()) fail("there is no mark on the stack");
  std::vector<PickleId> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return items;
}

std::vector<PickleId> Unpickler::pop_many(size_t count) {
  if (stack_.size() - (marks_.empty() ? 0 : marks_.back()) < count) fail("values are taken from an empty stack");
  std::vector<PickleId> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return items;
}

void Unpickler::push_tuple(std::vector<PickleId> items) {
  push(heap_.add(PickleValue{Kind::kTuple, 0, {}, std::move(items)}));
}

// Two's complement, little-endian, of any length.
void Unpickler::push_long(std::string_view bytes) {
  if (bytes.size() > sizeof(int64_t)) return push_text(Kind::kBigInt, bytes);
  const bool negative = !bytes.empty() && (static_cast<uint8_t>(bytes.back()) & 0x80U) != 0;
  uint64_t value = negative ? ~uint64_t{0} : 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  push(heap_.add(Kind::kInt, static_cast<int64_t>(value)));
}

void Unpickler::append(Kind kind, const std::vector<PickleId>& items) {
  PickleValue& container = heap_[top()];
  if (container.kind != kind)
    fail(kind == Kind::kList ? "items are added to what is no list" : "keys are set on what is no dict");
  if (kind == Kind::kDict && items.size() % 2 != 0) fail("a key has no value");
  heap_.charge_items(items.size());
  container.items.insert(container.items.end(), items.begin(), items.end());
}

// torch sets the attribute _metadata on a state dict: versions of modules, which loading does not depend on.
void Unpickler::build() {
  const PickleValue& state = heap_[pop()];
  if (heap_[top()].kind != Kind::kDict || state.kind != Kind::kDict) {
    throw Error(ErrorKind::kUnsupported, kWhere, "attributes are set on an object that is not a state dict");
  }
}

void Unpickler::store(uint64_t slot) {
  if (slot >= kMaxMemo) throw Error(ErrorKind::kLimitExceeded, kWhere, "the memo is too large");
  if (slot >= memo_.size()) memo_.resize(static_cast<size_t>(slot) + 1, kUnset);
  if (memo_[slot] == kUnset) ++memo_count_;
  memo_[slot] = top();
}

PickleId Unpickler::recall(uint64_t slot) const {
  if (slot >= memo_.size() || memo_[slot] == kUnset) fail("a value is recalled that was never stored");
  return memo_[slot];
}

}  // namespace imago
