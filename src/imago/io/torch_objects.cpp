#include "imago/io/torch_objects.h"

#include <fmt/core.h>

#include <array>
#include <string>

#include "imago/base/quote.h"

namespace imago {
namespace {

using Kind = PickleValue::Kind;

constexpr const char* kWhere = "pickle";

enum class Role : uint8_t {
  kOrderedDict,
  kSize,
  kDevice,
  kRebuildTensor,
  kRebuildTensorV3,
  kRebuildParameter,
  kStorage,
  kUntypedStorage,
  kDType
};

struct Global {
  std::string_view module, name;
  Role role;
  DType dtype = DType::f32;
};

constexpr auto kGlobals = std::to_array<Global>({
    {"collections", "OrderedDict", Role::kOrderedDict},
    {"torch", "Size", Role::kSize},
    {"torch", "device", Role::kDevice},
    {"torch._utils", "_rebuild_tensor", Role::kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v2", Role::kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v3", Role::kRebuildTensorV3},
    {"torch._utils", "_rebuild_parameter", Role::kRebuildParameter},
    {"torch", "DoubleStorage", Role::kStorage, DType::f64},
    {"torch", "FloatStorage", Role::kStorage, DType::f32},
    {"torch", "HalfStorage", Role::kStorage, DType::f16},
    {"torch", "BFloat16Storage", Role::kStorage, DType::bf16},
    {"torch", "LongStorage", Role::kStorage, DType::i64},
    {"torch", "IntStorage", Role::kStorage, DType::i32},
    {"torch", "ShortStorage", Role::kStorage, DType::i16},
    {"torch", "CharStorage", Role::kStorage, DType::i8},
    {"torch", "ByteStorage", Role::kStorage, DType::u8},
    {"torch", "BoolStorage", Role::kStorage, DType::boolean},
    {"torch.storage", "UntypedStorage", Role::kUntypedStorage},
    {"torch", "float64", Role::kDType, DType::f64},
    {"torch", "float32", Role::kDType, DType::f32},
    {"torch", "float16", Role::kDType, DType::f16},
    {"torch", "bfloat16", Role::kDType, DType::bf16},
    {"torch", "int64", Role::kDType, DType::i64},
    {"torch", "int32", Role::kDType, DType::i32},
    {"torch", "int16", Role::kDType, DType::i16},
    {"torch", "int8", Role::kDType, DType::i8},
    {"torch", "uint8", Role::kDType, DType::u8},
    {"torch", "bool", Role::kDType, DType::boolean},
    {"torch", "float8_e4m3fn", Role::kDType, DType::f8_e4m3fn},
    {"torch", "float8_e5m2", Role::kDType, DType::f8_e5m2},
});

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorKind::kInvalidFile, kWhere, what); }

}  // namespace

PickleId TorchObjects::global(std::string_view module, std::string_view name) {
  for (size_t i = 0; i < kGlobals.size(); ++i) {
    if (kGlobals[i].module == module && kGlobals[i].name == name)
      return heap_.add(Kind::kGlobal, static_cast<int64_t>(i));
  }
  throw Error(ErrorKind::kUnsupported, kWhere,
              fmt::format("the file names {}.{}, which is not among the few things that a checkpoint of tensors needs",
                          module.substr(0, 100), name.substr(0, 100)),
              "nothing of it was run; take a safetensors file, or save the state dict alone");
}

PickleId TorchObjects::construct(PickleId callable, PickleId arguments_id) {
  const PickleValue& function = heap_[callable];
  if (function.kind != Kind::kGlobal) fail("something is called that is not a function");
  // A copy: what is built below may move the heap's values.
  heap_.charge_items(heap_[arguments_id].items.size());
  const std::vector<PickleId> arguments = expect(arguments_id, Kind::kTuple, "the arguments of a call").items;
  const Global& global = kGlobals[static_cast<size_t>(function.number)];
  switch (global.role) {
    case Role::kOrderedDict: return ordered_dict(arguments);
    case Role::kSize:
      if (arguments.size() != 1) fail("torch.Size takes one argument");
      return arguments[0];
    case Role::kDevice: return heap_.add(Kind::kNone);
    case Role::kRebuildTensor: return tensor(arguments, false);
    case Role::kRebuildTensorV3: return tensor(arguments, true);
    case Role::kRebuildParameter: return parameter(arguments);
    case Role::kStorage:
    case Role::kUntypedStorage:
    case Role::kDType: break;
  }
  fail(fmt::format("{}.{} is called, which is not a function", global.module, global.name));
}

// Python 2 wrote the pairs as an argument; later versions add them to the empty dict.
PickleId TorchObjects::ordered_dict(const std::vector<PickleId>& arguments) {
  const PickleId dict = heap_.add(Kind::kDict);
  if (arguments.empty()) return dict;
  const std::vector<PickleId>& pairs = expect(arguments[0], Kind::kList, "the argument of OrderedDict").items;
  heap_.charge_items(2 * pairs.size());
  for (const PickleId pair : pairs) {
    const PickleValue& value = heap_[pair];
    if ((value.kind != Kind::kTuple && value.kind != Kind::kList) || value.items.size() != 2) {
      fail("OrderedDict is given something that is not a pair");
    }
    heap_[dict].items.insert(heap_[dict].items.end(), value.items.begin(), value.items.end());
  }
  return dict;
}

// (storage, offset, size, stride[, requires_grad, backward_hooks[, dtype][, metadata]])
PickleId TorchObjects::tensor(const std::vector<PickleId>& arguments, bool has_dtype) {
  if (arguments.size() < (has_dtype ? 7U : 4U)) fail("a tensor is built from too few arguments");
  TorchTensor tensor;
  tensor.storage = static_cast<size_t>(expect(arguments[0], Kind::kStorage, "a tensor's storage").number);
  const TorchStorage& storage = storages_[tensor.storage];
  tensor.offset = expect(arguments[1], Kind::kInt, "a tensor's offset").number;
  tensor.shape = sizes(arguments[2], "a tensor's size");
  tensor.strides = sizes(arguments[3], "a tensor's stride");
  if (tensor.offset < 0) fail("a tensor's offset is negative");
  if (tensor.shape.size() != tensor.strides.size()) fail("a tensor has not as many strides as sizes");
  if (has_dtype) {
    const Global& dtype = kGlobals[static_cast<size_t>(expect(arguments[6], Kind::kGlobal, "a tensor's dtype").number)];
    if (dtype.role != Role::kDType) fail("a tensor's dtype is something else");
    tensor.dtype = dtype.dtype;
  } else {
    if (!storage.dtype) fail("a tensor on an untyped storage has no dtype");
    tensor.dtype = *storage.dtype;
  }
  tensors_.push_back(tensor);
  return heap_.add(Kind::kTensor, static_cast<int64_t>(tensors_.size() - 1));
}

// (data, requires_grad, backward_hooks): a parameter is its data.
PickleId TorchObjects::parameter(const std::vector<PickleId>& arguments) const {
  if (arguments.empty()) fail("a parameter is built from nothing");
  expect(arguments[0], Kind::kTensor, "a parameter's data");
  return arguments[0];
}

// ("storage", type, key, location, count[, view of another storage])
PickleId TorchObjects::persistent(PickleId id) {
  const std::vector<PickleId>& fields = expect(id, Kind::kTuple, "a persistent id").items;
  if (fields.size() != 5 && fields.size() != 6) fail("a persistent id has not five fields");
  if (expect(fields[0], Kind::kString, "the type of a persistent id").text != "storage") {
    fail("a persistent id is not of a storage");
  }
  const Global& type = kGlobals[static_cast<size_t>(expect(fields[1], Kind::kGlobal, "a storage's type").number)];
  if (type.role != Role::kStorage && type.role != Role::kUntypedStorage) fail("a storage's type is something else");
  TorchStorage storage;
  storage.key = expect(fields[2], Kind::kString, "a storage's key").text;
  if (type.role == Role::kStorage) storage.dtype = type.dtype;
  storage.count = expect(fields[4], Kind::kInt, "a storage's size").number;
  if (storage.count < 0) fail("a storage has a negative size");
  if (fields.size() == 6 && heap_[fields[5]].kind != Kind::kNone) {
    throw Error(ErrorKind::kUnsupported, kWhere, "a storage is a view of another, as torch wrote before version 0.4",
                "load and save the checkpoint with a newer torch");
  }
  if (const auto known = storage_of_key_.find(storage.key); known != storage_of_key_.end()) {
    const TorchStorage& first = storages_[static_cast<size_t>(heap_[known->second].number)];
    if (first.dtype != storage.dtype || first.count != storage.count) {
      fail(fmt::format("storage {} is described in two ways", quote(storage.key)));
    }
    return known->second;
  }
  storages_.push_back(storage);
  const PickleId value = heap_.add(Kind::kStorage, static_cast<int64_t>(storages_.size() - 1));
  storage_of_key_.emplace(storage.key, value);
  return value;
}

const PickleValue& TorchObjects::expect(PickleId id, Kind kind, std::string_view what) const {
  const PickleValue& value = heap_[id];
  if (value.kind != kind) fail(fmt::format("{} is of another type", what));
  return value;
}

Shape TorchObjects::sizes(PickleId id, std::string_view what) const {
  const PickleValue& tuple = expect(id, Kind::kTuple, what);
  if (tuple.items.size() > Shape::kMaxDims) {
    throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("a tensor has {} dimensions", tuple.items.size()));
  }
  Shape shape;
  for (const PickleId item : tuple.items) {
    const int64_t number = expect(item, Kind::kInt, what).number;
    if (number < 0) fail(fmt::format("{} has the negative item {}", what, number));
    shape.push_back(number);
  }
  return shape;
}

}  // namespace imago
