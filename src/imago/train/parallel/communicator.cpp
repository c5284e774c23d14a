#include "imago/train/parallel/communicator.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "imago/base/error.h"

namespace imago {

double Communicator::all_reduce(double value, Reduction reduction) {
  const Tensor x = Tensor::full({1}, value, DType::f64);
  all_reduce(x, reduction);
  return x.item<double>();
}

int64_t Communicator::all_reduce(int64_t value, Reduction reduction) {
  const Tensor x = Tensor::from(std::vector<int64_t>{value});
  all_reduce(x, reduction);
  return x.item<int64_t>();
}

std::vector<std::string> Communicator::all_gather(const std::string& text) {
  const std::vector<int64_t> ones(static_cast<size_t>(size()), 1);
  const std::vector<int64_t> sizes =
      all_gather(Tensor::from(std::vector<int64_t>{static_cast<int64_t>(text.size())}), ones).to_vector<int64_t>();
  const Tensor part = Tensor::empty({static_cast<int64_t>(text.size())}, DType::u8);
  if (!text.empty()) std::memcpy(part.data_raw(), text.data(), text.size());
  const Tensor all = all_gather(part, sizes);
  const char* next = static_cast<const char*>(all.const_data_raw());
  std::vector<std::string> texts;
  for (const int64_t length : sizes) {
    texts.emplace_back(next, static_cast<size_t>(length));
    next += length;
  }
  return texts;
}

void Communicator::expect_same(int64_t number, const std::string& what) {
  const Tensor bounds = Tensor::from(std::vector<int64_t>{number, -number});
  all_reduce(bounds, Reduction::kMax);
  const std::vector<int64_t> found = bounds.to_vector<int64_t>();
  if (found[0] == -found[1]) return;
  throw Error(ErrorKind::kInternal, "parallel",
              fmt::format("process {} is at {} where another one is not", rank(), what),
              "the model computes something else for each of them: train it with parallel: data");
}

}  // namespace imago
