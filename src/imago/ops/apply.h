// Operations: what one is made of, and the one function that applies it.
//
// An operation is a struct of attributes in ops/<op>/<op>.h:
//
//   namespace imago::op {
//   struct RMSNorm {
//     static constexpr const char* name = "rms_norm";
//     double eps;
//     FIELDS(eps)
//     TensorSpec check(const Tensor& x, const Tensor& weight) const;   // shapes and dtypes, once, for every device
//     Tensor decompose(const Tensor& x, const Tensor& weight) const;   // its meaning in other operations (fused ones)
//     Tensors vjp(const Backward& b) const;                            // its gradient (primitives; optional for fused
//     ones)
//   };
//   }
//   Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) { return apply(op::RMSNorm{eps}, x, weight); }
//
// An operation has one of
//   - kernels, registered per device from <op>_cpu.cpp and <op>_cuda.cu (see kernel_table.h);
//   - `Tensor view(const Tensor& x) const`, for one that gives another view of its input's storage;
//   - `decompose`, which serves wherever a kernel is missing, and as default gradient, export and test oracle.
// `check` may give one TensorSpec or a std::vector of them; an operation with any number of inputs takes
// std::span<const Tensor>. An undefined Tensor is an absent optional input. `static constexpr bool differentiable =
// false` marks an operation no gradient flows through.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "imago/tensor/fields.h"
#include "imago/tensor/tensor.h"

namespace imago {

// What a vjp works from. It gives one tensor per input, undefined where `needs` says nobody asks.
struct Backward {
  std::span<const Tensor> inputs;
  std::span<const Tensor> outputs;
  std::span<const Tensor> grads;  // of the outputs; those that did not arrive are zeros already
  std::vector<bool> needs;        // per input

  const Tensor& input(int i) const { return inputs[static_cast<size_t>(i)]; }
  const Tensor& output(int i = 0) const { return outputs[static_cast<size_t>(i)]; }
  const Tensor& grad(int i = 0) const { return grads[static_cast<size_t>(i)]; }
  bool needs_input(int i) const { return needs[static_cast<size_t>(i)]; }
};

using TensorSpecs = std::vector<TensorSpec>;
using KernelFunction = void (*)(const void* op, std::span<const Tensor> inputs, std::span<Tensor> outputs);

struct Kernel {
  KernelFunction run = nullptr;
  uint32_t dtypes = 0;  // a bit per DType of the first input that the kernel computes

  bool computes(DType dtype) const { return run != nullptr && (dtypes >> static_cast<int>(dtype) & 1) != 0; }
};

// An operation's type with its type erased. Null where the operation has none.
struct OpInfo {
  const char* name;
  bool differentiable;
  TensorSpecs (*check)(const void* op, std::span<const Tensor> inputs);
  Tensor (*view)(const void* op, const Tensor& input);
  Tensors (*decompose)(const void* op, std::span<const Tensor> inputs);
  Tensors (*vjp)(const void* op, const Backward& b);
  void (*each_field)(void* op, FieldVisitor& visitor);
  std::shared_ptr<void> (*copy)(const void* op);
  std::array<Kernel, kNumDevices> kernels;
};

// Watches every operation applied on this thread while it is alive: graph capture and profiling hook in here.
class ApplyObserver {
 public:
  ApplyObserver();
  virtual ~ApplyObserver();
  ApplyObserver(const ApplyObserver&) = delete;
  ApplyObserver& operator=(const ApplyObserver&) = delete;

  virtual void before(const OpInfo&, const void* /*op*/, std::span<const Tensor> /*inputs*/) {}
  virtual void after(const OpInfo&, const void* /*op*/, std::span<const Tensor> /*inputs*/,
                     std::span<const Tensor> /*outputs*/) {}

 private:
  friend Tensors apply_op(const OpInfo&, const void*, std::span<const Tensor>);
  ApplyObserver* parent_;
};

// Checks, runs the kernel of the inputs' device (or the decomposition), and records the gradient tape when it is
// wanted.
Tensors apply_op(const OpInfo& info, const void* op, std::span<const Tensor> inputs);

// Computes by decomposition wherever there is one, while it is alive on this thread: the oracle that kernels are tested
// by.
class PreferDecompose {
 public:
  PreferDecompose();
  ~PreferDecompose();
  PreferDecompose(const PreferDecompose&) = delete;
  PreferDecompose& operator=(const PreferDecompose&) = delete;

 private:
  bool previous_;
};

namespace internal {

template <class>
struct MemberArity;
template <class R, class Op, class... Args>
struct MemberArity<R (Op::*)(Args...) const> {
  static constexpr bool spans = false;
  static constexpr size_t value = sizeof...(Args);
};
template <class R, class Op>
struct MemberArity<R (Op::*)(std::span<const Tensor>) const> {
  static constexpr bool spans = true;
  static constexpr size_t value = 0;
};

// Calls (op.*member)(inputs[0], inputs[1], ...), or with the whole span.
template <class Op, class Member>
auto call_with(const Op& op, Member member, std::span<const Tensor> inputs) {
  using Arity = MemberArity<Member>;
  if constexpr (Arity::spans) {
    return (op.*member)(inputs);
  } else {
    return [&]<size_t... I>(std::index_sequence<I...>) { return (op.*member)(inputs[I]...); }
    (std::make_index_sequence<Arity::value>());
  }
}

template <class T, class Result>
std::vector<T> as_vector(Result&& result) {
  if constexpr (std::is_same_v<std::remove_cvref_t<Result>, T>) {
    return {std::forward<Result>(result)};
  } else {
    return {result.begin(), result.end()};
  }
}

template <class Op>
OpInfo make_op_info() {
  OpInfo info{};
  info.name = Op::name;
  info.differentiable = true;
  if constexpr (requires { Op::differentiable; }) info.differentiable = Op::differentiable;
  info.check = [](const void* op, std::span<const Tensor> inputs) {
    return as_vector<TensorSpec>(call_with(*static_cast<const Op*>(op), &Op::check, inputs));
  };
  if constexpr (requires { &Op::view; }) {
    info.view = [](const void* op, const Tensor& input) { return static_cast<const Op*>(op)->view(input); };
  }
  if constexpr (requires { &Op::decompose; }) {
    info.decompose = [](const void* op, std::span<const Tensor> inputs) {
      return as_vector<Tensor>(call_with(*static_cast<const Op*>(op), &Op::decompose, inputs));
    };
  }
  if constexpr (requires { &Op::vjp; }) {
    info.vjp = [](const void* op, const Backward& b) { return as_vector<Tensor>(static_cast<const Op*>(op)->vjp(b)); };
  }
  static_assert(
      requires { &Op::vjp; } || requires { &Op::decompose; } || requires { Op::differentiable; },
      "an operation needs a gradient: vjp, decompose, or differentiable = false");
  info.each_field = [](void* op, FieldVisitor& visitor) { static_cast<Op*>(op)->each_field(visitor); };
  info.copy = [](const void* op) -> std::shared_ptr<void> { return std::make_shared<Op>(*static_cast<const Op*>(op)); };
  return info;
}

}  // namespace internal

// The one description of an operation. Kernels are written into it when the tables are registered.
template <class Op>
OpInfo& op_info() {
  static OpInfo info = internal::make_op_info<Op>();
  return info;
}

template <class Op>
Tensors apply_multiple(const Op& op, std::span<const Tensor> inputs) {
  return apply_op(op_info<Op>(), &op, inputs);
}

template <class Op, class... Inputs>
Tensor apply(const Op& op, const Inputs&... inputs) {
  const std::array<Tensor, sizeof...(Inputs)> list{inputs...};
  return std::move(apply_op(op_info<Op>(), &op, list)[0]);
}

}  // namespace imago
