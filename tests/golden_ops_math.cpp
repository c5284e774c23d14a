#include "golden_ops.h"
#include "imago/ops/ops.h"

namespace imago {
namespace {

using Unary = Tensor (*)(const Tensor&);
using Binary = Tensor (*)(const Tensor&, const Tensor&);
using Reduction = Tensor (*)(const Tensor&, const Shape&, bool);

void add_elementwise(GoldenOps& ops) {
  const std::map<std::string, Unary> unary = {{"exp", exp},
                                              {"tanh", tanh},
                                              {"sigmoid", sigmoid},
                                              {"erf", erf},
                                              {"sin", sin},
                                              {"cos", cos},
                                              {"abs", abs},
                                              {"neg", neg},
                                              {"sign", sign},
                                              {"floor", floor},
                                              {"ceil", ceil},
                                              {"expm1", expm1},
                                              {"log", log},
                                              {"sqrt", sqrt},
                                              {"rsqrt", rsqrt},
                                              {"log1p", log1p},
                                              {"round", round},
                                              {"relu", relu},
                                              {"reciprocal", reciprocal},
                                              {"logical_not", logical_not}};
  for (const auto& [name, function] : unary) {
    ops[name] = [f = function](const GoldenCall& c) -> Tensors { return {f(c.in(0))}; };
  }
  const std::map<std::string, Binary> binary = {{"add", add},
                                                {"sub", sub},
                                                {"mul", mul},
                                                {"div", div},
                                                {"pow", pow},
                                                {"atan2", atan2},
                                                {"fmod", fmod},
                                                {"maximum", maximum},
                                                {"minimum", minimum},
                                                {"remainder", remainder},
                                                {"floor_divide", floor_divide},
                                                {"eq", eq},
                                                {"ne", ne},
                                                {"lt", lt},
                                                {"le", le},
                                                {"gt", gt},
                                                {"ge", ge},
                                                {"logical_and", logical_and},
                                                {"logical_or", logical_or},
                                                {"logical_xor", logical_xor}};
  for (const auto& [name, function] : binary) {
    ops[name] = [f = function](const GoldenCall& c) -> Tensors { return {f(c.in(0), c.in(1))}; };
  }
  ops["clamp"] = [](const GoldenCall& c) -> Tensors {
    return {clamp(c.in(0), c.args.at("min").get<double>(), c.args.at("max").get<double>())};
  };
  ops["where"] = [](const GoldenCall& c) -> Tensors { return {where(c.in(0), c.in(1), c.in(2))}; };
  ops["lerp"] = [](const GoldenCall& c) -> Tensors { return {lerp(c.in(0), c.in(1), c.in(2))}; };
  ops["masked_fill"] = [](const GoldenCall& c) -> Tensors {
    return {masked_fill(c.in(0), c.in(1), c.args.at("value").get<double>())};
  };
}

void add_reductions(GoldenOps& ops) {
  const std::map<std::string, Reduction> reductions = {{"sum", sum},   {"mean", mean},          {"prod", prod},
                                                       {"amax", amax}, {"amin", amin},          {"any", any},
                                                       {"all", all},   {"logsumexp", logsumexp}};
  for (const auto& [name, function] : reductions) {
    ops[name] = [f = function](const GoldenCall& c) -> Tensors { return {f(c.in(0), c.shape("dim"), c.keepdim())}; };
  }
  const auto index_of = [](auto function) {
    return [function](const GoldenCall& c) -> Tensors {
      return {function(c.in(0), c.has("dim") ? std::optional(c.dim()) : std::nullopt, c.keepdim())};
    };
  };
  ops["argmax"] = index_of(argmax);
  ops["argmin"] = index_of(argmin);
  ops["max"] = [](const GoldenCall& c) -> Tensors {
    const Extreme extreme = max(c.in(0), c.dim(), c.keepdim());
    return {extreme.values, extreme.indices};
  };
  ops["min"] = [](const GoldenCall& c) -> Tensors {
    const Extreme extreme = min(c.in(0), c.dim(), c.keepdim());
    return {extreme.values, extreme.indices};
  };
  ops["var"] = [](const GoldenCall& c) -> Tensors {
    return {var(c.in(0), c.shape("dim"), c.get("correction", 1.0), c.keepdim())};
  };
  ops["std"] = [](const GoldenCall& c) -> Tensors {
    return {standard_deviation(c.in(0), c.shape("dim"), c.get("correction", 1.0), c.keepdim())};
  };
  ops["linalg.vector_norm"] = [](const GoldenCall& c) -> Tensors {
    return {norm(c.in(0), c.get("ord", 2.0), c.shape("dim"), c.keepdim())};
  };
  ops["cumsum"] = [](const GoldenCall& c) -> Tensors { return {cumsum(c.in(0), c.dim())}; };
  ops["cumprod"] = [](const GoldenCall& c) -> Tensors { return {cumprod(c.in(0), c.dim())}; };
}

void add_order_and_index(GoldenOps& ops) {
  ops["sort"] = [](const GoldenCall& c) -> Tensors {
    const SortResult sorted = sort(c.in(0), c.dim(), c.get("descending", false));
    return {sorted.values, sorted.indices};
  };
  ops["argsort"] = [](const GoldenCall& c) -> Tensors {
    return {argsort(c.in(0), c.dim(), c.get("descending", false))};
  };
  ops["topk"] = [](const GoldenCall& c) -> Tensors {
    const SortResult top = topk(c.in(0), c.args.at("k").get<int64_t>(), c.dim(), c.get("largest", true));
    return {top.values, top.indices};
  };
  ops["gather"] = [](const GoldenCall& c) -> Tensors { return {gather(c.in(0), c.dim(), c.in(1))}; };
  ops["index_select"] = [](const GoldenCall& c) -> Tensors { return {index_select(c.in(0), c.dim(), c.in(1))}; };
  ops["scatter"] = [](const GoldenCall& c) -> Tensors { return {scatter(c.in(0), c.dim(), c.in(1), c.in(2))}; };
  ops["scatter_add"] = [](const GoldenCall& c) -> Tensors { return {scatter_add(c.in(0), c.dim(), c.in(1), c.in(2))}; };
  ops["index_add"] = [](const GoldenCall& c) -> Tensors { return {index_add(c.in(0), c.dim(), c.in(1), c.in(2))}; };
  ops["one_hot"] = [](const GoldenCall& c) -> Tensors {
    return {one_hot(c.in(0), c.args.at("num_classes").get<int64_t>())};
  };
}

void add_shapes(GoldenOps& ops) {
  ops["cat"] = [](const GoldenCall& c) -> Tensors { return {concat(c.inputs, c.dim())}; };
  ops["stack"] = [](const GoldenCall& c) -> Tensors { return {stack(c.inputs, c.dim())}; };
  ops["roll"] = [](const GoldenCall& c) -> Tensors { return {roll(c.in(0), c.shape("shifts"), c.shape("dims"))}; };
  ops["flip"] = [](const GoldenCall& c) -> Tensors { return {flip(c.in(0), c.shape("dims"))}; };
  ops["permute"] = [](const GoldenCall& c) -> Tensors { return {permute(c.in(0), c.shape("dims"))}; };
  ops["tril"] = [](const GoldenCall& c) -> Tensors { return {tril(c.in(0), c.get<int64_t>("diagonal", 0))}; };
  ops["triu"] = [](const GoldenCall& c) -> Tensors { return {triu(c.in(0), c.get<int64_t>("diagonal", 0))}; };
  ops["repeat_interleave"] = [](const GoldenCall& c) -> Tensors {
    return {repeat_interleave(c.in(0), c.args.at("repeats").get<int64_t>(), c.dim())};
  };
}

}  // namespace

void add_golden_math(GoldenOps& ops) {
  add_elementwise(ops);
  add_reductions(ops);
  add_order_and_index(ops);
  add_shapes(ops);
}

}  // namespace imago
